"""What a comparison of two methods found: records that a table, a sentence or a file is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.significance import LEVEL

Verdict = Literal["better", "worse", "cannot be told"]
_FIDELITY = ("psnr", "psnr_y")
_NATURALNESS = "niqe"


@dataclass(frozen=True)
class Finding:
    """One metric of one method less that of another; NaN where a number is not defined."""

    metric: str
    mean: float
    """Plain difference over the pictures: below 0 is better where lower is."""
    low: float
    high: float
    scenes: int
    pictures: int
    """With a difference that is defined."""
    win_rate: float
    """Share of scenes in which the method is better, a tie counting half."""
    detectable: float
    """The smallest difference that so many scenes show in 80 of 100 trials; NaN where they can show none."""
    p_value: float
    p_adjusted: float
    """After Holm, over the metrics of the judgement."""
    verdict: Verdict
    """By the adjusted value and the interval together: neither alone makes a claim."""

    @property
    def interval(self) -> Interval:
        """The mean and its bounds."""
        return Interval(self.mean, self.low, self.high, self.scenes)


@dataclass(frozen=True)
class Judgement:
    """What several metrics say about `method` against `against`."""

    method: str
    against: str
    findings: Mapping[str, Finding]
    """By metric, in the order of `METRICS`."""
    composite: Finding
    """Of `evaluation.composite`: fidelity and naturalness alike, in steps; above 0 is better."""
    sentence: str
    """All of it in plain words."""

    @property
    def worse(self) -> tuple[str, ...]:
        """The metrics in which the method is worse."""
        return tuple(name for name, finding in self.findings.items() if finding.verdict == "worse")

    @property
    def better(self) -> tuple[str, ...]:
        """The metrics in which the method is better."""
        return tuple(name for name, finding in self.findings.items() if finding.verdict == "better")

    @property
    def both_improve(self) -> bool:
        """Whether PSNR (of Y where there is no other) and NIQE are better, both of them.

        A claim that needs both is an intersection-union test: each passes at 0.05 as it is, without Holm's correction
        (Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 1982).
        """
        fidelity = next((name for name in _FIDELITY if name in self.findings), None)
        pair = [self.findings.get(name or "") for name in (fidelity, _NATURALNESS)]
        return all(finding is not None and _passes(finding) for finding in pair)


def no_finding(metric: str) -> Finding:
    """Return what is known where nothing could be compared."""
    nan = math.nan
    return Finding(metric, nan, nan, nan, 0, 0, nan, nan, nan, nan, "cannot be told")


def is_clear(interval: Interval, p_value: float, *, step: float) -> bool:
    """Return whether a difference may be claimed: the interval and the p-value say so, and it is not nothing.

    A hundredth of `step` (0.005 dB) is nothing: the same model in another precision gives as much on each picture.
    """
    is_apart = interval.above_zero() or interval.below_zero()
    return is_apart and p_value <= LEVEL and abs(interval.mean) >= step / 100


def _passes(finding: Finding) -> bool:
    metric = METRICS[finding.metric]
    sign = 1 if metric.better == "higher" else -1
    return sign * finding.mean > 0 and is_clear(finding.interval, finding.p_value, step=metric.step)
