"""What an archive says it holds, checked before one byte is unpacked: nothing outside, no links, no bombs."""

import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown

ARCHIVE_FAULTS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What Python's readers raise for damaged archives; RuntimeError is zipfile's for encrypted members."""
_JUNK = frozenset({"__macosx", ".ds_store", "thumbs.db"})
_SMALL_BYTES = 50_000_000


@dataclass(frozen=True)
class Limits:
    """More than this is no data set but an attack or a mistake. Pictures are compressed already: they hardly shrink."""

    max_members: int = 1_000_000
    max_bytes: int = 64 * 1024**3
    max_ratio: float = 20.0
    """Unpacked bytes to the archive's own, for archives that unpack to more than 50 MB."""


@dataclass(frozen=True)
class Member:
    """A regular file of an archive."""

    name: str
    """Path with forward slashes, without a leading `./`."""
    num_bytes: int
    open: Callable[[], IO[bytes]]


@contextmanager
def open_archive(path: Path, limits: Limits | None = None) -> Iterator[tuple[Member, ...]]:
    """Open a zip or tar file, packed or not, check every member and yield them.

    Raises:
        DataError: no such archive, a member that would land elsewhere, a link, a device, two members of one name, an
            encrypted member, too many members or too many bytes.
    """
    try:
        is_zip = zipfile.is_zipfile(path)
        reader = zipfile.ZipFile(path) if is_zip else tarfile.open(path)  # noqa: SIM115
    except ARCHIVE_FAULTS as error:
        raise DataError(
            f"{shown(path)} is no zip or tar archive, or only a part of one; remove it and get it again."
        ) from error
    with reader:
        try:
            members = _checked_members(path, reader, limits or Limits())
        except ARCHIVE_FAULTS as error:
            raise DataError(f"{shown(path)} is damaged ({error}); remove it and get it again.") from error
        yield members


def is_junk(name: str) -> bool:
    """True for what systems leave in archives."""
    parts = name.split("/")
    return parts[-1].startswith("._") or any(part.casefold() in _JUNK for part in parts)


def _checked_members(path: Path, reader: zipfile.ZipFile | tarfile.TarFile, limits: Limits) -> tuple[Member, ...]:
    is_zip = isinstance(reader, zipfile.ZipFile)
    members = tuple(_zip_members(path, reader) if is_zip else _tar_members(path, reader, limits))
    _check_limits(path, len(members), sum(member.num_bytes for member in members), limits)
    _check_collisions(path, members)
    return members


def _zip_members(path: Path, reader: zipfile.ZipFile) -> Iterator[Member]:
    for info in reader.infolist():
        name = _checked_name(path, info.orig_filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refusal(path, name, "a link or a device")
        if info.flag_bits & 1:
            raise _refusal(path, name, "encrypted")
        if not info.is_dir():
            yield Member(name, info.file_size, partial(reader.open, info))


def _tar_members(path: Path, reader: tarfile.TarFile, limits: Limits) -> Iterator[Member]:
    num_bytes = 0
    for num_members, info in enumerate(reader):
        # While the list is read, since reading on to the next member unpacks this one.
        num_bytes += info.size
        _check_limits(path, num_members, num_bytes, limits)
        name = _checked_name(path, info.name)
        if not info.isdir():
            if not info.isreg():
                raise _refusal(path, name, "a link or a device")
            yield Member(name, info.size, partial(_open_tar_member, reader, info))


def _open_tar_member(reader: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = reader.extractfile(info)
    if stream is None:
        raise tarfile.TarError(f"no bytes for {info.name}")
    return stream


def _checked_name(path: Path, name: str) -> str:
    """Return the name without a leading `./`; refuse what would leave the folder on any system."""
    parts = re.split(r"[\\/]", name.removesuffix("/"))
    plain = [part for part in parts if part != "."]
    is_bad = name.startswith(("/", "\\")) or ":" in name or "\\" in name or "\0" in name
    if is_bad or any(part in ("", "..") or len(part.encode("utf-8", "replace")) > 255 for part in plain):
        raise _refusal(path, name, "a path that leaves the folder or is none")
    return "/".join(plain)


def _check_limits(path: Path, num_members: int, num_bytes: int, limits: Limits) -> None:
    if num_members > limits.max_members:
        raise DataError(
            f"{shown(path)} holds more than the {limits.max_members:,} files expected: nothing was unpacked."
        )
    ratio = num_bytes / max(1, path.stat().st_size)
    if num_bytes > limits.max_bytes or (num_bytes > _SMALL_BYTES and ratio > limits.max_ratio):
        raise DataError(
            f"{shown(path)} would unpack to {num_bytes:,} bytes, {ratio:,.0f} times its size; expected at most "
            f"{limits.max_bytes:,} bytes and {limits.max_ratio:.0f} times: nothing was unpacked."
        )


def _check_collisions(path: Path, members: Sequence[Member]) -> None:
    """Refuse names that fall together, on disks that know no case too, and a file where another has a folder."""
    seen: set[str] = set()
    for member in members:
        key = member.name.casefold()
        if key in seen:
            raise _refusal(path, member.name, "a name that occurs twice")
        seen.add(key)
    folders = {str(parent) for key in seen for parent in PurePosixPath(key).parents}
    both = next((key for key in sorted(seen) if key in folders), None)
    if both is not None:
        raise _refusal(path, both, "a file and a folder")


def _refusal(path: Path, name: str, what: str) -> DataError:
    return DataError(
        f"{shown(path)} holds {shown(Path(name.replace(chr(0), '?')))!r}, {what}; expected plain files: "
        "nothing was unpacked."
    )
