"""One file -> everything that an audit keeps of it: read once, hashed, decoded fully, measured."""

import errno
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2

from realesrgan_arch.audit.judge import judge
from realesrgan_arch.audit.measure import Measurements, measure
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import (
    ImageError,
    ImageHeader,
    ImageTooLargeError,
    ImageUnsupportedError,
    describe_bytes,
    is_complete,
    parse_header,
    shown,
    sniff,
)
from realesrgan_arch.images import Pixels, decode_rgb, read_rgb
from realesrgan_arch.pages import data_uri, thumbnail
from realesrgan_arch.perceptual_hash import Fingerprint, fingerprint

MAX_FILE_BYTES = 2**31
"""A larger file is refused before it is read: no picture of at most 300 million pixels needs that much."""
THUMBNAIL_SIDE = 200
THUMBNAIL_QUALITY = 75

_FOREIGN_PICTURES = ("HEIC", "RAW", "PDF", "PostScript", "Photoshop", "SVG")
# What libjpeg says of pixels that it made up. A few stray bytes before the end mark are padding and harm nothing.
_JPEG_DAMAGE = re.compile(
    rb"premature end|bad Huffman code|before marker 0xd[0-7]|\d{2,} extraneous bytes before marker 0xd9|restart marker",
    re.IGNORECASE,
)


class Fault(NamedTuple):
    """Why a file cannot be measured: a stable reason and one sentence."""

    reason: str
    text: str


@dataclass(frozen=True)
class Record:
    """What is known of one file. Either `fault`, or `measurements` and `fingerprint`, is there."""

    path: str
    """Relative to the audited folder, with forward slashes."""
    size: int
    """In bytes, before the file was read, as `mtime_ns`."""
    mtime_ns: int
    sha256: str = ""
    fault: Fault | None = None
    measurements: Measurements | None = None
    fingerprint: Fingerprint | None = None
    thumbnail: str = ""
    """A `data:` address, only of files with findings."""

    @property
    def is_lasting(self) -> bool:
        """False for what may be different at the next try although the file is the same: permissions, crashes."""
        return self.fault is None or self.fault.reason not in {"unreadable", "vanished"}


def examine(path: str, *, root: Path, thresholds: AuditThresholds) -> Record:
    """Return the record of `root / path`; every fault of the file is in it, none is raised.

    Memory: the bytes of the file, its pixels at 8 bits, and what one measurement needs.
    """
    cv2.setNumThreads(1)  # There is a process for each core.
    try:
        # Not blocking: since it was listed, a pipe may have taken the place of the file.
        with os.fdopen(os.open(root / path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                return _unread(path, OSError(errno.EINVAL, "it is no regular file any more"))
            # It may be growing: never more than the limit.
            data = file.read(MAX_FILE_BYTES + 1) if facts.st_size <= MAX_FILE_BYTES else b""
    except OSError as error:
        return _unread(path, error)
    record = Record(path, facts.st_size, facts.st_mtime_ns)
    num_bytes = max(facts.st_size, len(data))
    if num_bytes > MAX_FILE_BYTES:
        text = f"{shown(Path(path))} has {num_bytes} bytes or more; the limit is {MAX_FILE_BYTES}."
        return Record(path, record.size, record.mtime_ns, fault=Fault("too_large", text))
    return _examine_bytes(record, data, thresholds)


def draw_thumbnail(path: str, *, root: Path) -> str:
    """Return the picture as a small `data:` address; empty for one that cannot be decoded any more."""
    try:
        with _captured_stderr():
            return _shrink(read_rgb(root / path))
    except ImageError:
        return ""


def _examine_bytes(record: Record, data: bytes, thresholds: AuditThresholds) -> Record:
    path, size, mtime_ns = record.path, record.size, record.mtime_ns
    sha256 = hashlib.sha256(data).hexdigest()
    decoded = _decode(data, Path(path))
    if isinstance(decoded, Fault):
        return Record(path, size, mtime_ns, sha256, fault=decoded)
    header, pixels = decoded
    try:
        measurements = measure(data, header, pixels)
    except MemoryError:
        return Record(path, size, mtime_ns, sha256, fault=_out_of_memory(path))
    small = _shrink(pixels) if judge(measurements, thresholds) else ""
    return Record(path, size, mtime_ns, sha256, None, measurements, fingerprint(pixels), small)


def _decode(data: bytes, path: Path) -> tuple[ImageHeader, Pixels] | Fault:
    try:
        header = parse_header(data, path)
        with _captured_stderr() as said:
            pixels = decode_rgb(data, path)
    except ImageError as error:
        return Fault(_classify(data, error), str(error))
    except MemoryError:
        return _out_of_memory(str(path))
    if header.kind == "JPEG" and (damage := _JPEG_DAMAGE.search(bytes(said))):
        words = damage.group().decode("ascii")
        return Fault("corrupt", f"{shown(path)} is a damaged JPEG image (its decoder says: {words}).")
    return header, pixels


def _classify(data: bytes, error: ImageError) -> str:
    """Return the reason that stands for a decoder's complaint."""
    kind = sniff(data[:256])
    if not data:
        return "empty"
    if kind is None:
        is_picture = any(word in describe_bytes(data[:256]) for word in _FOREIGN_PICTURES)
        return "unsupported" if is_picture else "not_an_image"
    if isinstance(error, ImageUnsupportedError):
        return "unsupported"
    if isinstance(error, ImageTooLargeError):
        return "too_large"
    return "corrupt" if is_complete(data, kind) else "truncated"


@contextmanager
def _captured_stderr() -> Iterator[bytearray]:
    """Yield bytes that hold, after the block, what was written to standard error in it, by C libraries too.

    libjpeg makes up the missing part of a damaged picture and says so there only; and its lines would tear the
    progress bar. Only for processes with one thread.
    """
    said = bytearray()
    with _open_unnamed() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            said += file.read()


def check_capturing() -> None:
    """Check once, before hours of work, what `examine` needs besides memory.

    Raises:
        DataError: there is no place for what decoders say.
    """
    try:
        _open_unnamed().close()
    except OSError as error:
        raise DataError(
            f"The audit needs a small temporary file, and none can be made: {error.strerror}; make room in the folder "
            "of temporary files, or name another one in the variable TMPDIR."
        ) from error


def _open_unnamed() -> BinaryIO:
    """In memory where the system can: a full disk must not look like a broken picture."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


def _shrink(pixels: Pixels) -> str:
    return data_uri(thumbnail(pixels, side=THUMBNAIL_SIDE), quality=THUMBNAIL_QUALITY)


def _unread(path: str, error: OSError) -> Record:
    if isinstance(error, FileNotFoundError):
        return Record(path, 0, 0, fault=Fault("vanished", f"{shown(Path(path))} vanished while the audit ran."))
    return Record(path, 0, 0, fault=Fault("unreadable", f"{shown(Path(path))} cannot be read: {error.strerror}."))


def _out_of_memory(path: str) -> Fault:
    return Fault("unreadable", f"{shown(Path(path))} needs more memory than there is; audit it with --jobs 1.")
