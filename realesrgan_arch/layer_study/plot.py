"""Differences with their intervals as one SVG picture, which needs no library to be drawn."""

import math
from collections.abc import Callable, Iterator, Sequence

from realesrgan_arch.evaluation.crossed import CrossedInterval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.layer_study.findings import Difference
from realesrgan_arch.svg_lines import svg_line, svg_text

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
        svg_line(across(0), _TOP, across(0), _TOP + _ROW * len(rows), "#888"),
        svg_text(12, 24, f"difference in {_name(metric)}, interval over scenes and seeds; rings are single seeds"),
    ]
    for index, (row, one) in enumerate(zip(rows, found, strict=True)):
        middle = _TOP + _ROW * (index + 0.5)
        lines.append(svg_text(12, middle + 4, f"{row.first} less {row.second}, {row.level}"))
        lines += _interval(one, across, middle)
    lines += [
        svg_text(across(value), height - 18, f"{value:+.3f}", anchor="middle")
        for value in (-reach / _MARGIN, 0.0, reach / _MARGIN)
    ]
    return "\n".join([*lines, "</svg>", ""])


def _interval(found: CrossedInterval, across: Callable[[float], float], middle: float) -> Iterator[str]:
    interval = found.interval
    if math.isnan(interval.mean):
        return
    colour = "#1f5fa8" if interval.above_zero() or interval.below_zero() else "#777"
    if interval.is_defined:
        yield svg_line(across(interval.low), middle, across(interval.high), middle, colour, width=2)
    for value in found.by_seed.values():
        yield f'<circle cx="{across(value):.1f}" cy="{middle:.1f}" r="3" fill="none" stroke="{colour}"/>'
    yield f'<circle cx="{across(interval.mean):.1f}" cy="{middle:.1f}" r="5" fill="{colour}"/>'


def _numbers(found: CrossedInterval) -> list[float]:
    values = [found.interval.mean, found.interval.low, found.interval.high, *found.by_seed.values()]
    return [value for value in values if math.isfinite(value)]


def _name(metric: str) -> str:
    known = METRICS[metric]
    return f"{known.label} [{known.unit}]" if known.unit else known.label
