"""Lines and texts of an SVG picture."""

from html import escape


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
