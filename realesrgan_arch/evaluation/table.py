"""The table that answers "did it help?": means over the pictures, and differences to the base model."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from realesrgan_arch.data.files import some_names
from realesrgan_arch.evaluation.evaluate import (
    GROUND_TRUTH,
    METRICS,
    ImageScore,
    Metric,
    defined_metrics,
    left_out_notes,
    mean_of_defined,
    measured_metrics,
)
from realesrgan_arch.evaluation.paired import Differences, paired_differences
from realesrgan_arch.image_header import printable
from realesrgan_arch.plural import count_of

_OF_ONE_CHANNEL: Mapping[str, str] = {
    **dict.fromkeys(("psnr_y", "ssim_y", "niqe", "edges"), "Y"),
    **dict.fromkeys(("lpips", "dists", "lpips_like"), "RGB"),
    "color": "CIELAB",
}
"""What a metric is of whatever channel is asked for."""


def format_table(
    scores: Sequence[ImageScore], *, border: int, y_channel: bool, base: str = "base", with_notes: bool = True
) -> str:
    """Return a text table, one row a method; differences to `base` are means of differences picture by picture.

    A picture for which a metric is not defined (NIQE of a small one) counts in no mean of that metric, and a note names
    it; a metric that is defined for none has no column. Differences are finite ones, as in a judgement: pictures that
    equal the truth in one of the two have none. There are no differences where no method is called `base`.

    Args:
        scores: of `evaluate`.
        border: as given to `evaluate`, for the heading.
        y_channel: as given to `evaluate`, for the heading.
        base: the method to compare with.
        with_notes: say `notes_on_scores` below; not where they stand already.
    """
    names = defined_metrics(scores)
    by_method = {
        method: [score for score in scores if score.method == method]
        for method in dict.fromkeys(score.method for score in scores)
    }
    rows = [["method", *(_title(METRICS[name]) for name in names)]]
    for method, own in by_method.items():
        is_compared = method not in (base, GROUND_TRUTH)
        differences = paired_differences(own, by_method.get(base, ())) if is_compared else {}
        rows.append([method, *(_cell(name, own, differences) for name in names)])
    notes = notes_on_scores(scores) if with_notes else []
    return "\n".join([_heading(scores, names, border=border, y_channel=y_channel), *aligned(rows), *notes])


def with_hash(name: str, set_hash: str) -> str:
    """Return the name of a set with the hash of a frozen one: scores of two hashes cannot be compared."""
    return f"{name} [frozen {set_hash}]" if set_hash else name


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a text table; the first row is its heading."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def listed(parts: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def notes_on_scores(scores: Sequence[ImageScore]) -> list[str]:
    """Return a sentence for each metric that leaves parts of pictures out, is not defined, or infinite, for some."""
    return [*left_out_notes(scores), *_notes_on_values(scores)]


def notes_on_undefined(scores: Sequence[ImageScore]) -> dict[str, str]:
    """Return by metric a sentence for each that is defined for no picture, and so is left out of tables."""
    lost = [name for name in measured_metrics(scores) if name not in defined_metrics(scores)]
    return {
        name: f"{METRICS[name].label} is left out: it is defined for none of {_num_pictures(scores, name)}"
        f"{reason_undefined(METRICS[name])}"
        for name in lost
    }


def _notes_on_values(scores: Sequence[ImageScore]) -> Iterator[str]:
    lost = notes_on_undefined(scores)
    for name in measured_metrics(scores):
        metric, rows = METRICS[name], [score for score in scores if name in score.values]
        total = _num_pictures(scores, name)
        if name in lost:
            yield lost[name]
        elif undefined := _pictures_where(math.isnan, rows, name):
            told = f"{metric.label} is not defined for {len(undefined):,} of {total}{reason_undefined(metric)}"
            yield f"{told}, which count in no mean of it: {some_names(undefined)}"
        if infinite := _pictures_where(math.isinf, rows, name):
            methods = dict.fromkeys(row.method for row in rows if math.isinf(row.values[name]))
            yield (
                f"{metric.label} is infinite for {len(infinite):,} of {total} (the result of {listed(list(methods))} "
                "equals the truth there)"
            )


def _num_pictures(scores: Sequence[ImageScore], metric: str) -> str:
    return count_of(len({score.name for score in scores if metric in score.values}), "picture")


def _pictures_where(says: Callable[[float], bool], rows: Sequence[ImageScore], name: str) -> list[str]:
    return list(dict.fromkeys(printable(row.name) for row in rows if says(row.values[name])))


def reason_undefined(metric: Metric) -> str:
    """Return ` (of which pictures a metric is not defined)`; empty where that is not known."""
    small = f"smaller than {metric.smallest} pixels inside the border" if metric.smallest > 1 else ""
    reasons = " or ".join(reason for reason in (small, metric.undefined) if reason)
    return f" ({reasons})" if reasons else ""


def _heading(scores: Sequence[ImageScore], names: Sequence[str], *, border: int, y_channel: bool) -> str:
    asked = "Y (BT.601)" if y_channel else "RGB"
    kinds = [(_OF_ONE_CHANNEL.get(name, asked), METRICS[name].better == "lower", METRICS[name].label) for name in names]
    measured = [
        f"{listed([label for _, _, label in group])} on {channel}{' (lower is better)' if is_lower else ''}"
        for (channel, is_lower), group in itertools.groupby(kinds, key=lambda kind: kind[:2])
    ]
    pictures = count_of(len({score.name for score in scores}), "picture")
    return f"mean over {pictures}; {', '.join([*measured, f'border {border}'])}"


def _title(metric: Metric) -> str:
    return metric.label + (f" [{metric.unit}]" if metric.unit else "")


def _cell(name: str, scores: Sequence[ImageScore], differences: Differences) -> str:
    metric = METRICS[name]
    values = [score.values[name] for score in scores if name in score.values]
    if not values:
        return "-"
    text = f"{mean_of_defined(values):.{metric.decimals}f}"
    finite = [row[name] for row in differences.values() if math.isfinite(row.get(name, math.nan))]
    if not finite:
        return text
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{text} ({mean_of_defined(finite):+.{metric.decimals}f}{unit})"
