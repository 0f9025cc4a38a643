"""The differences of a method to others, with intervals, as a small table; and shorter words for a log."""

import math
from collections.abc import Collection, Mapping, Sequence

from realesrgan_arch.evaluation.composite import COMPOSITE, composite_in_words
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.finding import Finding, Judgement, Verdict
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.plural import count_of

_MARKS: dict[Verdict, str] = {"better": " *", "worse": " !", "cannot be told": ""}


def format_differences(judgements: Mapping[str, Judgement], *, method: str) -> str:
    """Return one row for each method that `method` is compared with, and what the marks and the composite mean.

    Args:
        judgements: by the name of the other method; at least one.
        method: that is compared.
    """
    names = list(next(iter(judgements.values())).findings)
    rows = [[f"{method} against", *(_label(name) for name in names), COMPOSITE]]
    for other, judgement in judgements.items():
        cells = [_cell(judgement.findings[name], METRICS[name].decimals) for name in names]
        rows.append([other, *cells, _cell(judgement.composite)])
    return "\n".join([*aligned(rows), _legend(judgements.values())])


def format_interval(interval: Interval, decimals: int = 2) -> str:
    """Return `+0.32 [+0.10, +0.54]`; the mean alone where the interval is not defined."""
    if math.isnan(interval.mean):
        return "-"
    mean = f"{interval.mean:+.{decimals}f}"
    return f"{mean} [{interval.low:+.{decimals}f}, {interval.high:+.{decimals}f}]" if interval.is_defined else mean


def against_the_base(verdict: Verdict, composite: Interval, *, fewest_scenes: int) -> str:
    """Return `better than the base: composite +0.32 [+0.10, +0.54]`.

    Args:
        verdict: of the composite.
        composite: its mean and its bounds.
        fewest_scenes: fewer cannot show anything, see `Judgement.fewest_scenes`.
    """
    reason = f" (that takes at least {fewest_scenes} scenes)" if composite.scenes < fewest_scenes else ""
    words = f"cannot be told from the base{reason}" if verdict == "cannot be told" else f"{verdict} than the base"
    return f"{words}: {COMPOSITE} {format_interval(composite)}"


def worse_metrics(names: Sequence[str]) -> str:
    """Return `; worse: NIQE`, or nothing."""
    return f"; worse: {', '.join(METRICS[name].label for name in names)}" if names else ""


def claimed_in_words(metrics: int) -> str:
    """Return when a difference has the mark of a claim, with so many metrics, and what it means to have no mark."""
    corrected = f" corrected for {metrics} metrics" if metrics > 1 else ""
    return f"by the interval and by a sign-flip test{corrected}; unmarked: cannot be told"


def _label(name: str) -> str:
    metric = METRICS[name]
    return metric.label + (f" [{metric.unit}]" if metric.unit else "")


def _cell(finding: Finding, decimals: int = 2) -> str:
    return format_interval(finding.interval, decimals) + _MARKS[finding.verdict]


def _legend(judgements: Collection[Judgement]) -> str:
    composite = composite_in_words({name for one in judgements for name in one.findings})
    if not any(judgement.composite.interval.is_defined for judgement in judgements):
        return f"no intervals: they need at least two scenes\n{composite}"
    scenes = max(judgement.composite.scenes for judgement in judgements)
    fewest = max(judgement.fewest_scenes for judgement in judgements)
    if scenes < fewest:
        marks = f"fewer than {fewest} scenes prove nothing, so nothing is marked"
    else:
        marks = f"* better, ! worse, {claimed_in_words(max(one.compared for one in judgements))}"
    return f"[95 % interval over {count_of(scenes, 'scene')}]; {marks}\n{composite}"
