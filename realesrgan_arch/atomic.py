"""A finished file is complete or absent: write beside the target, flush to the disk, rename."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"
"""How the name of a file ends that is not whole yet; it begins with a dot."""
_PARTIAL_NAME = re.compile(rf"\.[a-z0-9_]{{8}}{re.escape(PARTIAL)}")
"""With the eight characters of `mkstemp`."""


@contextmanager
def atomic_file(path: Path, *, check: Callable[[Path], None] | None = None) -> Iterator[BinaryIO]:
    """Yield a binary file that becomes `path` when the block ends well and vanishes when it raises.

    `check` looks at the whole file before it gets its name; where it raises, the file vanishes, too.
    The folder is made if it is absent. Raises `OSError` for a full disk, a read-only folder and the like.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=PARTIAL, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        if check is not None:
            check(temporary)
        move_into_place(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def move_into_place(whole: Path, path: Path) -> None:
    """Give `whole`, a file or folder on the same disk that is flushed already, its name `path`, and make it last."""
    whole.replace(path)
    _sync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`: all of it or nothing."""
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`: all of it or nothing."""
    write_bytes(path, text.encode())


def remove_partial_files(folder: Path) -> None:
    """Remove what processes that were killed have left in `folder`; no other process may be writing there."""
    for path in partial_files(folder):
        path.unlink(missing_ok=True)


def partial_files(folder: Path) -> list[Path]:
    """Return the files in `folder` that `atomic_file` has begun, and none whose name only ends like theirs."""
    return [path for path in folder.glob(f".*{PARTIAL}") if _PARTIAL_NAME.fullmatch(path.name) and path.is_file()]


def try_writing(folder: Path) -> None:
    """Write a file into `folder` and remove it, to find out before hours of work; the folder is made if absent.

    Raises:
        OSError: it cannot be written to.
    """
    probe = folder / ".write-probe"
    write_bytes(probe, b"")
    probe.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder, and needs no such flush.
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
