"""The differences of a method to others, with intervals, as a small table; and shorter words for a log."""

import math
from collections.abc import Collection, Mapping, Sequence

from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.finding import Finding, Judgement, Verdict
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.table import aligned

_MARKS: dict[Verdict, str] = {"better": " *", "worse": " !", "cannot be told": ""}


def format_differences(judgements: Mapping[str, Judgement], *, method: str) -> str:
    """Return one row for each method that `method` is compared with, and what the marks mean.

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


def _label(name: str) -> str:
    metric = METRICS[name]
    return metric.label + (f" [{metric.unit}]" if metric.unit else "")


def _cell(finding: Finding, decimals: int = 2) -> str:
    return format_interval(finding.interval, decimals) + _MARKS[finding.verdict]


def _legend(judgements: Collection[Judgement]) -> str:
    if not any(judgement.composite.interval.is_defined for judgement in judgements):
        return "no intervals: they need at least two scenes; composite in steps, above 0 is better"
    scenes = max(judgement.composite.scenes for judgement in judgements)
    verdicts = {finding.verdict for one in judgements for finding in (*one.findings.values(), one.composite)}
    marks = "".join(
        f"; {_MARKS[verdict].strip()} is {verdict}" for verdict in ("better", "worse") if verdict in verdicts
    )
    fewest = max(judgement.fewest_scenes for judgement in judgements)
    few = f"; fewer than {fewest} scenes prove nothing" if scenes < fewest else ""
    return f"[95 % interval over {scenes} scenes]; composite in steps, above 0 is better{marks}{few}"
