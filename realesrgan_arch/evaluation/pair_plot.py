"""Fidelity against naturalness as one SVG picture, drawn without a library: a cross for each thing that was tried."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.svg_lines import round_ticks, svg_line, svg_text

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 560, 80, 250, 40, 60
_ROW = 20
"""Pixels from label to label."""
_MARGIN = 0.08
_TICKS = 5
_LEFT_OVER, _GONE, _TAKEN = "#1f5fa8", "#999999", "#c0392b"


@dataclass(frozen=True)
class Mark:
    """One candidate."""

    label: str
    across: Interval
    up: Interval
    is_taken: bool
    is_gone: bool = False


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def draw_pair(marks: Sequence[Mark], *, across: str, up: str, is_joined: bool = False) -> str:
    """Return an SVG: a cross for each candidate, its arms the intervals, and the base where the gray lines meet.

    Args:
        marks: one a candidate; those without a mean are left out.
        across: title of the horizontal axis.
        up: title of the vertical axis, whose values grow downwards: lower is better.
        is_joined: the marks are points of a curve, in this order.
    """
    shown = [one for one in marks if math.isfinite(one.across.mean) and math.isfinite(one.up.mean)]
    x = _axis([one.across for one in shown], _LEFT, _WIDTH - _RIGHT)
    y = _axis([one.up for one in shown], _TOP, _HEIGHT - _BOTTOM)
    height = max(_HEIGHT, _TOP + _ROW * (len(shown) + 2))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        svg_line(x.at(0), _TOP, x.at(0), _HEIGHT - _BOTTOM, "#bbb"),
        svg_line(_LEFT, y.at(0), _WIDTH - _RIGHT, y.at(0), "#bbb"),
        svg_text(_LEFT, 24, f"{up}, lower is better, upwards; the base is where the gray lines meet"),
        svg_text(_WIDTH - _RIGHT, _HEIGHT - 16, f"{across}, higher is better", anchor="end"),
        *_ticks(x, y),
    ]
    if is_joined:
        path = " ".join(f"{x.at(one.across.mean):.1f},{y.at(one.up.mean):.1f}" for one in shown)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{_LEFT_OVER}" stroke-opacity="0.5"/>')
    for place, one in enumerate(shown):
        lines += _mark(one, x, y, place)
    return "\n".join([*lines, "</svg>", ""])


def _axis(found: Sequence[Interval], start: float, end: float) -> _Axis:
    values = [0.0]
    for one in found:
        values += [value for value in (one.mean, one.low, one.high) if math.isfinite(value)]
    spread = max(values) - min(values) or 1.0
    return _Axis(min(values) - _MARGIN * spread, max(values) + _MARGIN * spread, start, end)


def _ticks(x: _Axis, y: _Axis) -> Iterator[str]:
    values, decimals = round_ticks(x.low, x.high, _TICKS)
    for value in values:
        yield svg_text(x.at(value), _HEIGHT - _BOTTOM + 18, _signed(value, decimals), anchor="middle")
    values, decimals = round_ticks(y.low, y.high, _TICKS)
    for value in values:
        yield svg_text(_LEFT - 8, y.at(value) + 4, _signed(value, decimals), anchor="end")


def _signed(value: float, decimals: int) -> str:
    return f"{value:+.{decimals}f}" if value else "0"


def _mark(one: Mark, x: _Axis, y: _Axis, place: int) -> Iterator[str]:
    colour = _TAKEN if one.is_taken else _GONE if one.is_gone else _LEFT_OVER
    middle = x.at(one.across.mean), y.at(one.up.mean)
    if one.across.is_defined:
        yield svg_line(x.at(one.across.low), middle[1], x.at(one.across.high), middle[1], colour)
    if one.up.is_defined:
        yield svg_line(middle[0], y.at(one.up.low), middle[0], y.at(one.up.high), colour)
    yield f'<circle cx="{middle[0]:.1f}" cy="{middle[1]:.1f}" r="5" fill="{colour}"/>'
    yield svg_text(middle[0] + 7, middle[1] - 6, str(place + 1))
    yield svg_text(_WIDTH - _RIGHT + 20, _TOP + _ROW * (place + 1), f"{place + 1}  {one.label}", colour=colour)
