"""A finished file is complete or absent."""

import os
import tempfile
from pathlib import Path

_MODE_OF_NEW_FILES = 0o644


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file, or no file, or the whole new file.

    Temp file in the same folder, fsync, rename, fsync the folder. The temp file is removed when anything fails.

    Raises:
        OSError: the folder is missing or read-only, the disk is full, the name is too long.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(_MODE_OF_NEW_FILES)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; the rename itself is durable there.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
