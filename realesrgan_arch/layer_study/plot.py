"""Differences with their intervals as one SVG picture, which needs no library to be drawn."""

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from realesrgan_arch.evaluation.crossed import CrossedInterval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.layer_study.findings import Difference

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _BOTTOM = 860, 330, 40, 34, 46, 44
_MARGIN = 1.1


def draw_differences(rows: Sequence[Difference], metric: str, *, mark: float) -> str:
    """Return an SVG with one line a row: interval, mean (disc) and the mean of each seed (rings), around zero.

    Args:
        rows: from top to bottom.
        metric: that is drawn.
        mark: a difference whose band around zero is shaded, to compare with.
    """
    found = [row.metrics[metric] for row in rows]
    reach = _MARGIN * max([mark, *(abs(value) for one in found for value in _numbers(one))])
    height = _TOP + _ROW * len(rows) + _BOTTOM

    def across(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value / reach + 1) / 2

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<rect x="{across(-mark):.1f}" y="{_TOP}" width="{across(mark) - across(-mark):.1f}" '
        f'height="{_ROW * len(rows)}" fill="#f5c542" fill-opacity="0.5"/>',
        _line(across(0), _TOP, across(0), _TOP + _ROW * len(rows), "#888"),
        _text(12, 24, f"difference in {_name(metric)}, interval over scenes and seeds; rings are single seeds"),
    ]
    for index, (row, one) in enumerate(zip(rows, found, strict=True)):
        middle = _TOP + _ROW * (index + 0.5)
        lines.append(_text(12, middle + 4, f"{row.first} less {row.second}, {row.level}"))
        lines += _interval(one, across, middle)
    lines += [
        _text(across(value), height - 18, f"{value:+.3f}", anchor="middle")
        for value in (-reach / _MARGIN, 0.0, reach / _MARGIN)
    ]
    return "\n".join([*lines, "</svg>", ""])


def _interval(found: CrossedInterval, across: Callable[[float], float], middle: float) -> Iterator[str]:
    interval = found.interval
    if math.isnan(interval.mean):
        return
    colour = "#1f5fa8" if interval.above_zero() or interval.below_zero() else "#777"
    if interval.is_defined:
        yield _line(across(interval.low), middle, across(interval.high), middle, colour, width=2)
    for value in found.by_seed.values():
        yield f'<circle cx="{across(value):.1f}" cy="{middle:.1f}" r="3" fill="none" stroke="{colour}"/>'
    yield f'<circle cx="{across(interval.mean):.1f}" cy="{middle:.1f}" r="5" fill="{colour}"/>'


def _numbers(found: CrossedInterval) -> list[float]:
    values = [found.interval.mean, found.interval.low, found.interval.high, *found.by_seed.values()]
    return [value for value in values if math.isfinite(value)]


def _name(metric: str) -> str:
    known = METRICS[metric]
    return f"{known.label} [{known.unit}]" if known.unit else known.label


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: int = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
