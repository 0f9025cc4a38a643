"""Ctrl-C and SIGTERM end a run between two steps, with a state that resumes; a second one ends it at once."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from realesrgan_arch.stop_signals import StopSignals

_FIRST = "stopping after this step, with a save; once more leaves at once, without"
_SECOND = "left at once; go on from the last checkpoint with --resume auto"


class StoppedBySignal(KeyboardInterrupt):
    """A run that ended because it was asked to.

    The exit code is 128 plus the signal's number, as a shell would report it: 130 or 143.

    Args:
        step: the last one whose state is saved; 0 without any.
        number: of the signal.
        disk_is_full: the steps after `step` could not be saved.
    """

    def __init__(self, step: int, number: int, *, disk_is_full: bool = False) -> None:
        self.exit_code = 128 + number
        super().__init__(_on_a_full_disk(step) if disk_is_full else _between_steps(step))


def _between_steps(step: int) -> str:
    saved = f"stopped at step {step} and saved; go on with --resume auto"
    return saved if step else "stopped before the first step; there is nothing to save"


def _on_a_full_disk(step: int) -> str:
    last = f"the last checkpoint is of step {step}: go on with --resume auto" if step else "there is no checkpoint"
    return f"stopped while the disk was full, so nothing was saved of this step; {last}"


class StopRequest(StopSignals):
    """`StopSignals` of a training run: the first one is answered after the step, with a save.

    Args:
        echo_seconds: as of `StopSignals`.
        listens: as of `StopSignals`.
    """

    def __init__(self, *, echo_seconds: float = 0.0, listens: bool = True) -> None:
        super().__init__(first=_FIRST, second=_SECOND, echo_seconds=echo_seconds, listens=listens)
        self._saved_step: int | None = None

    @contextmanager
    def at_once(self, step: int) -> Iterator[None]:
        """In the block the first signal ends the run without waiting for the block's end: all of `step` is saved.

        Raises:
            StoppedBySignal: there was a signal, in the block or before it.
        """
        self._saved_step = step
        try:
            self._stop_if_asked(step)
            yield
            self._stop_if_asked(step)
        finally:
            self._saved_step = None

    def answer(self, number: int) -> None:
        """Leave a block of `at_once`, or say that the step is finished first."""
        if self._saved_step is not None:
            raise StoppedBySignal(self._saved_step, number)
        super().answer(number)

    def _stop_if_asked(self, step: int) -> None:
        if self.number is not None:
            raise StoppedBySignal(step, self.number)


def leave_signals_to_the_parent(worker: int) -> None:
    """Make a `DataLoader` worker outlive the signals that a terminal, torchrun or a cluster sends to it as well.

    A worker that outlived SIGTERM for good could not be ended by its parent: the first one is let pass.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _let_one_pass)
    if hasattr(os, "setpgrp"):  # torchrun and terminals signal process groups
        os.setpgrp()


def _let_one_pass(number: int, frame: FrameType | None) -> None:
    del frame
    signal.signal(number, signal.SIG_DFL)
