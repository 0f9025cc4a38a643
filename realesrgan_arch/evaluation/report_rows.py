"""The findings of a proof as rows that a page draws: numbers in words, intervals as places on an axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Literal

from realesrgan_arch.evaluation.composite import POINTS, composite_in_words
from realesrgan_arch.evaluation.evaluate import METRICS, Metric
from realesrgan_arch.evaluation.proof import MethodFacts, Proof
from realesrgan_arch.evaluation.report_story import Trial
from realesrgan_arch.evaluation.statistics import Finding, Judgement, Verdict
from realesrgan_arch.image_header import printable

COMPOSITE_LABEL = "Overall"
_STEPS = Metric(COMPOSITE_LABEL, unit=POINTS, decimals=2)
_FEWEST_STEPS = 0.5
"""The shortest half of an axis, so that an interval of nothing does not look like a great one."""
_NIQE_IN_WORDS = (
    "NIQE: how natural a picture looks, judged without the truth; lower is more natural, and photographs of buildings "
    "have about 4."
)
_LABELS = {"lq": "Input", "bicubic": "Bicubic", "base": "Base", "tuned": "Tuned", "model": "Model"}
MINUS = "\u2212"

Tone = Literal["good", "bad", "none"]


@dataclass(frozen=True)
class Headline:
    """The verdict in a few words, and its colour."""

    text: str
    tone: Tone


@dataclass(frozen=True)
class Bar:
    """An interval on an axis from 0 (worst) to 100 (best); 50 is no difference."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One metric of one method against another, in words."""

    label: str
    direction: str
    before: str
    after: str
    mean: str
    interval: str
    bar: Bar | None
    """None where no interval is defined."""
    wins: str
    detectable: str
    p_value: str
    counts: str
    verdict: Verdict
    tone: Tone


@dataclass(frozen=True)
class Cell:
    """A difference in a table of many."""

    label: str
    mean: str
    interval: str
    tone: Tone


def metric_of(name: str) -> Metric:
    """Return how a score is written; one that is not known here is written plainly."""
    return METRICS.get(name, Metric(name, better="higher"))


def label_of(method: str) -> str:
    """Return the name of a method as a caption."""
    return _LABELS.get(method, method[:1].upper() + method[1:])


def contrast(judgement: Judgement) -> str:
    """Return `Tuned against base`."""
    return f"{label_of(judgement.method)} against {judgement.against}"


def source_of(method: MethodFacts) -> str:
    """Return the name of the file of the weights, or their known name, without folders of the machine."""
    return printable(PureWindowsPath(method.source).name)  # both kinds of slash part folders there


def headline(judgement: Judgement) -> Headline:
    """Return the verdict over all metrics: better, worse, a trade of one for another, or that it cannot be told."""
    better, worse = ([metric_of(name).label for name in names] for names in (judgement.better, judgement.worse))
    if better and worse:
        return Headline(f"A trade: better in {_enumerate(better)}, worse in {_enumerate(worse)}", "none")
    if better:
        return Headline(f"Better in {_enumerate(better)}", "good")
    if worse:
        return Headline(f"Worse in {_enumerate(worse)}", "bad")
    text = f"It cannot be told whether {judgement.method} is better or worse than {judgement.against}"
    return Headline(text, "none")


def caution(judgement: Judgement | None, trials: Sequence[Trial]) -> str:
    """Return a sentence for those who want to use the weights though the numbers advise against; empty without one."""
    reasons: list[str] = []
    if judgement is not None and judgement.composite.verdict == "worse":
        reasons.append(f"overall {judgement.method} is worse than {judgement.against}")
    elif judgement is not None and headline(judgement).tone == "bad":
        metrics = _enumerate([metric_of(name).label for name in judgement.worse])
        reasons.append(f"{judgement.method} is worse than {judgement.against} in {metrics}")
    if any(trial.keeps_base for trial in trials):
        reasons.append("the sweep of blends says that the base stays")
    return f"Mind that {' and that '.join(reasons)}." if reasons else ""


