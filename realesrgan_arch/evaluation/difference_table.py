"""The differences of a method to others, with intervals, as a small table and as one sentence."""

import math
from collections.abc import Collection, Mapping, Sequence

from realesrgan_arch.evaluation.composite import COMPOSITE, Contrast
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.table import aligned

_MARK = " !"


def format_differences(contrasts: Mapping[str, Contrast], *, method: str) -> str:
    """Return one row for each method that `method` is compared with, and what the marks mean.

    Args:
        contrasts: by the name of the other method; at least one.
        method: that is compared.
    """
    first = next(iter(contrasts.values()))
    names = list(first.metrics)
    rows = [[f"{method} against", *(_label(name) for name in names), COMPOSITE]]
    for other, contrast in contrasts.items():
        cells = [
            format_interval(contrast.metrics[name], METRICS[name].decimals) + _MARK * (name in contrast.worse)
            for name in names
        ]
        rows.append([other, *cells, format_interval(contrast.composite)])
    return "\n".join([*aligned(rows), _legend(contrasts.values())])


def format_interval(interval: Interval, decimals: int = 2) -> str:
    """Return `+0.32 [+0.10, +0.54]`; the mean alone where the interval is not defined."""
    if math.isnan(interval.mean):
        return "-"
    mean = f"{interval.mean:+.{decimals}f}"
    return f"{mean} [{interval.low:+.{decimals}f}, {interval.high:+.{decimals}f}]" if interval.is_defined else mean


def judgement(composite: Interval) -> str:
    """Return in words how a method compares with the base."""
    if not composite.is_defined:
        return "cannot be told from the base (intervals need at least two scenes)"
    if composite.below_zero():
        return "worse than the base"
    return "better than the base" if composite.above_zero() else "cannot be told from the base"


def worse_metrics(names: Sequence[str]) -> str:
    """Return `; worse: NIQE`, or nothing."""
    return f"; worse: {', '.join(METRICS[name].label for name in names)}" if names else ""


def _label(name: str) -> str:
    metric = METRICS[name]
    return metric.label + (f" [{metric.unit}]" if metric.unit else "")


def _legend(contrasts: Collection[Contrast]) -> str:
    if not any(contrast.composite.is_defined for contrast in contrasts):
        return "no intervals: they need at least two scenes; composite in steps, above 0 is better"
    scenes = max(contrast.composite.scenes for contrast in contrasts)
    mark = "; ! is worse" if any(contrast.worse for contrast in contrasts) else ""
    return f"[95 % interval over {scenes} scenes]; composite in steps, above 0 is better{mark}"
