"""Which share of the tuned weights to use: three rules, each with a sentence of what it found and what it could see.

All of them choose on the pictures of the sweep, so the numbers of the chosen share flatter it there: they are the best
of many. What it is worth, other pictures say.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.composite import POINTS, counts
from realesrgan_arch.evaluation.difference_table import format_interval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.statistics import Finding
from realesrgan_arch.plural import count_of
from realesrgan_arch.sweep.curve import Curve, Point, method_name, natural_metrics

Rule = Literal["not-worse", "knee", "utility"]
RULES: tuple[Rule, ...] = get_args(Rule)
_FIDELITY = "psnr"
_FEWEST_SCENES = 2
_EPSILON = 1e-9
"""Identical models differ by nothing at all, but for the last digits of sums."""


class SweepError(UserError):
    """A sweep that cannot be done as asked."""


@dataclass(frozen=True)
class Choice:
    """What a rule says."""

    rule: Rule
    alpha: float
    """0: the base stays."""
    sentence: str


def parse_utility(text: str) -> dict[str, float]:
    """Read `psnr=1,niqe=-1`: by metric, what one step of it (`Metric.step`) is worth.

    Raises:
        SweepError: an unknown metric, no finite number other than 0, or one that makes the worse score the better one.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if name not in METRICS or not math.isfinite(weight) or weight == 0 or name in weights:
            raise SweepError(
                f"--utility: expected metrics and what a step of each is worth, such as psnr=1,niqe=-1, with metrics "
                f"out of {', '.join(METRICS)}, got {text!r}"
            )
        if (weight > 0) != (METRICS[name].better == "higher"):
            raise SweepError(
                f"--utility: {METRICS[name].label} is better where it is {METRICS[name].better}, so a weight of "
                f"{weight:g} would choose the worst; write {name}={-weight:g}"
            )
        weights[name] = weight
    return weights


def check_rule(
    rule: Rule, *, utility: Mapping[str, float], metrics: Collection[str], absent: Collection[str] = ()
) -> None:
    """Check, before hours of scoring, that `rule` can be followed with what is measured.

    Args:
        rule: one of `RULES`.
        utility: weights by metric.
        metrics: that are measured.
        absent: sentences about metrics that cannot be measured on this machine, or are defined for no picture.

    Raises:
        SweepError: a metric that it needs is not measured, no weights for a utility, or weights for another rule.
    """
    if bool(utility) != (rule == "utility"):
        raise SweepError(
            "--choose utility and --utility, which says what a step of each metric is worth, go together: give both "
            "or neither"
        )
    why = f"; {' '.join(absent)}" if absent else ""
    missing = [name for name in utility if name not in metrics]
    if missing:
        raise SweepError(
            f"--utility: expected metrics that are measured ({', '.join(metrics)}), got "
            f"{', '.join(missing)}{why or '; add them to --metrics'}"
        )
    if rule == "knee" and (_FIDELITY not in metrics or not natural_metrics(metrics)):
        raise SweepError(
            f"--choose knee: expected psnr and a metric such as niqe among --metrics, got {', '.join(metrics)}; the "
            f"knee is one of the curve of both{why}"
        )
    if rule == "not-worse" and not any(map(counts, metrics)):
        raise SweepError(
            f"--choose not-worse: expected a metric that counts in the composite "
            f"({', '.join(filter(counts, METRICS))}) among --metrics, got {', '.join(metrics)}; add one, or choose by "
            f"--utility{why}"
        )


def choose(
    curve: Curve, rule: Rule, *, utility: Mapping[str, float] | None = None, absent: Collection[str] = ()
) -> Choice:
    """Choose a share by `rule`.

    `not-worse`: the best composite (`evaluation.composite`) among the shares that lose in no metric (`Point.losses`).
    `knee`: where the curve of fidelity and naturalness, both counted from 0 to 1 over what the sweep spans, is farthest
    above the line between its ends (Satopää et al., "Finding a 'Kneedle' in a haystack", ICDCS workshops 2011).
    `utility`: the largest mean over pictures of the differences in steps, each times its weight.

    Args:
        curve: at least one share besides the base.
        rule: one of `RULES`.
        utility: weights by metric, of `parse_utility`; the last rule needs them.
        absent: see `check_rule`.

    Raises:
        SweepError: see `check_rule`.
    """
    weights = utility or {}
    check_rule(rule, utility=weights, metrics=curve.metrics, absent=absent)
    if rule == "utility":
        return _best_utility(curve, weights)
    return _knee(curve) if rule == "knee" else _not_worse(curve)


def _not_worse(curve: Curve) -> Choice:
    allowed = [point for point in curve.tried if not point.losses]
    best = _largest(allowed, lambda point: point.composite.mean) if curve.scenes >= _FEWEST_SCENES else None
    if best is None:
        return Choice("not-worse", 0.0, f"the base stays: {_why_none(curve, allowed)}. {_told(curve.tried[0])}")
    losing = [point for point in curve.tried if point.losses]
    others = f"; {count_of(len(losing), 'share loses', 'shares lose')} in {_lost(losing)}" if losing else ""
    return Choice(
        "not-worse",
        best.alpha,
        f"{method_name(best.alpha)} has the best composite of {count_of(len(allowed), 'share')} without a loss that "
        f"was seen{others}. It is {format_interval(best.composite)} {POINTS}{_doubt(best.composite)}. {_told(best)}"
        f"{_room_for_loss(best)}",
    )


