"""Pictures written from top to bottom, in memory for a strip: cutting rows into blocks and packing these in threads.

How a block becomes bytes, and what stands around the blocks, is the matter of a `StripFormat`
(`image_png_write.py`, `image_tiff_write.py`).
"""

import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from realesrgan_arch.image_formats import Pixels

_BLOCK_BYTES = 2**18
"""Raw bytes that are compressed at a time: large beside a Huffman table, small beside a strip."""
_BLOCKS_AT_ONCE = 16


@dataclass(frozen=True)
class StripShape:
    """The whole picture: `channels` 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA; `dtype` uint8 or uint16."""

    width: int
    height: int
    channels: int
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        if self.channels not in (1, 2, 3, 4) or self.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"expected 1 to 4 channels of uint8 or uint16, got {self.channels} of {self.dtype}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"expected at least one pixel, got {self.width} x {self.height}")

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of pixels."""
        return self.width * self.channels * self.dtype.itemsize

    @property
    def block_rows(self) -> int:
        """Rows that are compressed at a time."""
        return min(self.height, max(1, _BLOCK_BYTES // self.row_bytes))


class StripFormat(Protocol):
    """One file that is being written."""

    def begin(self) -> None:
        """Write what stands before the pixels."""
        ...

    def pack(self, block: Pixels) -> Any:
        """Return what `add` needs of the rows (h, W, C); called in threads, in no order."""
        ...

    def add(self, packed: Any) -> None:
        """Write a packed block; called from top to bottom. Every block but the last has `block_rows` rows."""
        ...

    def end(self) -> None:
        """Write what stands behind the pixels."""
        ...


class StripWriter:
    """Takes the rows of a picture from top to bottom, any number at a time.

    The file is the same however the rows are handed in. `notes`: a sentence for each part of the metadata that the
    file cannot hold. `faults` is entered around what touches the disk.
    """

    def __init__(
        self,
        form: StripFormat,
        shape: StripShape,
        pool: Executor,
        *,
        notes: tuple[str, ...],
        faults: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.notes = notes
        self._format, self._shape, self._pool, self._faults = form, shape, pool, faults
        self._num_rows = 0
        self._rest: Pixels = np.empty((0, shape.width, shape.channels), shape.dtype)
        with faults():
            form.begin()

    def write(self, rows: Pixels) -> None:
        """Add rows (h, W, C) of the dtype that was promised; `rows` may be changed afterwards.

        Raises:
            ValueError: another width, number of channels or dtype, or more rows than the picture has.
            ImageError: the disk fails.
        """
        self._check(rows)
        self._num_rows += len(rows)
        self._put(self._cut(rows))

    def close(self) -> None:
        """Write the rest and the end of the file.

        Raises:
            ValueError: rows are missing.
            ImageError: the disk fails.
        """
        if self._num_rows != self._shape.height:
            raise ValueError(f"expected {self._shape.height} rows, got {self._num_rows}")
        self._put([self._rest] if len(self._rest) else [])
        with self._faults():
            self._format.end()

    def _check(self, rows: Pixels) -> None:
        wanted = (self._shape.width, self._shape.channels)
        if rows.ndim != 3 or rows.shape[1:] != wanted or rows.dtype != self._shape.dtype:
            raise ValueError(
                f"expected rows of {wanted[0]} x {wanted[1]} {self._shape.dtype}, got {rows.shape} {rows.dtype}"
            )
        if self._num_rows + len(rows) > self._shape.height:
            raise ValueError(f"expected {self._shape.height} rows, got at least {self._num_rows + len(rows)}")

    def _cut(self, rows: Pixels) -> list[Pixels]:
        """Return the blocks that are full now; what is left over waits in `_rest`."""
        size, blocks = self._shape.block_rows, []
        if len(self._rest):
            missing = size - len(self._rest)
            self._rest, rows = np.concatenate((self._rest, rows[:missing])), rows[missing:]
            if len(self._rest) < size:
                return []
            blocks = [self._rest]
        end = len(rows) // size * size
        self._rest = rows[end:].copy()
        return [*blocks, *(rows[top : top + size] for top in range(0, end, size))]

    def _put(self, blocks: list[Pixels]) -> None:
        for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
            for packed in self._pool.map(self._format.pack, blocks[start : start + _BLOCKS_AT_ONCE]):
                with self._faults():
                    self._format.add(packed)


def start_deflating(*, bare: bool) -> "zlib._Compress":
    """Return a deflate stream, `bare` or with zlib's frame: level 1 and runs only, as OpenCV's default.

    Differences of neighbours hold few longer matches: of a photograph and of one enlarged, zlib's default level saves
    12 to 14 % of the bytes and takes six to seven times as long.
    """
    return zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS if bare else zlib.MAX_WBITS, 9, zlib.Z_RLE)
