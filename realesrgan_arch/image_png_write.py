"""PNG: the chunks of metadata, put into a finished file or at the head of one written strip by strip.

Written here because memory must stay bounded while rows are pushed: OpenCV and Pillow encode a picture that is there as
a whole, and neither packs rows in several threads.
Portable Network Graphics (W3C, third edition); XMP Specification Part 3, 1.1.5, for its place in PNG.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from realesrgan_arch.image_formats import Pixels
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_strips import StripShape, start_deflating

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES = len(_SIGNATURE) + 25
_COLOR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}
_METERS_PER_INCH = 0.0254
_FILTER_SUB = 1
_ADLER_BASE = 65521


def add_png_metadata(data: memoryview, metadata: Metadata) -> bytes:
    """Return the PNG file `data` with `metadata` in chunks behind its header; the pixels stay as they are."""
    return b"".join((data[:_HEADER_BYTES], *_metadata_chunks(metadata), data[_HEADER_BYTES:]))


class PngStrips:
    """A `StripFormat`: filter Sub, and a deflate stream whose blocks do not know each other."""

    def __init__(self, file: BinaryIO, shape: StripShape, metadata: Metadata) -> None:
        self._file, self._shape, self._metadata = file, shape, metadata
        self._adler = 1

    def begin(self) -> None:
        """Write the header, the metadata and the two bytes before a zlib stream."""
        shape = self._shape
        color = _COLOR_TYPE[shape.channels]
        header = struct.pack(">IIBBBBB", shape.width, shape.height, 8 * shape.dtype.itemsize, color, 0, 0, 0)
        start = b"\x78\x01"  # A window of 32 KB, the fastest level (RFC 1950).
        self._file.writelines([_SIGNATURE, _chunk(b"IHDR", header), *_metadata_chunks(self._metadata)])
        self._file.write(_chunk(b"IDAT", start))

    def pack(self, block: Pixels) -> "_PackedRows":
        """Return the IDAT chunk of the rows and the checksum of what it holds."""
        filtered = _filter_rows(block)
        stream = start_deflating(bare=True)
        body = stream.compress(filtered.data) + stream.flush(zlib.Z_FULL_FLUSH)
        return _PackedRows(_chunk(b"IDAT", body), zlib.adler32(filtered.data), filtered.size)

    def add(self, packed: "_PackedRows") -> None:
        """Write the chunk."""
        self._adler = _join_adler(self._adler, packed.adler, packed.num_bytes)
        self._file.write(packed.chunk)

    def end(self) -> None:
        """Write an empty last deflate block, the checksum of the whole, and the end of the file."""
        self._file.write(_chunk(b"IDAT", b"\x03\x00" + struct.pack(">I", self._adler)) + _chunk(b"IEND", b""))


class _PackedRows(NamedTuple):
    chunk: bytes
    adler: int
    num_bytes: int


def _metadata_chunks(metadata: Metadata) -> Iterator[bytes]:
    """Yield iCCP, pHYs, eXIf and iTXt; the first must stand before the pixels, the others may."""
    if metadata.icc is not None:
        yield _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi is not None:
        per_meter = (round(value / _METERS_PER_INCH) for value in metadata.dpi)
        yield _chunk(b"pHYs", struct.pack(">IIB", *per_meter, 1))
    if metadata.exif is not None:
        yield _chunk(b"eXIf", metadata.exif)
    if metadata.xmp is not None:
        yield _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)


def _chunk(name: bytes, body: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(body)), name, body, struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))))


def _filter_rows(block: Pixels) -> Pixels:
    """Return (h, 1 + bytes of a row): the filter's number, and each byte less the one a pixel to its left."""
    pixel_bytes = block.shape[2] * block.dtype.itemsize
    rows = np.ascontiguousarray(block, block.dtype.newbyteorder(">")).view(np.uint8).reshape(len(block), -1)
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _FILTER_SUB
    filtered[:, 1 : 1 + pixel_bytes] = rows[:, :pixel_bytes]
    np.subtract(rows[:, pixel_bytes:], rows[:, :-pixel_bytes], out=filtered[:, 1 + pixel_bytes :])
    return filtered


def _join_adler(first: int, second: int, num_bytes: int) -> int:
    """Return Adler-32 of two parts from those of each (RFC 1950, 8.2); `num_bytes` is the length of the second."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + num_bytes * ((first & 0xFFFF) - 1)
    return high % _ADLER_BASE << 16 | low % _ADLER_BASE
