"""Ctrl-C and SIGTERM ask a long work to end in good order; a second one ends it at once."""

import os
import signal
import threading
import time
import weakref
from contextlib import suppress
from functools import partial
from types import FrameType, TracebackType
from typing import Self

import psutil

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NO_MORE = b"\0"
_STDERR = 2


class StopSignals:
    """While it is entered, the first signal is only noted; the second one ends the process, whatever it is doing.

    The second one does not wait for the main thread, which may be in the middle of a long computation or of writing a
    file: what is half written then is what a kill would leave, and the next start passes it over.
    Signals can be caught in the main thread only; elsewhere this does nothing.

    Args:
        first: said at the first signal, one line.
        second: said at the second one.
        echo_seconds: within so many seconds a second signal is the first one again. Under torchrun a cluster's signal
            comes twice: to every process, and from torchrun, which hands it on.
        listens: signals are this object's; else they stay those of whoever has them.
    """

    def __init__(self, *, first: str, second: str, echo_seconds: float = 0.0, listens: bool = True) -> None:
        self.number: int | None = None
        self._first, self._second = first, second
        self._echo_seconds = echo_seconds
        self._first_at: float | None = None
        self._listens = listens
        self._before: dict[int, object] = {}
        self._bell = (-1, -1)
        self._bell_before = -1

    @property
    def is_asked(self) -> bool:
        """Whether there was a signal."""
        return self.number is not None

    def __enter__(self) -> Self:
        """Take over the signals."""
        if self._listens and threading.current_thread() is threading.main_thread():
            self._bell = os.pipe()
            os.set_blocking(self._bell[1], False)
            threading.Thread(target=self._leave_at_the_bell, args=(self._bell[0],), daemon=True).start()
            # The system itself rings the bell: the main thread may come to no handler for minutes.
            self._bell_before = signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)
            os.register_at_fork(after_in_child=partial(_unhang_the_bell, weakref.ref(self)))
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
        self._before = {}
        signal.set_wakeup_fd(self._bell_before)
        os.write(self._bell[1], _NO_MORE)
        os.close(self._bell[1])

    def answer(self, number: int) -> None:
        """Say that the first signal was heard; called by its handler, which may raise."""
        del number
        os.write(_STDERR, f"{self._first}\n".encode())

    def unhang_the_bell(self) -> None:
        """Let signals to this process, a forked one, be no signals to the one that it comes from."""
        if self._before:
            signal.set_wakeup_fd(-1)

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Note the first signal; the thread at the bell counts them."""
        del frame
        if self.number is None:
            self.number = number
            self.answer(number)

    def _hear(self, number: int) -> None:
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
        elif now - self._first_at >= self._echo_seconds:
            leave(number, self._second)

    def _leave_at_the_bell(self, bell: int) -> None:
        """Wait for the number of a signal; other signals than those of a stop, such as a child's end, do not count."""
        while (rung := os.read(bell, 1)) not in (b"", _NO_MORE):
            if rung[0] in _SIGNALS:
                self._hear(rung[0])
        os.close(bell)


def _unhang_the_bell(reference: weakref.ref[StopSignals]) -> None:
    signals = reference()
    if signals is not None:
        signals.unhang_the_bell()


def leave(number: int, words: str) -> None:
    """End this process and its workers now, as signal `number` asks for: no save, no clean-up."""
    try:
        with suppress(psutil.Error):  # one that has just ended
            for child in psutil.Process().children(recursive=True):
                child.kill()
        os.write(_STDERR, f"{words}\n".encode())
    finally:
        os._exit(128 + number)