def rows_of(judgement: Judgement, means: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """Return a row for each metric, then the composite; all intervals share one axis, in steps of each metric.

    Args:
        judgement: of one method against another.
        means: by method, then metric.
    """
    found = [(metric_of(name), finding) for name, finding in judgement.findings.items()]
    found.append((_STEPS, judgement.composite))
    reach = max([_FEWEST_STEPS, *(abs(end) for metric, finding in found for end in _ends(metric, finding))])
    before, after = means.get(judgement.against, {}), means.get(judgement.method, {})
    return [
        _row(metric, finding, before.get(finding.metric), after.get(finding.metric), reach=reach)
        for metric, finding in found
    ]


def cells_of(judgement: Judgement) -> list[Cell]:
    """Return the difference in each metric, then in the composite."""
    found = [(metric_of(name), finding) for name, finding in judgement.findings.items()]
    return [
        Cell(_label(metric), signed(finding.mean, metric.decimals), interval(finding, metric), tone(finding.verdict))
        for metric, finding in [*found, (_STEPS, judgement.composite)]
    ]


def explanations(proof: Proof) -> list[str]:
    """Return a sentence about the composite and one about NIQE, where the proof has them."""
    found = [f"{composite_in_words(one.findings, name=COMPOSITE_LABEL)}." for one in proof.judgements[:1]]
    if any("niqe" in row for row in proof.means.values()):
        found.append(_NIQE_IN_WORDS)
    return found


def means_table(proof: Proof) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the labels of the metrics, and the mean scores of each method in their order."""
    names = [name for name in METRICS if any(name in row for row in proof.means.values())]
    names += sorted({name for row in proof.means.values() for name in row} - {*names})
    rows = [
        (label_of(method), [_number(values.get(name), metric_of(name).decimals) for name in names])
        for method, values in proof.means.items()
    ]
    return [f"{_label(metric_of(name))} {_arrow(metric_of(name))}" for name in names], rows


def signed(value: float, decimals: int) -> str:
    """Return `+0.62`, `−0.06`, or a dash where the number is not defined."""
    if math.isnan(value):
        return "–"
    return f"{value:+.{decimals}f}".replace("-", MINUS).replace("inf", "∞")


def interval(finding: Finding, metric: Metric) -> str:
    """Return `+0.41 to +0.83`; empty where it is not defined."""
    if not (math.isfinite(finding.low) and math.isfinite(finding.high)):
        return ""
    return f"{signed(finding.low, metric.decimals)} to {signed(finding.high, metric.decimals)}"


def tone(verdict: Verdict) -> Tone:
    """Return the colour of a verdict."""
    tones: dict[Verdict, Tone] = {"better": "good", "worse": "bad", "cannot be told": "none"}
    return tones[verdict]


def _row(metric: Metric, finding: Finding, before: float | None, after: float | None, *, reach: float) -> Row:
    ends = _ends(metric, finding)
    return Row(
        label=_label(metric),
        direction=f"{metric.better} is better",
        before=_number(before, metric.decimals),
        after=_number(after, metric.decimals),
        mean=signed(finding.mean, metric.decimals),
        interval=interval(finding, metric),
        bar=Bar(*(50 + 48 * end / reach for end in ends)) if ends else None,
        wins="–" if math.isnan(finding.win_rate) else f"{100 * finding.win_rate:.0f} %",
        detectable=_number(finding.detectable, metric.decimals),
        p_value=_p_value(finding.p_adjusted if math.isfinite(finding.p_adjusted) else finding.p_value),
        counts=f"{finding.scenes:,} / {finding.pictures:,}",
        verdict=finding.verdict,
        tone=tone(finding.verdict),
    )


def _ends(metric: Metric, finding: Finding) -> tuple[float, ...]:
    """Mean, worst and best end in steps, above 0 better; empty where they are not defined."""
    sign = 1 if metric.better == "higher" else -1
    values = [sign * value / metric.step for value in (finding.mean, finding.low, finding.high)]
    if not all(map(math.isfinite, values)):
        return ()
    return (values[0], min(values[1:]), max(values[1:]))


def _label(metric: Metric) -> str:
    return f"{metric.label} ({metric.unit})" if metric.unit else metric.label


def _arrow(metric: Metric) -> str:
    return "↑" if metric.better == "higher" else "↓"


def _number(value: float | None, decimals: int) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.{decimals}f}".replace("-", MINUS).replace("inf", "∞")


def _p_value(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _enumerate(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
