"""Cut a picture into overlapping tiles: plain numbers, no network and no pixels.

Along each side a picture is cut into pieces. A piece has a core; cores cover the side once. It shows its core and a few
pixels more, the zone, which the next piece shows too: there one is blended into the other, so that no line is seen. The
network sees a window, which reaches further: every pixel that is shown has `pad` pixels around it, where the picture
has them. Where the pad is at least the network's receptive radius, tiled and whole results are equal.
"""

import math
from dataclasses import dataclass

ZONE = 8
"""Input pixels in which neighbouring tiles are blended; 32 in the result at x4."""
STEP = 32
"""Sides of cores are multiples of it, so that pictures of different sizes share few shapes."""


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
class Piece:
    """One piece of a side: `core` within `shown` within `window`; the last one of a side shows only its core."""

    core: Span
    shown: Span
    window: Span

    @property
    def zone(self) -> int:
        """How many pixels at its end it shares with the next piece."""
        return self.shown.stop - self.core.stop


@dataclass(frozen=True)
class Cutter:
    """How to cut: cores of at most `size` pixels (0: no cut), `pad` pixels of context.

    Windows begin and end at multiples of `multiple`, for networks that fold pixels into channels.
    """

    size: int
    pad: int = 0
    multiple: int = 1

    def __post_init__(self) -> None:
        if min(self.size, self.pad) < 0 or self.multiple < 1:
            raise ValueError(f"expected a size and a pad of at least 0 and a multiple of at least 1, got {self}")

    @property
    def margin(self) -> int:
        """How much longer than its core a window is."""
        return self._zone + 2 * self._up(self.pad)

    def pieces(self, span: Span, length: int) -> list[Piece]:
        """Cut the pixels `span` of a side of `length` pixels, a multiple of `multiple`; `span` begins at one, too.

        Windows have one length. A side that is not longer than the largest one is one piece, its window the whole
        side.
        """
        if not self.size or self._up(self.size) + self.margin >= length:
            return [Piece(span, span, Span(0, length))]
        core = self._core(len(span))
        starts = range(span.start, max(span.stop - self._zone, span.start + 1), core)
        return [self._piece(start, core, span, length) for start in starts]

    def _piece(self, start: int, core: int, span: Span, length: int) -> Piece:
        shown = Span(start, min(start + core + self._zone, span.stop))
        is_last = shown.stop == span.stop
        window = core + self.margin
        left = min(max(start - self._up(self.pad), 0), length - window)
        return Piece(Span(start, shown.stop if is_last else start + core), shown, Span(left, left + window))

    def _core(self, length: int) -> int:
        """Cores of about equal length; the last piece shows one zone more than its core."""
        length = max(length - self._zone, 1)
        core = math.ceil(length / math.ceil(length / self.size))
        return min(rounded_up(core, math.lcm(STEP, self.multiple)), self._up(self.size))

    @property
    def _zone(self) -> int:
        return min(self._up(ZONE), self._up(self.size)) if self.size else self._up(ZONE)

    def _up(self, pixels: int) -> int:
        return rounded_up(pixels, self.multiple)


def rounded_up(pixels: int, multiple: int) -> int:
    """Return `pixels`, or the next multiple of `multiple`."""
    return math.ceil(pixels / multiple) * multiple
