"""What every share of the tuned weights does, picture by picture against the base."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from realesrgan_arch.evaluation.bootstrap import mean_intervals
from realesrgan_arch.evaluation.contender import BASE, TUNED
from realesrgan_arch.evaluation.evaluate import METRICS, ImageScore, mean_of_defined, measured_metrics
from realesrgan_arch.evaluation.paired import Interval, paired_differences, sum_by_scene
from realesrgan_arch.evaluation.statistics import Finding, Judgement, judge

NOTHING = Interval(0.0, math.nan, math.nan, 0)
"""What the base is beyond itself."""
_UTILITY = "utility"


@dataclass(frozen=True)
class Point:
    """One share."""

    alpha: float
    """Share of the tuned weights, in [0, 1]."""
    means: Mapping[str, float]
    """By metric, over the pictures for which it is defined."""
    judgement: Judgement | None
    """Against the base; None of the base itself."""
    utility: Interval = NOTHING
    """What it is worth by stated weights, beyond the base."""

    def finding(self, metric: str) -> Finding | None:
        """Return what `metric` says against the base; None of the base itself, or where it was not measured."""
        return self.judgement.findings.get(metric) if self.judgement else None

    def difference(self, metric: str) -> float:
        """Return the mean difference to the base: 0 of the base itself, NaN where it is not known."""
        if self.judgement is None:
            return 0.0
        found = self.finding(metric)
        return found.mean if found else math.nan

    @property
    def losses(self) -> tuple[str, ...]:
        """The metrics whose whole interval is on the worse side.

        This is a guard and no claim, so it asks for less than the verdict `worse`: a correction for many metrics, or
        for few scenes, would let more losses through.
        """
        findings = self.judgement.findings if self.judgement else {}
        return tuple(name for name, found in findings.items() if _is_loss(found))

    @property
    def composite(self) -> Interval:
        """In steps; above 0 is better than the base."""
        return self.judgement.composite.interval if self.judgement else NOTHING


@dataclass(frozen=True)
class Curve:
    """All shares that were tried, rising; the first is 0, the base."""

    points: tuple[Point, ...]
    metrics: tuple[str, ...]
    pictures: int
    scenes: int

    @property
    def tried(self) -> tuple[Point, ...]:
        """The points that are not the base."""
        return self.points[1:]

    def at(self, alpha: float) -> Point:
        """Return the point of a share that was tried."""
        return next(point for point in self.points if point.alpha == alpha)


def method_name(alpha: float) -> str:
    """Return how the model of a share is called in tables: `base`, `blend 0.3`, `tuned`."""
    return {0.0: BASE, 1.0: TUNED}.get(alpha, f"blend {alpha:g}")


def build_curve(
    scores: Iterable[ImageScore],
    *,
    alphas: Sequence[float],
    scenes: Mapping[str, str],
    utility: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Curve:
    """Compare every share with the base.

    Args:
        scores: of all methods that `method_name` gives for `alphas`; others do not count.
        alphas: rising, the first is 0.
        scenes: of each picture, see `judge`.
        utility: by metric, what a step of it is worth.
        seed: of the draws of the intervals.
    """
    by_method = _by_method(scores, alphas)
    base = by_method[BASE]
    points: list[Point] = []
    for alpha in alphas:
        rows = by_method[method_name(alpha)]
        judged = judge(rows, base, scenes=scenes, method=method_name(alpha), other=BASE, seed=seed) if alpha else None
        worth = _worth(rows, base, utility, scenes, seed) if alpha and utility else NOTHING
        points.append(Point(alpha, _means(rows), judged, worth))
    names = {score.name for score in base}
    return Curve(
        tuple(points), tuple(measured_metrics(base)), len(names), len({scenes.get(name, name) for name in names})
    )


def tell_alike(
    scores: Iterable[ImageScore], curve: Curve, *, chosen: float, scenes: Mapping[str, str], seed: int = 0
) -> tuple[float, ...]:
    """Return the shares whose composite cannot be told from that of `chosen`, which is not among them.

    Args:
        scores: as for `build_curve`.
        curve: of these scores.
        chosen: a share of the curve.
        scenes: of each picture.
        seed: of the draws.
    """
    alphas = [point.alpha for point in curve.points]
    by_method = _by_method(scores, alphas)
    best = by_method[method_name(chosen)]
    judged = {
        alpha: judge(by_method[method_name(alpha)], best, scenes=scenes, seed=seed)
        for alpha in alphas
        if alpha != chosen
    }
    return tuple(alpha for alpha, found in judged.items() if found.composite.verdict == "cannot be told")


def _by_method(scores: Iterable[ImageScore], alphas: Sequence[float]) -> dict[str, list[ImageScore]]:
    found: dict[str, list[ImageScore]] = {method_name(alpha): [] for alpha in alphas}
    for score in scores:
        if score.method in found:
            found[score.method].append(score)
    return found


def _worth(
    rows: Sequence[ImageScore],
    base: Sequence[ImageScore],
    weights: Mapping[str, float],
    scenes: Mapping[str, str],
    seed: int,
) -> Interval:
    """Return the utility of one share: of pictures for which each of its metrics is defined."""
    worth = {
        picture: {
            _UTILITY: math.fsum(
                weight * row.get(name, math.nan) / METRICS[name].step for name, weight in weights.items()
            )
        }
        for picture, row in paired_differences(rows, base).items()
    }
    return mean_intervals(sum_by_scene(worth, [_UTILITY], scenes), seed=seed)[0]


def natural_metrics(metrics: Iterable[str]) -> list[str]:
    """Return those of `metrics` that fidelity trades off with: of naturalness first, then of perception."""
    sides = {name: METRICS[name].side for name in metrics}
    return sorted((name for name in sides if sides[name] != "fidelity"), key=lambda name: sides[name] != "naturalness")


def _is_loss(found: Finding) -> bool:
    return found.high < 0 if METRICS[found.metric].better == "higher" else found.low > 0


def _means(rows: Sequence[ImageScore]) -> dict[str, float]:
    return {name: mean_of_defined(row.values[name] for row in rows) for name in measured_metrics(rows)}
