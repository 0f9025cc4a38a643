"""Images in an LMDB, in BasicSR's layout, so that either reads what the other wrote.

A folder `x.lmdb` holds `data.mdb`, `lock.mdb` and `meta_info.txt` with a line `name.png (height,width,channels) 1` for
each image. The key is the name without its suffix; upstream cuts a name at its first dot when it reads the list, here
dots may stand in names. Values are the bytes of image files.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.data.files import DataError, read_meta_info
from realesrgan_arch.data.image_source import Disk
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.extras import require_extra
from realesrgan_arch.image_header import ImageError, parse_header, shown
from realesrgan_arch.images import read_bytes

SUFFIX = ".lmdb"
META_INFO = "meta_info.txt"
_DATA = "data.mdb"
_MAX_KEY_BYTES = 511
"""LMDB's own limit, fixed when it is compiled."""
_PAGE_BYTES = 4096
_BATCH = 1000
"""Images a commit."""


@dataclass(frozen=True)
class LmdbSource:
    """The images of the LMDB `folders`; a path below none of them is a file's.

    It holds no open handle: each process opens a folder once, when it first reads from it.
    """

    folders: tuple[Path, ...]
    disk: Disk = field(default_factory=Disk)

    def list(self, root: Path) -> list[Path]:
        """Return the images that `meta_info.txt` of the LMDB lists.

        Raises:
            DataError: not an LMDB, no list in it, or images of the list that are not in it.
        """
        if root not in self.folders:
            return self.disk.list(root)
        _environment(root.resolve())
        return read_meta_info(root / META_INFO, root, num_bytes=self.num_bytes)

    def num_bytes(self, path: Path) -> int | None:
        """Return the size of an image, None when the LMDB does not hold it."""
        place = self._place(path)
        if place is None:
            return self.disk.num_bytes(path)
        with _environment(place[0]).begin(buffers=True) as transaction:
            value = transaction.get(place[1])
            return None if value is None else len(value)

    def read(self, path: Path) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: the LMDB does not hold it.
            DataError: not an LMDB, or the package is missing.
        """
        place = self._place(path)
        if place is None:
            return self.disk.read(path)
        with _environment(place[0]).begin() as transaction:
            value: bytes | None = transaction.get(place[1])
        if value is None:
            raise ImageError(f"{shown(place[0])} holds no image {place[1].decode('utf-8', 'backslashreplace')!r}.")
        return value

    def size(self, path: Path) -> tuple[int, int]:
        """Return (width, height) of an image.

        Raises:
            ImageError: it cannot be read.
            DataError: as `read`.
        """
        return self.disk.size(path) if self._place(path) is None else parse_header(self.read(path), path).size

    def _place(self, path: Path) -> tuple[Path, bytes] | None:
        """The folder and the key of a path."""
        for folder in self.folders:
            if path.is_relative_to(folder):
                return folder.resolve(), key_of(path.relative_to(folder).as_posix())
        return None


def key_of(name: str) -> bytes:
    """Return the key of an image: its name below the root without the suffix (the last one: names may hold dots)."""
    return PurePosixPath(name).with_suffix("").as_posix().encode("utf-8", "surrogateescape")


def write_lmdb(rows: Sequence[ManifestRow], root: Path, folder: Path, *, map_size_bytes: int | None = None) -> None:
    """Write the image files of `rows` below `root`, byte for byte, to the LMDB `folder`, which is complete or absent.

    An LMDB that is there and lists the same images is left as it is.

    Raises:
        DataError: another LMDB or folder is there, two images of one key, a full disk or map, or no package `lmdb`.
        ImageError: a file cannot be read.
    """
    meta_info = "".join(f"{row.path} ({row.height},{row.width},3) 1\n" for row in rows)
    if is_written(folder, meta_info):
        return
    lmdb = require_extra("lmdb", extra="lmdb", purpose="Writing an LMDB")
    _check_keys(rows)
    partial = folder.with_name(f".{folder.name}.partial")
    with _writing_faults(lmdb, folder):
        # What a killed run has left.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with lmdb.open(str(partial), map_size=map_size_bytes or _map_size(rows)) as environment:
            _put_all(environment, rows, root)
        atomic.write_bytes(partial / META_INFO, meta_info.encode("utf-8", "surrogateescape"))
        partial.rename(folder)


def is_written(folder: Path, meta_info: str) -> bool:
    """Return whether `folder` is an LMDB with that list, False when there is nothing.

    Raises:
        DataError: something else is there.
    """
    if not folder.exists():
        return False
    listed = folder / META_INFO
    if listed.is_file() and listed.read_bytes() == meta_info.encode("utf-8", "surrogateescape"):
        return True
    raise DataError(
        f"Expected {shown(folder)} to be absent or an LMDB of the same images, but something else is there; "
        "move it away, or choose another --out."
    )


@cache
def _environment(folder: Path) -> Any:
    """The open LMDB, one a process: LMDB refuses to open a folder twice.

    A process that is forked later uses the one of its parent, which LMDB allows to readers without a lock: all that
    they share is a read-only map of the file.
    """
    lmdb = require_extra("lmdb", extra="lmdb", purpose="Reading an LMDB")
    if not (folder / _DATA).is_file():
        raise DataError(f"Expected an LMDB, a folder with {_DATA}, but {shown(folder)} is none.")
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise DataError(f"{shown(folder)} cannot be read as an LMDB: {error}.") from error


def _check_keys(rows: Sequence[ManifestRow]) -> None:
    seen: dict[bytes, str] = {}
    for row in rows:
        key = key_of(row.path)
        if "\n" in row.path or row.path != row.path.strip():
            raise DataError(f"{META_INFO} of an LMDB cannot hold the name {row.path!r}: a line or space ends there.")
        if len(key) > _MAX_KEY_BYTES:
            raise DataError(f"'{shown(Path(row.path))}' is too long for an LMDB: {len(key)} of {_MAX_KEY_BYTES} bytes.")
        if seen.setdefault(key, row.path) != row.path:
            raise DataError(f"'{shown(Path(seen[key]))}' and '{shown(Path(row.path))}' would have one key in an LMDB.")


def _map_size(rows: Sequence[ManifestRow]) -> int:
    """Enough for the values, each on pages of its own, and as much again for keys and pages in between."""
    pages = sum(-(-(row.bytes + 64) // _PAGE_BYTES) + 1 for row in rows)
    return 2 * _PAGE_BYTES * (pages + 256)


def _put_all(environment: Any, rows: Sequence[ManifestRow], root: Path) -> None:
    bar = tqdm(total=len(rows), desc="writing LMDB", unit="image", disable=None)
    ordered = sorted(rows, key=lambda row: key_of(row.path))
    with bar:
        for start in range(0, len(ordered), _BATCH):
            with environment.begin(write=True) as transaction:
                for row in ordered[start : start + _BATCH]:
                    transaction.put(key_of(row.path), read_bytes(root / row.path), append=True)
                    bar.update()


@contextmanager
def _writing_faults(lmdb: ModuleType, folder: Path) -> Iterator[None]:
    try:
        yield
    except lmdb.MapFullError as error:
        raise DataError(f"{shown(folder)} cannot be written: its map is full; the images grew meanwhile.") from error
    except (lmdb.Error, OSError) as error:
        reason = (error.strerror or os.strerror(error.errno or 0)) if isinstance(error, OSError) else str(error)
        raise DataError(f"{shown(folder)} cannot be written: {reason}.") from error
