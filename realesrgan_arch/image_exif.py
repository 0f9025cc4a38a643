"""EXIF blocks: orientation, resolution, what must change with the pixels, and what may be shown to strangers.

A block is changed where it stands and never written anew: makers' notes point into it by offsets that only they know,
and Pillow's writer turns every letter that is not ASCII into a question mark. Only the safe copy, which has no such
notes, is built by Pillow. Format: TIFF 6.0 and Exif 3.0 (CIPA DC-008).
"""

import math
import re
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from PIL import ExifTags, Image

from realesrgan_arch.image_tiff_tags import (
    BYTE_ORDERS,
    BYTES_OF_TYPE,
    DESCRIPTIVE_TAGS,
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
    INTEROPERABILITY_DIRECTORY,
    LONG,
    RATIONAL,
    RESOLUTION_UNIT,
    SHORT,
    X_RESOLUTION,
    Y_RESOLUTION,
    ByteOrder,
    Entry,
    Place,
    TiffForm,
    read_directory,
    value_span,
)

EXIF_FAULTS = (SyntaxError, ValueError, TypeError, KeyError, IndexError, OSError, AttributeError, struct.error)
"""What Pillow raises for a damaged block."""

_PREFIX = re.compile(rb"^(Exif\0\0)+")
_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_THUMBNAIL_START, _THUMBNAIL_LENGTH = 513, 514
_PIXEL_WIDTH, _PIXEL_HEIGHT = 40962, 40963
_INCHES_IN_UNIT = {2: 1.0, 3: 2.54}

_SAFE_TAGS = (271, 272, 282, 283, 296, 306, 33432)
"""Make, model, resolution, date, copyright."""

_SAFE_EXIF_TAGS = (
    33434, 33437, 34850, 34855, 34864, 36864, 36867, 36868, 37377, 37378, 37379, 37380, 37381, 37383, 37384, 37385,
    37386, 40961, 40962, 40963, 41986, 41987, 41988, 41989, 41990, 42034, 42035, 42036,
)  # fmt: skip
"""Exposure, aperture, sensitivity, dates, metering, light, flash, focal length, colour space, size, lens."""


class _Block:
    """The bytes of a block and its first directory; ValueError or struct.error where it is damaged."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = bytearray(_PREFIX.sub(b"", data))
        order = BYTE_ORDERS.get(bytes(self.data[:4]))
        if order is None:
            raise ValueError("no TIFF header")
        self.order: ByteOrder = order
        self.start = self.numbers("I", 4)[0]
        self.first = self.directory(self.start)

    def numbers(self, form: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(self.order + form, self.data, at)

    def directory(self, start: int) -> dict[int, Place]:
        return read_directory(self.data, start, self.order)

    def number(self, entry: Place | None) -> int | None:
        if entry is None or entry.num_values != 1 or entry.type not in (SHORT, LONG):
            return None
        return self.numbers("H" if entry.type == SHORT else "I", entry.at + 8)[0]

    def set(self, entry: Place | None, value: int, *, kind: int) -> None:
        if entry is not None:
            form = "HIHH" if kind == SHORT else "HII"
            content = (kind, 1, value, 0) if kind == SHORT else (kind, 1, value)
            struct.pack_into(self.order + form, self.data, entry.at + 2, *content)

    def exif(self) -> dict[int, Place]:
        pointer = self.number(self.first.get(EXIF_DIRECTORY))
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
        unit = block.number(block.first.get(RESOLUTION_UNIT))
        x, y = (_rational(block, block.first.get(tag)) for tag in (X_RESOLUTION, Y_RESOLUTION))
    except (ValueError, struct.error):
        return None
    scale = _INCHES_IN_UNIT.get(2 if unit is None else unit)
    return (x * scale, y * scale) if x and y and scale else None


def is_readable(data: bytes) -> bool:
    """Say whether the directories of a block lie within it."""
    try:
        _Block(data).exif()
    except (ValueError, struct.error):
        return False
    return True


def normalised(data: bytes) -> bytes | None:
    """Return the block for upright pixels and without its thumbnail; empty when it says nothing, None when damaged."""
    try:
        block = _Block(data)
        if not block.first:
            return b""
        block.exif()
        block.set(block.first.get(_ORIENTATION), 1, kind=SHORT)
        _drop_thumbnail(block)
    except (ValueError, struct.error):
        return None
    result = bytes(block.data)
    return result if is_readable(result) else None  # Of directories that overlap a change may spoil one.


def updated(data: bytes, size: tuple[int, int]) -> bytes:
    """Return a `normalised` block for a picture of `size` (width, height); tags that it does not have stay absent."""
    block = _Block(data)
    for directory, tags in ((block.first, (_WIDTH, _HEIGHT)), (block.exif(), (_PIXEL_WIDTH, _PIXEL_HEIGHT))):
        for tag, side in zip(tags, size, strict=True):
            block.set(directory.get(tag), side, kind=LONG)
    return bytes(block.data)


def with_resolution(data: bytes, dpi: tuple[float, float]) -> bytes:
    """Return a `normalised` block that tells `dpi` (1 to 65535), and all else as before.

    The first directory is written anew behind the block, so that nothing that is pointed to moves.
    """
    block = _Block(data)
    form = TiffForm(block.order)
    kept = [
        Entry(tag, place.type, place.num_values, bytes(block.data[place.at + 8 : place.at + 12]))
        for tag, place in block.first.items()
        if tag not in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)
    ]
    block.data += bytes(len(block.data) % 2)
    at = len(block.data)
    struct.pack_into(f"{block.order}I", block.data, 4, at)
    return bytes(block.data) + form.pack_directory([*kept, *form.resolution(dpi)], at=at)


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
        return (
            _built(image.getexif(), sorted(DESCRIPTIVE_TAGS), {ExifTags.IFD.Exif: None, ExifTags.IFD.GPSInfo: None})
            or b""
        )
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


def _rational(block: _Block, entry: Place | None) -> float | None:
    if entry is None or entry.type != RATIONAL or entry.num_values != 1:
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
    if start is None or length is None or block.data[start : start + 2] != b"\xff\xd8":
        return
    end = min(start + length, len(block.data))
    if not any(block.data[end:]) and _is_free(block, start, len(block.data)):
        del block.data[start:]
    elif _is_free(block, start, end):
        block.data[start:end] = bytes(end - start)


def _is_free(block: _Block, start: int, end: int) -> bool:
    return not any(low < end and start < high for low, high in _spans_in_use(block))


def _spans_in_use(block: _Block) -> Iterator[tuple[int, int]]:
    """Yield where the header, the directories but the second, and their values begin and end."""
    yield 0, 8
    for start, places in _directories(block):
        yield start, start + 2 + 12 * block.numbers("H", start)[0] + 4
        for place in places.values():
            if place.type in BYTES_OF_TYPE:
                yield value_span(block.data, place, block.order)


def _directories(block: _Block) -> Iterator[tuple[int, dict[int, Place]]]:
    yield block.start, block.first
    exif = block.exif()
    for above, tag in ((block.first, EXIF_DIRECTORY), (block.first, GPS_DIRECTORY), (exif, INTEROPERABILITY_DIRECTORY)):
        start = block.number(above.get(tag))
        if start is None:
            continue
        try:
            yield start, block.directory(start)
        except struct.error:
            continue  # It lies outside: no byte is its own.
