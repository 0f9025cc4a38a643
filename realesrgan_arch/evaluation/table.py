"""The table that answers "did it help?": means over the pictures, and differences to the base model."""

import math
from collections.abc import Sequence

from realesrgan_arch.evaluation.evaluate import (
    GROUND_TRUTH,
    METRICS,
    ImageScore,
    Metric,
    left_out_notes,
    mean_of_defined,
    measured_metrics,
)


def format_table(scores: Sequence[ImageScore], *, border: int, y_channel: bool, base: str = "base") -> str:
    """Return a text table, one row a method; differences to `base` are means of differences picture by picture.

    A picture for which a metric is not defined (NIQE of a small one) counts in no mean of that metric, and a note says
    how many were left out. There are no differences where no method is called `base`.

    Args:
        scores: of `evaluate`.
        border: as given to `evaluate`, for the heading.
        y_channel: as given to `evaluate`, for the heading.
        base: the method to compare with.
    """
    methods = list(dict.fromkeys(score.method for score in scores))
    columns = [_column(scores, metric, methods, base=base) for metric in measured_metrics(scores)]
    rows = [["method", *(column[0] for column in columns)]]
    rows += [[method, *(column[index + 1] for column in columns)] for index, method in enumerate(methods)]
    return "\n".join([_heading(scores, border=border, y_channel=y_channel), *aligned(rows), *_notes(scores)])


def with_hash(name: str, set_hash: str) -> str:
    """Return the name of a set with the hash of a frozen one: scores of two hashes cannot be compared."""
    return f"{name} [frozen {set_hash}]" if set_hash else name


def _heading(scores: Sequence[ImageScore], *, border: int, y_channel: bool) -> str:
    pictures = len({score.name for score in scores})
    channel = "Y (BT.601)" if y_channel else "RGB"
    noun = "picture" if pictures == 1 else "pictures"
    return f"mean over {pictures} {noun}; PSNR and SSIM on {channel}, NIQE on Y (lower is better), border {border}"


def _column(scores: Sequence[ImageScore], name: str, methods: Sequence[str], *, base: str) -> list[str]:
    metric = METRICS[name]
    by_method = {
        method: {score.name: score.values[name] for score in scores if score.method == method and name in score.values}
        for method in methods
    }
    reference = by_method.get(base, {})
    cells = [metric.label + (f" [{metric.unit}]" if metric.unit else "")]
    for method, values in by_method.items():
        is_compared = method not in (base, GROUND_TRUTH)
        shared = [value - reference[picture] for picture, value in values.items() if picture in reference]
        cells.append(_cell(list(values.values()), shared if is_compared else [], metric))
    return cells


def _cell(values: Sequence[float], differences: Sequence[float], metric: Metric) -> str:
    if not values:
        return "-"
    text = f"{mean_of_defined(values):.{metric.decimals}f}"
    difference = mean_of_defined(differences)
    if math.isnan(difference):
        return text
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{text} ({difference:+.{metric.decimals}f}{unit})"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a text table; the first row is its heading."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _notes(scores: Sequence[ImageScore]) -> list[str]:
    notes = left_out_notes(scores)
    for name, metric in METRICS.items():
        undefined = {score.name for score in scores if math.isnan(score.values.get(name, 0.0))}
        if undefined:
            notes.append(f"{metric.label} is not defined for {len(undefined)} of these pictures (too small or flat)")
    return notes
