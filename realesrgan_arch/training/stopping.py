"""Ctrl-C and SIGTERM end a run between two steps, with a state that resumes; a second one ends it at once."""

import signal
import threading
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
    """

    def __init__(self) -> None:
        self.number: int | None = None
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
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number


def leave_signals_to_the_parent(worker: int) -> None:
    """Make a `DataLoader` worker outlive the Ctrl-C that a terminal sends to the whole process group."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
