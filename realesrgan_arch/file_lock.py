"""One process at a time: a lock that the system lets go of when its process ends, however it ends."""

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None


def has_locks() -> bool:
    """Return whether this system knows locks, so that holding one means anything."""
    return fcntl is not None


@contextmanager
def file_lock(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file `path`, made with its folder and removed at the end; without effect on Windows.

    A `shared` one is held by any number of processes, and waits for the end of one that is not.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be written.
    """
    if fcntl is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
            _keep_from_children(file)
            # Its holder may have removed the file between our opening and our locking of it: then it guards nothing.
            if not _is_same(file.fileno(), path):
                continue
            try:
                yield
            finally:
                with suppress(BlockingIOError):  # Others hold a shared one: the last of them removes the file.
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            return


def _keep_from_children(file: TextIO) -> None:
    """Close `file` in processes that are forked from now on: data workers outlive a killed run for some seconds."""
    os.register_at_fork(after_in_child=partial(_close, weakref.ref(file)))


def _close(reference: weakref.ref[TextIO]) -> None:
    file = reference()
    if file is not None:
        file.close()


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
