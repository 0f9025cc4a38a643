"""TIFF: strips of deflated differences, and a directory behind them that holds the metadata, too.

Written here because memory must stay bounded while rows are pushed: tifffile pulls them from an iterator, and writes no
directories of Exif and GPS.
TIFF 6.0 (Adobe, 1992) with its Technical Note 3 for deflate; ICC.1:2022, B.3, for the profile; BigTIFF above 4 GB.
"""

from typing import BinaryIO

import numpy as np

from realesrgan_arch.image_formats import Pixels
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_strips import StripShape, start_deflating
from realesrgan_arch.image_tiff_tags import (
    BYTE,
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
    LONG,
    SHORT,
    UNDEFINED,
    Entry,
    ExifTags,
    TiffForm,
    read_exif_tags,
)

_MAX_CLASSIC_BYTES = 4_200_000_000
"""A little below 2**32: the directory needs room, and noise grows by a thousandth when it is deflated."""
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS = 256, 257, 258, 259, 262, 273
_CHANNELS, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANES, _PREDICTOR, _EXTRA = 277, 278, 279, 284, 317, 338
_XMP, _ICC = 700, 34675
_DEFLATE, _BLACK_IS_ZERO, _RGB, _INTERLEAVED, _DIFFERENCES, _UNASSOCIATED_ALPHA = 8, 1, 2, 1, 2, 2


class TiffStrips:
    """A `StripFormat` on a seekable file. The byte order is that of the EXIF block, whose values are copied."""

    def __init__(self, file: BinaryIO, shape: StripShape, metadata: Metadata) -> None:
        self._file, self._shape, self._metadata = file, shape, metadata
        self._exif = ExifTags("<") if metadata.exif is None else read_exif_tags(metadata.exif)
        held = sum(len(part) for part in (metadata.icc, metadata.exif, metadata.xmp) if part is not None)
        is_big = shape.row_bytes * shape.height + held > _MAX_CLASSIC_BYTES
        self._form = TiffForm(self._exif.order, is_big=is_big)
        self._strips: list[tuple[int, int]] = []

    def begin(self) -> None:
        """Write the header, without the place of the directory."""
        self._file.write(self._form.pack_header(0))

    def pack(self, block: Pixels) -> bytes:
        """Return the strip: each sample less the one a pixel to its left, deflated."""
        differences = np.empty(block.shape, block.dtype.newbyteorder(self._form.order))
        differences[:, 0] = block[:, 0]
        np.subtract(block[:, 1:], block[:, :-1], out=differences[:, 1:])
        stream = start_deflating(bare=False)
        return stream.compress(differences.data) + stream.flush()

    def add(self, packed: bytes) -> None:
        """Write the strip and remember its place."""
        self._strips.append((self._file.tell(), len(packed)))
        self._file.write(packed + bytes(len(packed) % 2))

    def end(self) -> None:
        """Write the directories, and their place into the header."""
        entries = [*self._pixel_entries(), *self._metadata_entries(), *self._exif.picture]
        for tag, below in ((EXIF_DIRECTORY, self._exif.camera), (GPS_DIRECTORY, self._exif.place)):
            if below:
                entries.append(self._form.offsets(tag, [self._write_directory(below)]))
        at = self._write_directory(entries)
        self._file.seek(0)
        self._file.write(self._form.pack_header(at))

    def _write_directory(self, entries: list[Entry] | tuple[Entry, ...]) -> int:
        at = self._file.tell()
        self._file.write(self._form.pack_directory(entries, at=at))
        return at

    def _pixel_entries(self) -> list[Entry]:
        form, shape = self._form, self._shape
        shorts = {
            _BITS: [8 * shape.dtype.itemsize] * shape.channels, _COMPRESSION: [_DEFLATE],
            _PHOTOMETRIC: [_RGB if shape.channels >= 3 else _BLACK_IS_ZERO], _CHANNELS: [shape.channels],
            _PLANES: [_INTERLEAVED], _PREDICTOR: [_DIFFERENCES],
        }  # fmt: skip
        if shape.channels in (2, 4):
            shorts[_EXTRA] = [_UNASSOCIATED_ALPHA]
        longs = {_WIDTH: shape.width, _HEIGHT: shape.height, _ROWS_PER_STRIP: shape.block_rows}
        return [
            *(form.numbers(tag, SHORT, values) for tag, values in shorts.items()),
            *(form.numbers(tag, LONG, [value]) for tag, value in longs.items()),
            form.offsets(_STRIP_OFFSETS, (at for at, _ in self._strips)),
            form.offsets(_STRIP_BYTES, (length for _, length in self._strips)),
        ]

    def _metadata_entries(self) -> list[Entry]:
        held = self._metadata
        entries = self._form.resolution(held.dpi)
        entries += [] if held.icc is None else [Entry(_ICC, UNDEFINED, len(held.icc), held.icc)]
        return entries + ([] if held.xmp is None else [Entry(_XMP, BYTE, len(held.xmp), held.xmp)])
