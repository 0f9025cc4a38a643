"""One process at a time: a lock that the system lets go of when its process ends, however it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, made with its folder and removed at the end; without effect on Windows.

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
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its holder may have removed the file between our opening and our locking of it: then it guards nothing.
            if not _is_same(file.fileno(), path):
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