def _room_for_loss(point: Point) -> str:
    """A loss that was not seen may be there: say where the interval holds one that people would see."""
    findings = point.judgement.findings if point.judgement else {}
    losing = [
        METRICS[name] for name, found in findings.items() if min(_steps(name, found.low), _steps(name, found.high)) < -1
    ]
    if not losing:
        return ""
    sizes = " and ".join(f"{metric.step:g}{metric.unit and ' '}{metric.unit} of {metric.label}" for metric in losing)
    return f" Its intervals leave room for losses of more than {sizes}."


def _why_none(curve: Curve, allowed: list[Point]) -> str:
    if curve.scenes < _FEWEST_SCENES:
        return "one scene shows no loss and no gain"
    if allowed:
        shares = count_of(len(allowed), "share")
        return f"of {shares} without a loss that was seen, none has a composite above 0"
    return f"every share loses in {_lost(curve.tried)} on {_size(curve)}"


def _lost(points: Iterable[Point]) -> str:
    """Return `NIQE`, or `PSNR or NIQE` where one share loses in this and another in that."""
    lost = {name for point in points for name in point.losses}
    return " or ".join(METRICS[name].label for name in METRICS if name in lost)


def _knee(curve: Curve) -> Choice:
    axes = (_FIDELITY, natural_metrics(curve.metrics)[0])
    unseen = [METRICS[name].label for name in axes if not any(_is_told(point.finding(name)) for point in curve.tried)]
    if unseen:
        return Choice(
            "knee",
            0.0,
            f"the base stays: on {_size(curve)} no share can be told from it in {' and in '.join(unseen)}, so a knee "
            "would be one of chance.",
        )
    heights = [_unit([_steps(name, point.difference(name)) for point in curve.points]) for name in axes]
    sums = {
        point.alpha: sum(pair) if math.isfinite(sum(pair)) else -math.inf
        for point, pair in zip(curve.points, zip(*heights, strict=True), strict=True)
    }
    first, last = curve.points[0].alpha, curve.points[-1].alpha
    best = max(sums, key=lambda alpha: sums[alpha])
    labels = " and ".join(METRICS[name].label for name in axes)
    if sums[best] <= max(sums[first], sums[last]) + _EPSILON:
        end = first if sums[first] >= sums[last] else last
        told = _told(curve.at(end)) or "the base stays."
        return Choice(
            "knee", end, f"the curve of {labels} has no knee: none lies above its end {method_name(end)}. {told}"
        )
    return Choice(
        "knee",
        best,
        f"{method_name(best)} is the knee of {labels}, which weighs what the sweep spans and not what it is worth. "
        f"{_told(curve.at(best))}",
    )


def _best_utility(curve: Curve, weights: Mapping[str, float]) -> Choice:
    stated = ", ".join(f"{name}={weight:g}" for name, weight in weights.items())
    best = _largest(curve.tried, lambda point: point.utility.mean)
    if best is None:
        return Choice("utility", 0.0, f"the base stays: no share has a utility ({stated}) above 0 on {_size(curve)}.")
    return Choice(
        "utility",
        best.alpha,
        f"{method_name(best.alpha)} has the largest utility ({stated} a step): {format_interval(best.utility)}"
        f"{_doubt(best.utility)}. {_told(best)}",
    )


def _doubt(gain: Interval) -> str:
    return "" if gain.above_zero() else ", but that it is above 0, which is the base's, cannot be told"


def _largest(points: Iterable[Point], value: Callable[[Point], float]) -> Point | None:
    """Return the point of the largest value above 0, of equal ones the nearest to the base."""
    best, height = None, _EPSILON
    for point in points:
        if value(point) > height + _EPSILON:
            best, height = point, value(point)
    return best


def _steps(metric: str, difference: float) -> float:
    steps = difference / METRICS[metric].step
    return steps if METRICS[metric].better == "higher" else -steps


def _unit(values: list[float]) -> list[float]:
    """Return the values from 0 (least) to 1 (most)."""
    finite = [value for value in values if math.isfinite(value)]
    low, span = min(finite), max(finite) - min(finite)
    return [(value - low) / span for value in values]


def _is_told(found: Finding | None) -> bool:
    return found is not None and found.verdict != "cannot be told"


def _told(point: Point) -> str:
    """Return what is known of a share, in sentences."""
    return f"{method_name(point.alpha)}: {point.judgement.sentence}" if point.judgement else ""


def _size(curve: Curve) -> str:
    return f"{count_of(curve.scenes, 'scene')} ({count_of(curve.pictures, 'picture')})"
