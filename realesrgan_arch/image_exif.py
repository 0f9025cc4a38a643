"""EXIF blocks: orientation, resolution, what must change with the pixels, and what may be shown to strangers.

A block is changed where it stands and never written anew: makers' notes point into it by offsets that only they know,
and Pillow's writer turns every letter that is not ASCII into a question mark. Only the safe copy, which has no such
notes, is built by Pillow. Format: TIFF 6.0 and Exif 3.0 (CIPA DC-008).
"""

import math
import re
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

from PIL import ExifTags, Image

EXIF_FAULTS = (SyntaxError, ValueError, TypeError, KeyError, IndexError, OSError, AttributeError, struct.error)
"""What Pillow raises for a damaged block."""

_PREFIX = re.compile(rb"^(Exif\0\0)+")
_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_THUMBNAIL_START, _THUMBNAIL_LENGTH = 513, 514
_EXIF_POINTER = 34665
_PIXEL_WIDTH, _PIXEL_HEIGHT = 40962, 40963
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_INCHES_IN_UNIT = {2: 1.0, 3: 2.54}

_DESCRIPTION_TAGS = (270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095)
"""The tags of a TIFF's own directory that say something of the picture and not of where its pixels stand."""

_SAFE_TAGS = (271, 272, 282, 283, 296, 306, 33432)
"""Make, model, resolution, date, copyright."""

_SAFE_EXIF_TAGS = (
    33434, 33437, 34850, 34855, 34864, 36864, 36867, 36868, 37377, 37378, 37379, 37380, 37381, 37383, 37384, 37385,
    37386, 40961, 40962, 40963, 41986, 41987, 41988, 41989, 41990, 42034, 42035, 42036,
)  # fmt: skip
"""Exposure, aperture, sensitivity, dates, metering, light, flash, focal length, colour space, size, lens."""


class _Entry(NamedTuple):
    at: int
    type: int
    length: int


class _Block:
    """The bytes of a block and its first directory; ValueError or struct.error where it is damaged."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(_PREFIX.sub(b"", data))
        self.order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(self.data[:4]), "")
        if not self.order:
            raise ValueError("no TIFF header")
        self.start = self.numbers("I", 4)[0]
        self.first = self.directory(self.start)

    def numbers(self, form: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(self.order + form, self.data, at)

    def directory(self, start: int) -> dict[int, _Entry]:
        (count,) = self.numbers("H", start)
        entries = {}
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = self.numbers("HHI", at)
            self.numbers("I", at + 8)
            entries.setdefault(tag, _Entry(at, kind, length))
        return entries

    def number(self, entry: _Entry | None) -> int | None:
        if entry is None or entry.length != 1 or entry.type not in (_SHORT, _LONG):
            return None
        return self.numbers("H" if entry.type == _SHORT else "I", entry.at + 8)[0]

    def set(self, entry: _Entry | None, value: int, *, kind: int) -> None:
        if entry is not None:
            form = "HIHH" if kind == _SHORT else "HII"
            content = (kind, 1, value, 0) if kind == _SHORT else (kind, 1, value)
            struct.pack_into(self.order + form, self.data, entry.at + 2, *content)

    def exif(self) -> dict[int, _Entry]:
        pointer = self.number(self.first.get(_EXIF_POINTER))
        return {} if pointer is None else self.directory(pointer)


def orientation(data: bytes | None) -> int:
    """Return EXIF's orientation, 1..8; 1 when there is none or the block is damaged."""
    if not data:
        return 1
    try:
        block = _Block(data)
        value = block.number(block.first.get(_ORIENTATION))
    except (ValueError, struct.error):
        return 1
    return value if value is not None and 1 <= value <= 8 else 1


