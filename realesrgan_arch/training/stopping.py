"""Ctrl-C and SIGTERM end a run between two steps, with a state that resumes; a second one ends it at once."""

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedBySignal(KeyboardInterrupt):
    """A run that ended between two steps because it was asked to; its state is saved.

    The exit code is 128 plus the signal's number, as a shell would report it: 130 or 143.
    """

    def __init__(self, step: int, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(f"stopped at step {step} and saved; go on with --auto_resume")


class StopRequest:
    """While it is entered, the first signal is only noted; the second one interrupts as ever.

    Signals can be caught in the main thread only; elsewhere this does nothing.

    Args:
        echo_seconds: within so many seconds a second signal is the first one again. Under torchrun a cluster's signal
            comes twice: to every process, and from torchrun, which hands it on.
    """

    def __init__(self, *, echo_seconds: float = 0.0) -> None:
        self.number: int | None = None
        self._echo_seconds = echo_seconds
        self._first_at = 0.0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        """Take over the signals."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.number is None:
            self.number, self._first_at = number, time.monotonic()
        elif time.monotonic() - self._first_at >= self._echo_seconds:
            raise KeyboardInterrupt


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
