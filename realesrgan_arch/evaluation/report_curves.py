"""Curves of a training as lines of an SVG: what is drawn where, in plain numbers; the template draws it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from realesrgan_arch.evaluation.report_rows import MINUS
from realesrgan_arch.evaluation.report_story import Curve
from realesrgan_arch.svg_lines import round_ticks

WIDTH, HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 20, 10, 24
_MOST_POINTS = 400
"""Of a line; a longer one is thinned by the means of its neighbours."""
_ROOM = 0.06


@dataclass(frozen=True)
class Tick:
    """A number beside an axis."""

    place: float
    text: str


@dataclass(frozen=True)
class Line:
    """One series."""

    name: str
    path: str
    """For `d` of an SVG path."""
    end: tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """A curve, ready to be drawn on `WIDTH` x `HEIGHT`."""

    title: str
    words: str
    """The same for a reader who does not see it."""
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    base: float | None
    """Height of the base."""
    marker: float | None
    """Where the step of the weights is."""
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return where a value is, in pixels."""
        return round(self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low), 2)

    def ticks(self, count: int) -> tuple[Tick, ...]:
        """Return up to about `count` round numbers."""
        values, decimals = round_ticks(self.low, self.high, count)
        return tuple(Tick(self.place(value), _text(value, decimals)) for value in values)


def plot(curve: Curve, *, step: int | None = None) -> Plot | None:
    """Return how `curve` is drawn; None where it has fewer than two points.

    Args:
        curve: see there.
        step: of the weights that are judged, to be marked.
    """
    points = [point for line in curve.series.values() for point in line]
    if len({across for across, _ in points}) < 2:
        return None
    values = [value for _, value in points] + ([curve.base] if curve.base is not None else [])
    across = _Axis(min(x for x, _ in points), max(x for x, _ in points), _LEFT, WIDTH - _RIGHT)
    up = _with_room(min(values), max(values))
    return Plot(
        title=f"{curve.title} ({curve.unit})" if curve.unit else curve.title,
        words=_words(curve),
        lines=tuple(_line(name, _thinned(line), across, up) for name, line in curve.series.items() if line),
        across=across.ticks(4),
        up=up.ticks(4),
        base=up.place(curve.base) if curve.base is not None else None,
        marker=across.place(step) if step is not None and across.low <= step <= across.high else None,
    )


def _with_room(low: float, high: float) -> _Axis:
    room = _ROOM * (high - low) or max(abs(high), 1.0) * _ROOM
    return _Axis(low - room, high + room, HEIGHT - _BOTTOM, _TOP)


def _line(name: str, points: Sequence[tuple[float, float]], across: _Axis, up: _Axis) -> Line:
    places = [(across.place(x), up.place(y)) for x, y in points]
    return Line(name, "M" + "L".join(f"{x:g} {y:g}" for x, y in places), places[-1])


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    size = math.ceil(len(points) / _MOST_POINTS)
    if size == 1:
        return points
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return [(_mean(x for x, _ in group), _mean(y for _, y in group)) for group in groups]


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _text(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def _words(curve: Curve) -> str:
    name, points = next((name, line) for name, line in curve.series.items() if line)
    (first, before), (last, after) = points[0], points[-1]
    return f"{curve.title}, {name}: {before:.4g} at step {first:g}, {after:.4g} at step {last:g}"
