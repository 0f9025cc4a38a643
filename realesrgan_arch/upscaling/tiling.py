"""Cut a picture into overlapping tiles and put the results together: plain numbers, no network.

A tile has a core, which it alone fills in the result, and a window around it, which the network sees. Cores cover the
picture once. Windows lie inside the picture and, as far as it allows, have one shape, so that nothing is planned twice.
Where the overlap is at least the network's receptive radius, tiled and whole results are equal.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Span:
    """Pixels `start` to `stop` (exclusive) along one side."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def scaled(self, scale: int, *, origin: int = 0) -> slice:
        """The same pixels in a picture `scale` times as large that begins at `origin`."""
        return slice((self.start - origin) * scale, (self.stop - origin) * scale)


@dataclass(frozen=True)
class Tile:
    """One piece of work: the network sees the window `rows` x `columns`, and its core goes into the result."""

    core_rows: Span
    core_columns: Span
    rows: Span
    columns: Span

    def cut(self, image: Tensor) -> Tensor:
        """Return the window of `image` (..., H, W); a view."""
        return image[..., self.rows.scaled(1), self.columns.scaled(1)]

    def paste(self, result: Tensor, output: Tensor, *, scale: int) -> None:
        """Copy the core of `result`, the network's answer to the window, into `output` (..., H * scale, W * scale)."""
        core = result[
            ...,
            self.core_rows.scaled(scale, origin=self.rows.start),
            self.core_columns.scaled(scale, origin=self.columns.start),
        ]
        output[..., self.core_rows.scaled(scale), self.core_columns.scaled(scale)] = core


@dataclass(frozen=True)
class TileGrid:
    """How to cut pictures of `height` x `width`.

    `pad` is the overlap, and all edges are multiples of `multiple` (for networks that fold pixels into channels), as
    the sides must be.
    """

    height: int
    width: int
    pad: int = 0
    multiple: int = 1

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1 or self.pad < 0 or self.multiple < 1:
            raise ValueError(f"expected sides and multiple of at least 1 and a pad of at least 0, got {self}")
        if self.height % self.multiple or self.width % self.multiple:
            raise ValueError(f"expected sides that are multiples of {self.multiple}, got {self.height}x{self.width}")

    def tiles(self, size: int) -> list[Tile]:
        """Tiles in reading order with cores of at most `size` pixels a side; 0 means one tile."""
        return self._cut(Span(0, self.height), Span(0, self.width), size)

    def smaller(self, tiles: Iterable[Tile], size: int) -> list[Tile]:
        """Cut the cores of `tiles` again, to at most `size` pixels a side."""
        return [small for tile in tiles for small in self._cut(tile.core_rows, tile.core_columns, size)]

    def _cut(self, rows: Span, columns: Span, size: int) -> list[Tile]:
        return [
            Tile(core_rows, core_columns, window_rows, window_columns)
            for core_rows, window_rows in self._cut_side(rows, size, self.height)
            for core_columns, window_columns in self._cut_side(columns, size, self.width)
        ]

    def _cut_side(self, span: Span, size: int, length: int) -> list[tuple[Span, Span]]:
        """Cores of about equal length within `span` and their windows, all of one length, within 0 to `length`."""
        core = self._rounded_up(math.ceil(len(span) / math.ceil(len(span) / size))) if size else len(span)
        pad = self._rounded_up(self.pad)
        window = min(core + 2 * pad, length)
        pairs: list[tuple[Span, Span]] = []
        for start in range(span.start, span.stop, core):
            left = min(max(start - pad, 0), length - window)
            pairs.append((Span(start, min(start + core, span.stop)), Span(left, left + window)))
        return pairs

    def _rounded_up(self, pixels: int) -> int:
        return math.ceil(pixels / self.multiple) * self.multiple
