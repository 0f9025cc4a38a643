"""JPEG: metadata put into a finished file.

JFIF 1.02; EXIF 2.32 (CIPA DC-008), 4.5.4; XMP Specification Part 3, 1.1.3; ICC.1:2022, B.4.
"""

import struct
from collections.abc import Iterator

from realesrgan_arch.image_metadata import Metadata

_START = b"\xff\xd8"
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_JFIF_END = 20
"""Where OpenCV's JFIF segment ends, which is the first: two bytes of the start, eighteen of its own."""
_NO_UNIT, _PER_INCH = 0, 1
_PROFILE_PART = 65_519


def add_jpeg_metadata(data: memoryview, metadata: Metadata) -> bytes:
    """Return the JPEG file `data` (of OpenCV) with `metadata` in its first segments; the pixels stay as they are.

    `metadata` must fit (see `image_fitting.fit_metadata`).
    """
    return b"".join((_START, _density(metadata.dpi), *_segments(metadata), data[_JFIF_END:]))


def _density(dpi: tuple[float, float] | None) -> bytes:
    """The JFIF segment: version 1.1, resolution in whole numbers, no thumbnail."""
    unit, across, down = (_NO_UNIT, 1, 1) if dpi is None else (_PER_INCH, round(dpi[0]), round(dpi[1]))
    return _segment(_APP0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, unit, across, down, 0, 0))


def _segments(metadata: Metadata) -> Iterator[bytes]:
    if metadata.exif is not None:
        yield _segment(_APP1, b"Exif\0\0" + metadata.exif)
    if metadata.xmp is not None:
        yield _segment(_APP1, b"http://ns.adobe.com/xap/1.0/\0" + metadata.xmp)
    if metadata.icc is not None:
        starts = range(0, len(metadata.icc), _PROFILE_PART)
        for number, start in enumerate(starts, start=1):
            part = metadata.icc[start : start + _PROFILE_PART]
            yield _segment(_APP2, b"ICC_PROFILE\0" + bytes((number, len(starts))) + part)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
