"""What a comparison of two methods found: records that a table, a sentence or a file is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.significance import LEVEL, fewest_to_claim

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
    """The smallest difference that so many scenes show in 80 of 100 trials, after the correction for so many metrics;
    NaN where they can show none."""
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
        """Whether PSNR (of Y where there is no other) and NIQE are better, both of them, by their verdicts."""
        fidelity = next((name for name in _FIDELITY if name in self.findings), None)
        return {fidelity, _NATURALNESS} <= set(self.better)

    @property
    def compared(self) -> int:
        """How many metrics both have scores in: for so many the test is corrected."""
        return sum(finding.scenes > 0 for finding in self.findings.values())

    @property
    def fewest_scenes(self) -> int:
        """Fewer cannot show anything in so many metrics, see `significance.fewest_to_claim`."""
        return fewest_to_claim(self.compared)


def no_finding(metric: str) -> Finding:
    """Return what is known where nothing could be compared."""
    nan = math.nan
    return Finding(metric, nan, nan, nan, 0, 0, nan, nan, nan, nan, "cannot be told")


def is_clear(interval: Interval, p_value: float, *, step: float) -> bool:
    """Return whether a difference may be claimed: the interval and the p-value say so, and it is not nothing."""
    is_apart = interval.above_zero() or interval.below_zero()
    return is_apart and p_value <= LEVEL and abs(interval.mean) >= least_claimed(step)


def least_claimed(step: float) -> float:
    """Return what is no longer nothing, a hundredth of `step` (0.005 dB).

    The same model in another precision gives as much on each picture.
    """
    return step / 100