def resolution(data: bytes) -> tuple[float, float] | None:
    """Return the pixels per inch, horizontally and vertically, None when the block does not tell."""
    try:
        block = _Block(data)
        unit = block.number(block.first.get(_RESOLUTION_UNIT))
        x, y = (_rational(block, block.first.get(tag)) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    except (ValueError, struct.error):
        return None
    scale = _INCHES_IN_UNIT.get(2 if unit is None else unit)
    return (x * scale, y * scale) if x and y and scale else None


def normalised(data: bytes) -> bytes | None:
    """Return the block for upright pixels and without its thumbnail; empty when it says nothing, None when damaged."""
    try:
        block = _Block(data)
        if not block.first:
            return b""
        block.exif()
        block.set(block.first.get(_ORIENTATION), 1, kind=_SHORT)
        _drop_thumbnail(block)
    except (ValueError, struct.error):
        return None
    return bytes(block.data)


def updated(data: bytes, size: tuple[int, int]) -> bytes:
    """Return a `normalised` block for a picture of `size` (width, height); tags that it does not have stay absent."""
    block = _Block(data)
    for directory, tags in ((block.first, (_WIDTH, _HEIGHT)), (block.exif(), (_PIXEL_WIDTH, _PIXEL_HEIGHT))):
        for tag, side in zip(tags, size, strict=True):
            block.set(directory.get(tag), side, kind=_LONG)
    return bytes(block.data)


def reduced_to_safe(data: bytes) -> bytes | None:
    """Return a block with camera, lens, exposure, date and copyright only; None when nothing is left.

    Place, serial numbers, names of owner and artist, comments, software and makers' notes are not in it.
    """
    source = Image.Exif()
    try:
        source.load(data)
        return _built(source, _SAFE_TAGS, {ExifTags.IFD.Exif: _SAFE_EXIF_TAGS})
    except EXIF_FAULTS:
        return None


def from_tiff(image: Image.Image) -> bytes | None:
    """Return a block with what a TIFF's own tags say of the picture; empty when they say nothing, None when damaged."""
    try:
        return _built(image.getexif(), _DESCRIPTION_TAGS, {ExifTags.IFD.Exif: None, ExifTags.IFD.GPSInfo: None}) or b""
    except EXIF_FAULTS:
        return None


def _built(source: Image.Exif, tags: Iterable[int], parts: dict[int, Iterable[int] | None]) -> bytes | None:
    target = Image.Exif()
    target.endian = source.endian
    for tag in tags:
        if tag in source:
            target[tag] = _as_stored(source[tag])
    for part, wanted in parts.items():
        content = source.get_ifd(part)
        kept = {tag: _as_stored(content[tag]) for tag in (content if wanted is None else wanted) if tag in content}
        if kept:
            target[part] = kept
    return target.tobytes()[6:] if len(target) else None


def _as_stored(value: object) -> object:
    """Text as the bytes that stood in the file: Pillow reads Latin-1 and would write ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _rational(block: _Block, entry: _Entry | None) -> float | None:
    if entry is None or entry.type != _RATIONAL or entry.length != 1:
        return None
    above, below = block.numbers("II", block.numbers("I", entry.at + 8)[0])
    return above / below if below and math.isfinite(above / below) else None


def _drop_thumbnail(block: _Block) -> None:
    """Cut the link to the second directory, and the thumbnail out; its place is filled with zeros unless it is last."""
    link = block.start + 2 + 12 * block.numbers("H", block.start)[0]
    if link + 4 > len(block.data) or not (second := block.numbers("I", link)[0]):
        return
    struct.pack_into(block.order + "I", block.data, link, 0)
    try:
        entries = block.directory(second)
    except struct.error:
        return
    start, length = (block.number(entries.get(tag)) for tag in (_THUMBNAIL_START, _THUMBNAIL_LENGTH))
    exif_start = block.number(block.first.get(_EXIF_POINTER)) or 0
    if (
        start is None
        or length is None
        or start <= max(link, exif_start)
        or block.data[start : start + 2] != b"\xff\xd8"
    ):
        return
    end = min(start + length, len(block.data))
    if any(block.data[end:]):
        block.data[start:end] = bytes(end - start)
    else:
        del block.data[start:]
