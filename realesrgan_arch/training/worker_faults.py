"""What torch says when a `DataLoader` worker dies, hangs or finds no shared memory, in words that help.

The one place that knows torch's messages (pytorch `torch/utils/data/dataloader.py`, `torch/csrc/DataLoader.cpp`,
`aten/src/ATen/MapAllocator.cpp`).
"""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from realesrgan_arch.byte_count import say_bytes

SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps what processes share."""
_NO_SHARED_MEMORY = (
    "bus error",
    "shared memory",
    "(shm)",
    "</torch_",
    "no space left on device",
    "unable to mmap",
)
_NO_HANDLES = ("too many open files", "received 0 items of ancdata")
_DIED = ("killed by signal", "exited unexpectedly")
_SHM_HINT = "give it more (docker run --shm-size=8g), or lower datasets.train.num_worker_per_gpu"


class WorkerError(Exception):
    """Workers that bring no more batches, through no fault of the images; one sentence with the probable cause."""


def explain(error: BaseException) -> str | None:
    """Return what has happened to the workers, or None where `error` is of another kind."""
    if not isinstance(error, (RuntimeError, OSError, EOFError)):
        return None
    text = f"{error} {error.__cause__ or ''}".lower()
    if any(word in text for word in _NO_SHARED_MEMORY):
        return f"the data workers ran out of shared memory (/dev/shm); {_SHM_HINT}"
    if any(word in text for word in _NO_HANDLES) or (isinstance(error, OSError) and error.errno == errno.EMFILE):
        return "the data workers ran out of open files; raise the limit with `ulimit -n 65536`"
    if "dataloader timed out" in text:
        return (
            "a data worker brought nothing within datasets.train.worker_timeout_s; the disk or the network drive of "
            "the images hangs, or a file takes for ever to decode"
        )
    if any(word in text for word in _DIED) or isinstance(error, (ConnectionError, EOFError)):
        return (
            f"a data worker was killed ({_which_signal(text)}); lower datasets.train.num_worker_per_gpu, or give the "
            "machine or the container more memory"
        )
    return None


def _which_signal(text: str) -> str:
    if "terminated" in text:
        return "by SIGTERM, so somebody or the batch system ended it"
    if "segmentation fault" in text:
        return "by a crash in a library, perhaps on a damaged file"
    return "most often because memory ran out: see `dmesg`"


def shared_memory_warning(needed_bytes: int, *, place: Path = SHARED_MEMORY) -> str | None:
    """Return a sentence where `place` has less room than the batches that the workers prefetch need."""
    try:
        room = os.statvfs(place)
    except OSError:  # no Linux, so no such limit
        return None
    free = room.f_bavail * room.f_frsize
    if free >= needed_bytes:
        return None
    return f"{place} has {say_bytes(free)} free and the data workers may need {say_bytes(needed_bytes)}; {_SHM_HINT}"


class DeathNotice:
    """Holds torch's word that a worker has died until the loop waits for a batch.

    torch raises from its SIGCHLD handler wherever the main thread is, also in the middle of an optimiser's step or
    of a save; half a step can be neither saved nor repeated.
    """

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], object] | None = None
        self._has_come = False
        self._waits = False

    def hold(self) -> None:
        """Take over from the handler that is there; to be called after torch has set its own.

        A notice that still holds the signal (its batches wait for the garbage collector) is passed over: it no longer
        waits, so what it is told would be lost.
        """
        handler = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
        earlier = getattr(handler, "__self__", None)
        if isinstance(earlier, DeathNotice):
            handler = earlier._handler
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._handler = handler
            signal.signal(signal.SIGCHLD, self._note)

    def release(self) -> None:
        """Give the signal back, unless a later notice holds it."""
        if self._handler is not None and threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGCHLD) == self._note:
                signal.signal(signal.SIGCHLD, self._handler)
            self._handler = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block a death is raised at once; so is one that came before.

        Raises:
            RuntimeError: torch's own.
        """
        self._waits = True
        try:
            if self._has_come:
                self._pass_on(signal.SIGCHLD, None)
            yield
        finally:
            self._waits = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._has_come = True
        if self._waits:
            self._pass_on(number, frame)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._has_come = False
        if self._handler is not None:
            self._handler(number, frame)
