"""One number that says whether a method is better than another.

The composite of a picture is counted in steps: its difference in a metric, signed so that above 0 is better, divided by
`Metric.step`: 0.5 dB of PSNR, 0.02 of SSIM, 0.5 of NIQE. Those are about the spreads over pictures of the paired
differences between fine-tuned models and their base in our pilots (0.3-1.1 dB, 0.01-0.03 and 0.4-0.8). PSNR and SSIM,
which compare with the truth (fidelity), are averaged; NIQE judges the picture alone (naturalness); the composite is the
mean of the two sides: fidelity and naturalness trade off (Blau and Michaeli, "The perception-distortion tradeoff", CVPR
2018), and neither should win by having more metrics. Fixed steps make two runs and two sets comparable.

No other metric counts, so that the composite means the same whatever else is measured: what needs extra packages or
weights is not on every machine, and a second PSNR says little that the first did not. PSNR and SSIM of Y stand in where
those of RGB are not measured.
"""

import math
from collections.abc import Collection, Mapping

from realesrgan_arch.evaluation.evaluate import METRICS, Better, mean_of_defined

COMPOSITE = "composite"
POINTS = "points"
"""What people are told the steps of the composite are called: a step is one of training to them."""
_SIDES = ((("psnr", "psnr_y"), ("ssim", "ssim_y")), (("niqe",),))
"""Fidelity and naturalness: of each group the first that was measured counts."""


def counts(metric: str) -> bool:
    """Return whether a metric has a part in the composite."""
    return any(metric in group for side in _SIDES for group in side)


def composite_in_words(metrics: Collection[str], *, name: str = COMPOSITE) -> str:
    """Return what a composite of `metrics` is, for below a table that calls it `name`."""
    sides = [[found for group in side if (found := _measured(group, metrics))] for side in _SIDES]
    parts = [METRICS[found] for side in sides for found in side]
    if not parts:
        return f"{name}: not defined, as no metric that counts in it was measured"
    alike = "fidelity and naturalness alike, " if all(sides) else ""
    sizes = ", ".join(f"{one.step:g}{one.unit and ' '}{one.unit} of {one.label}" for one in parts)
    return f"{name}: {alike}in {POINTS} of {sizes}; above 0 is better"


def composite_of(differences: Mapping[str, float], better: Mapping[str, Better]) -> float:
    """Return the composite of one picture; a metric that is not defined for it does not count.

    Args:
        differences: by metric.
        better: by metric.

    Returns:
        Steps; NaN where no difference that counts is finite.
    """
    return mean_of_defined(mean_of_defined(_steps(group, differences, better) for group in groups) for groups in _SIDES)


def _steps(group: tuple[str, ...], differences: Mapping[str, float], better: Mapping[str, Better]) -> float:
    name = _measured(group, differences)
    if name is None or not math.isfinite(differences[name]):
        return math.nan
    steps = differences[name] / METRICS[name].step
    return steps if better[name] == "higher" else -steps


def _measured(group: tuple[str, ...], metrics: Collection[str]) -> str | None:
    return next((name for name in group if name in metrics), None)
