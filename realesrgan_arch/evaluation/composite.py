"""One number that says whether a method is better than another, and which metrics say otherwise.

The composite of a picture is counted in steps: its difference in a metric, signed so that above 0 is better, divided by
`Metric.step`: 0.5 dB of PSNR, 0.02 of SSIM, 0.5 of NIQE. Those are about the spreads over pictures of the paired
differences between fine-tuned models and their base in our pilots (0.3-1.1 dB, 0.01-0.03 and 0.4-0.8). The metrics that
compare with the truth (fidelity) are averaged, those that judge the picture alone (naturalness) as well, and the
composite is the mean of the two sides: fidelity and naturalness trade off (Blau and Michaeli, "The
perception-distortion tradeoff", CVPR 2018), and neither should win by having more metrics. Fixed steps make two runs
and two sets comparable.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from realesrgan_arch.evaluation.evaluate import METRICS, Better, ImageScore, mean_of_defined, measured_metrics
from realesrgan_arch.evaluation.paired import Interval, paired_interval

COMPOSITE = "composite"


@dataclass(frozen=True)
class Contrast:
    """One method against another, as mean differences with 95 % intervals over scenes."""

    metrics: Mapping[str, Interval]
    """Plain differences: below 0 is better where lower is."""
    composite: Interval
    """In steps; above 0 is better."""
    worse: tuple[str, ...]
    """The metrics whose whole interval is on the bad side."""


def contrast(
    scores: Iterable[ImageScore],
    against: Iterable[ImageScore],
    *,
    scenes: Mapping[str, str],
    better: Mapping[str, Better] | None = None,
) -> Contrast:
    """Compare two methods picture by picture.

    Args:
        scores: of one method.
        against: of another one; pictures that are in one of them only do not count.
        scenes: see `paired_interval`.
        better: for metrics of which it is not what `METRICS` says.
    """
    directions: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}
    directions |= better or {}
    differences = _differences(scores, against)
    metrics = {
        name: paired_interval({picture: row[name] for picture, row in differences.items() if name in row}, scenes)
        for name in _in_order(differences)
    }
    composites = {picture: composite_of(row, directions) for picture, row in differences.items()}
    worse = tuple(name for name, interval in metrics.items() if _is_worse(interval, directions[name]))
    return Contrast(metrics, paired_interval(composites, scenes), worse)


def composite_of(differences: Mapping[str, float], better: Mapping[str, Better]) -> float:
    """Return the composite of one picture; a metric that is not defined for it does not count.

    Args:
        differences: by metric.
        better: by metric.

    Returns:
        Steps; NaN where no difference is finite.
    """
    sides: tuple[list[float], list[float]] = ([], [])
    for name, difference in differences.items():
        if math.isfinite(difference) and METRICS[name].in_composite:
            steps = difference / METRICS[name].step
            sides[METRICS[name].side == "naturalness"].append(steps if better[name] == "higher" else -steps)
    return mean_of_defined(mean_of_defined(side) for side in sides)


def _differences(scores: Iterable[ImageScore], against: Iterable[ImageScore]) -> dict[str, dict[str, float]]:
    reference = {score.name: score.values for score in against}
    return {
        score.name: {
            name: _difference(value, reference[score.name][name])
            for name, value in score.values.items()
            if name in reference[score.name]
        }
        for score in scores
        if score.name in reference
    }


def _difference(value: float, reference: float) -> float:
    """Two pictures that both equal the truth have no difference, though infinity less infinity is no number."""
    return 0.0 if value == reference else value - reference


def _in_order(differences: Mapping[str, Mapping[str, float]]) -> Sequence[str]:
    return measured_metrics(ImageScore(picture, "", row) for picture, row in differences.items())


def _is_worse(interval: Interval, better: Better) -> bool:
    return interval.below_zero() if better == "higher" else interval.above_zero()
