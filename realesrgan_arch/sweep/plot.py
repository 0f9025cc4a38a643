"""The curve as one SVG picture, which needs no library to be drawn: naturalness over fidelity, and each metric over the
share, with 95 % intervals against the base."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from realesrgan_arch.evaluation.composite import COMPOSITE, POINTS
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.svg_lines import svg_line, svg_text
from realesrgan_arch.sweep.curve import Curve, Point, natural_metrics

_COLUMNS, _WIDTH, _HEIGHT = 3, 380, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 18, 34, 48
_HEADING = 52
_BLUE, _GRAY, _RED = "#1f5fa8", "#888", "#c0392b"
_MARGIN = 0.08
_TICKS = 6
_LABEL_ROOM = 16
"""Pixels between two labels."""
_LEGEND = (
    "differences to the base with 95 % intervals over scenes; up and to the right is better, green is better in both; "
    "numbers are shares of the tuned weights; the ring is what was chosen"
)


@dataclass(frozen=True)
class Span:
    """A value and its interval; without one, `low` and `high` are the value."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Axis:
    """One axis of a panel."""

    title: str
    spans: tuple[Span, ...]
    """Of each point."""
    is_falling: bool = False
    """Lower is better: drawn so that up, or to the right, is better."""
    is_difference: bool = True
    """To the base; else a share."""


