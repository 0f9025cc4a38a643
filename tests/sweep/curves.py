"""Curves made by hand: what every share does is said, and no network is needed."""

from collections.abc import Mapping

from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.statistics import Finding, Judgement
from realesrgan_arch.sweep.curve import NOTHING, Curve, Point, method_name

Difference = tuple[float, float]
"""Mean and half the width of its interval."""


def finding(metric: str, mean: float, reach: float, *, scenes: int = 20) -> Finding:
    low, high = mean - reach, mean + reach
    higher_is_better = metric not in METRICS or METRICS[metric].better == "higher"
    clear = "cannot be told" if low <= 0 <= high else "better" if (mean > 0) == higher_is_better else "worse"
    return Finding(metric, mean, low, high, scenes, scenes, 0.5, reach, 0.01, 0.02, clear)


def point(alpha: float, composite: float, *, worth: float = 0.0, **differences: Difference) -> Point:
    findings = {name: finding(name, *difference) for name, difference in differences.items()}
    judged = Judgement(method_name(alpha), "base", findings, finding("composite", composite, 0.1), "So it is.")
    means = {name: 10 + difference[0] for name, difference in differences.items()}
    return Point(alpha, means, judged, Interval(worth, worth - 0.1, worth + 0.1, 20))


def curve(*points: Point, scenes: int = 20) -> Curve:
    metrics = tuple(points[0].means)
    base = Point(0.0, dict.fromkeys(metrics, 10.0), None, NOTHING)
    return Curve((base, *points), metrics, scenes, scenes)


def tradeoff(psnr: Mapping[float, float], niqe: Mapping[float, float], reach: float = 0.01) -> Curve:
    """A curve of two metrics, by share."""
    return curve(*(point(alpha, 0.0, psnr=(psnr[alpha], reach), niqe=(niqe[alpha], reach)) for alpha in psnr))
