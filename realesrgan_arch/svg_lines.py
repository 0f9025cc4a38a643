"""Lines and texts of an SVG picture."""

import math
from html import escape

_ROUND = (1, 2, 2.5, 5, 10)


def svg_line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    colour: str,
    *,
    width: float = 1,
    opacity: float = 1,
    is_dashed: bool = False,
) -> str:
    """Return a line between two places, in pixels from the top left."""
    more = "" if opacity == 1 else f' stroke-opacity="{opacity:g}"'
    more += ' stroke-dasharray="4 4"' if is_dashed else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{more}/>'


def svg_text(
    x: float, y: float, words: str, *, anchor: str = "start", size: int | None = None, colour: str = "black"
) -> str:
    """Return `words`, escaped, at a place; without `size` in that of the picture."""
    more = "" if size is None else f' font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{more} text-anchor="{anchor}">{escape(words)}</text>'


def round_ticks(low: float, high: float, count: int) -> tuple[list[float], int]:
    """Return up to about `count` round numbers from `low` to `high`, and the decimals that they need."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in _ROUND if one * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (f"{step:e}"[:3] == "2.5"))
    return [number * step for number in range(first, last + 1)], decimals