def draw_curve(curve: Curve, *, chosen: float, title: str) -> str:
    """Return an SVG of `curve`, on white, so that it prints.

    Args:
        curve: its measured metrics are drawn.
        chosen: the share with a ring; 0 has one too where the base stays.
        title: of the whole picture.
    """
    panels = [*_planes(curve), *_lines_over_share(curve)]
    rows = -(-len(panels) // _COLUMNS)
    width, height = _WIDTH * min(_COLUMNS, len(panels)), _HEADING + _HEIGHT * rows
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        svg_text(12, 20, title, size=15),
        svg_text(12, 40, _LEGEND, colour="#555"),
    ]
    for index, (across, up) in enumerate(panels):
        left, top = _WIDTH * (index % _COLUMNS), _HEADING + _HEIGHT * (index // _COLUMNS)
        lines.append(f'<g transform="translate({left},{top})">')
        lines += _panel(across, up, alphas=[point.alpha for point in curve.points], chosen=chosen)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def _planes(curve: Curve) -> list[tuple[Axis, Axis]]:
    """PSNR to the right; up, each metric of naturalness or perception."""
    if "psnr" not in curve.metrics:
        return []
    return [(_axis(curve, "psnr"), _axis(curve, name)) for name in natural_metrics(curve.metrics)]


def _lines_over_share(curve: Curve) -> list[tuple[Axis, Axis]]:
    shares = tuple(Span(point.alpha, point.alpha, point.alpha) for point in curve.points)
    across = Axis("share of the tuned weights", shares, is_difference=False)
    composite = Axis(f"{COMPOSITE} [{POINTS}]", tuple(_composite(point) for point in curve.points))
    return [*((across, _axis(curve, name)) for name in curve.metrics), (across, composite)]


def _axis(curve: Curve, name: str) -> Axis:
    metric = METRICS[name]
    title = f"difference in {metric.label}" + (f" [{metric.unit}]" if metric.unit else "")
    return Axis(title, tuple(_span(point, name) for point in curve.points), is_falling=metric.better == "lower")


def _span(point: Point, name: str) -> Span:
    found = point.finding(name)
    return _with_bounds(point.difference(name), found.low if found else math.nan, found.high if found else math.nan)


def _composite(point: Point) -> Span:
    return _with_bounds(point.composite.mean, point.composite.low, point.composite.high)


def _with_bounds(value: float, low: float, high: float) -> Span:
    """Without an interval there is no bar, rather than one of no width at another place."""
    is_defined = math.isfinite(low) and math.isfinite(high)
    return Span(value, low, high) if is_defined else Span(value, value, value)


def _panel(across: Axis, up: Axis, *, alphas: Sequence[float], chosen: float) -> Iterator[str]:
    x_scale = _Scale.over(across, _LEFT, _WIDTH - _RIGHT)
    y_scale = _Scale.over(up, _HEIGHT - _BOTTOM, _TOP)
    yield from _frame(across, up, x_scale, y_scale)
    drawn = [
        (alpha, x, y)
        for alpha, x, y in zip(alphas, across.spans, up.spans, strict=True)
        if math.isfinite(x.value) and math.isfinite(y.value)
    ]
    places = {alpha: (x_scale.place(x.value), y_scale.place(y.value)) for alpha, x, y in drawn}
    path = " ".join(f"{at_x:.1f},{at_y:.1f}" for at_x, at_y in places.values())
    yield f'<polyline points="{path}" fill="none" stroke="{_BLUE}" stroke-width="1.5"/>'
    for alpha, x, y in drawn:
        at_x, at_y = places[alpha]
        yield svg_line(x_scale.place(x.low), at_y, x_scale.place(x.high), at_y, _BLUE, opacity=0.35)
        yield svg_line(at_x, y_scale.place(y.low), at_x, y_scale.place(y.high), _BLUE, opacity=0.35)
        is_chosen = alpha == chosen
        if is_chosen:
            yield f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="8" fill="none" stroke="{_RED}" stroke-width="2"/>'
        yield f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="3.5" fill="{_BLUE}"/>'
    if across.is_difference:
        yield from _labels(places, chosen)


def _labels(places: Mapping[float, tuple[float, float]], chosen: float) -> Iterator[str]:
    """Label the chosen share and the ends, and of the others those that have room."""
    labelled: list[tuple[float, float]] = []
    for alpha in dict.fromkeys((chosen, *list(places)[:1], *list(places)[-1:], *places)):
        if alpha in places and all(math.dist(places[alpha], other) >= _LABEL_ROOM for other in labelled):
            x, y = places[alpha]
            labelled.append((x, y))
            yield svg_text(x + 8, y - 8, f"{alpha:g}", colour=_RED if alpha == chosen else "black")


def _frame(across: Axis, up: Axis, x_scale: "_Scale", y_scale: "_Scale") -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    if across.is_difference:
        x, y = x_scale.place(0), y_scale.place(0)
        size = f'width="{right - x:.1f}" height="{y - _TOP:.1f}"'
        yield f'<rect x="{x:.1f}" y="{_TOP}" {size} fill="#3a9d5d" fill-opacity="0.12"/>'
    yield (f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}" fill="none" stroke="#ccc"/>')
    yield svg_text(_LEFT, _TOP - 10, up.title, size=13)
    yield svg_text((_LEFT + right) / 2, _HEIGHT - 12, across.title, anchor="middle")
    for value in x_scale.ticks():
        yield svg_line(x_scale.place(value), bottom, x_scale.place(value), bottom + 4, _GRAY)
        yield svg_text(x_scale.place(value), bottom + 18, x_scale.say(value), anchor="middle", colour="#555")
    for value in y_scale.ticks():
        yield svg_line(_LEFT - 4, y_scale.place(value), _LEFT, y_scale.place(value), _GRAY)
        yield svg_text(_LEFT - 8, y_scale.place(value) + 4, y_scale.say(value), anchor="end", colour="#555")
    yield svg_line(_LEFT, y_scale.place(0), right, y_scale.place(0), _GRAY, is_dashed=True)
    yield svg_line(x_scale.place(0), _TOP, x_scale.place(0), bottom, _GRAY, is_dashed=True)


@dataclass(frozen=True)
class _Scale:
    """From values to places: `low`, the worst end, lies at `start`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, axis: Axis, start: float, end: float) -> "_Scale":
        """Return a scale that holds all intervals and 0."""
        values = [value for span in axis.spans for value in (span.low, span.high) if math.isfinite(value)]
        low, high = min([0.0, *values]), max([0.0, *values])
        room = _MARGIN * ((high - low) or 1.0)
        worst, best = (high + room, low - room) if axis.is_falling else (low - room, high + room)
        return cls(worst, best, start, end)

    def place(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round numbers, 0 among them."""
        step = self._step()
        first, last = sorted((self.low, self.high))
        return [number * step for number in range(math.ceil(first / step), math.floor(last / step) + 1)]

    def say(self, value: float) -> str:
        decimals = max(0, -math.floor(math.log10(self._step())))
        return f"{value:.{decimals}f}"

    def _step(self) -> float:
        rough = abs(self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
