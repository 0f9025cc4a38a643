"""Ctrl-C and SIGTERM end a run between two steps, with a state that resumes; a second one ends it at once."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Self

import psutil

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NO_MORE = b"\0"
_STDERR = 2


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


class StopRequest:
    """While it is entered, the first signal is only noted; the second one ends the process, whatever it is doing.

    The second one does not wait for the main thread, which may be in the middle of a long computation or of writing a
    file: what is half written then is what a kill would leave, and the next start passes it over.
    Signals can be caught in the main thread only; elsewhere this does nothing.

    Args:
        echo_seconds: within so many seconds a second signal is the first one again. Under torchrun a cluster's signal
            comes twice: to every process, and from torchrun, which hands it on.
        listens: signals are this object's; else they stay those of whoever has them.
    """

    def __init__(self, *, echo_seconds: float = 0.0, listens: bool = True) -> None:
        self.number: int | None = None
        self._echo_seconds = echo_seconds
        self._first_at = 0.0
        self._listens = listens
        self._before: dict[int, object] = {}
        self._saved_step: int | None = None
        self._bell = (-1, -1)

    def __enter__(self) -> Self:
        """Take over the signals."""
        if self._listens and threading.current_thread() is threading.main_thread():
            self._bell = os.pipe()
            os.set_blocking(self._bell[1], False)
            threading.Thread(target=self._leave_at_the_bell, args=(self._bell[0],), daemon=True).start()
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        if not self._before:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]
        signal.set_wakeup_fd(-1)
        os.write(self._bell[1], _NO_MORE)
        os.close(self._bell[1])

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

    def _stop_if_asked(self, step: int) -> None:
        if self.number is not None:
            raise StoppedBySignal(step, self.number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.number is not None:
            self._hear_again(number)
            return
        self.number, self._first_at = number, time.monotonic()
        # From now on the system itself rings the bell. Not earlier: workers that are forked later would ring it too.
        signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)
        if self._saved_step is not None:
            raise StoppedBySignal(self._saved_step, number)
        os.write(_STDERR, b"stopping after this step, with a save; once more leaves at once, without\n")

    def _hear_again(self, number: int) -> None:
        if time.monotonic() - self._first_at >= self._echo_seconds:
            leave(number)

    def _leave_at_the_bell(self, bell: int) -> None:
        """Wait for the number of a signal; other signals than those of a stop, such as a child's end, do not count."""
        while (rung := os.read(bell, 1)) not in (b"", _NO_MORE):
            if rung[0] in _SIGNALS:
                self._hear_again(rung[0])
        os.close(bell)


def leave(number: int) -> None:
    """End this process and its workers now, as signal `number` asks for: no save, no clean-up."""
    try:
        with suppress(psutil.Error):  # one that has just ended
            for child in psutil.Process().children(recursive=True):
                child.kill()
        os.write(_STDERR, b"left at once; go on from the last checkpoint with --resume auto\n")
    finally:
        os._exit(128 + number)


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
