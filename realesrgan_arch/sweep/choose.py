"""Which share of the tuned weights to use: three rules, each with a sentence of what it found and what it could see.

All of them choose on the pictures of the sweep, so the numbers of the chosen share flatter it there: they are the best
of many. What it is worth, other pictures say.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.statistics import Finding
from realesrgan_arch.plural import count_of
from realesrgan_arch.sweep.curve import Curve, Point, method_name

Rule = Literal["not-worse", "knee", "utility"]
RULES: tuple[Rule, ...] = get_args(Rule)
_FIDELITY = "psnr"
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


def check_rule(rule: Rule, *, utility: Mapping[str, float], metrics: Collection[str]) -> None:
    """Check, before hours of scoring, that `rule` can be followed with what is measured.

    Args:
        rule: one of `RULES`.
        utility: weights by metric.
        metrics: that are measured.

    Raises:
        SweepError: a metric that it needs is not measured, no weights for a utility, or weights for another rule.
    """
    if bool(utility) != (rule == "utility"):
        raise SweepError(
            "--choose utility and --utility, which says what a step of each metric is worth, go together: give both "
            "or neither"
        )
    absent = [name for name in utility if name not in metrics]
    if absent:
        raise SweepError(
            f"--utility: expected metrics that are measured ({', '.join(metrics)}), got {', '.join(absent)}; add them "
            "to --metrics"
        )
    if rule == "knee" and (_FIDELITY not in metrics or not _natural(metrics)):
        raise SweepError(
            f"--choose knee: expected psnr and a metric such as niqe among --metrics, got {', '.join(metrics)}; the "
            "knee is one of the curve of both"
        )


def choose(curve: Curve, rule: Rule, *, utility: Mapping[str, float] | None = None) -> Choice:
    """Choose a share by `rule`.

    `not-worse`: the best composite (`evaluation.composite`) among the shares that are worse than the base in no metric.
    `knee`: where the curve of fidelity and naturalness, both counted from 0 to 1 over what the sweep spans, is farthest
    above the line between its ends (Satopää et al., "Finding a 'Kneedle' in a haystack", ICDCS workshops 2011).
    `utility`: the largest sum of the mean differences in steps, each times its weight.

    Args:
        curve: at least one share besides the base.
        rule: one of `RULES`.
        utility: weights by metric, of `parse_utility`; the last rule needs them.

    Raises:
        SweepError: see `check_rule`.
    """
    weights = utility or {}
    check_rule(rule, utility=weights, metrics=curve.metrics)
    if rule == "utility":
        return _best_utility(curve, weights)
    return _knee(curve) if rule == "knee" else _not_worse(curve)


def _not_worse(curve: Curve) -> Choice:
    allowed = [point for point in curve.tried if point.judgement and not point.judgement.worse]
    best = _largest(allowed, lambda point: point.composite)
    if best is None:
        reason = _why_none(curve, allowed)
        return Choice("not-worse", 0.0, f"the base stays: {reason} on {_size(curve)}; {_sight(curve)}")
    excluded = len(curve.tried) - len(allowed)
    others = f"; {count_of(excluded, 'share is', 'shares are')} worse in some metric" if excluded else ""
    return Choice(
        "not-worse",
        best.alpha,
        f"{method_name(best.alpha)} has the best composite of those that were seen to be worse in no metric: "
        f"{_told(best)}{others}. On {_size(curve)} {_sight(curve)}",
    )


def _why_none(curve: Curve, allowed: list[Point]) -> str:
    if allowed:
        shares = count_of(len(allowed), "share that was", "shares that were")
        return f"of {shares} seen to be worse in no metric, none has a composite above 0"
    worse = {name for point in curve.tried if point.judgement for name in point.judgement.worse}
    names = ", ".join(METRICS[name].label for name in curve.metrics if name in worse)
    return f"every share is worse in at least one metric ({names})"


def _knee(curve: Curve) -> Choice:
    axes = (_FIDELITY, _natural(curve.metrics))
    unseen = [METRICS[name].label for name in axes if not any(_is_told(point.finding(name)) for point in curve.tried)]
    if unseen:
        return Choice(
            "knee",
            0.0,
            f"the base stays: on {_size(curve)} no share can be told from it in {' and in '.join(unseen)}, so a knee "
            "would be one of chance",
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
        return Choice(
            "knee", end, f"the curve of {labels} has no knee: no share rises above {method_name(end)}, an end"
        )
    return Choice(
        "knee",
        best,
        f"{method_name(best)} is the knee of {labels}: {_told(curve.at(best))}. A knee weighs what the sweep spans, "
        f"not what it is worth; {_size(curve)}",
    )


def _best_utility(curve: Curve, weights: Mapping[str, float]) -> Choice:
    def worth(point: Point) -> float:
        return utility_of(point, weights)

    stated = ", ".join(f"{name}={weight:g}" for name, weight in weights.items())
    best = _largest(list(curve.tried), worth)
    if best is None:
        return Choice("utility", 0.0, f"the base stays: no share has a utility ({stated}) above 0 on {_size(curve)}")
    return Choice(
        "utility",
        best.alpha,
        f"{method_name(best.alpha)} has the largest utility ({stated} a step): {worth(best):+.2f}; {_told(best)}; "
        f"{_size(curve)}",
    )


def utility_of(point: Point, weights: Mapping[str, float]) -> float:
    """Return the sum of mean differences to the base in steps, each times its weight; NaN where one is not known."""
    return math.fsum(weight * point.difference(name) / METRICS[name].step for name, weight in weights.items())


def _natural(metrics: Collection[str]) -> str:
    """Return what stands against fidelity: NIQE, or else the first metric where lower is better; empty: none."""
    lower = [name for name in metrics if METRICS[name].better == "lower"]
    return "niqe" if "niqe" in lower else next(iter(lower), "")


def _largest(points: list[Point], value: Callable[[Point], float]) -> Point | None:
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
    return point.judgement.sentence.rstrip(".") if point.judgement else "the base itself"


def _size(curve: Curve) -> str:
    return f"{count_of(curve.scenes, 'scene')} ({count_of(curve.pictures, 'picture')})"


def _sight(curve: Curve) -> str:
    """Return how small a loss these scenes can show: not seen is not the same as not there."""
    seen = []
    for name in curve.metrics:
        reach = [found.detectable for point in curve.tried if (found := point.finding(name))]
        finite = [value for value in reach if math.isfinite(value)]
        if finite:
            metric = METRICS[name]
            unit = f" {metric.unit}" if metric.unit else ""
            seen.append(f"{max(finite):.{metric.decimals}f}{unit} of {metric.label}")
    return f"a loss of less than {', '.join(seen)} could have been missed" if seen else "no loss could have been seen"
