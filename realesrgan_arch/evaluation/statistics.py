"""Is one method better than another? Paired differences, intervals over scenes, and a verdict for each metric."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from realesrgan_arch.evaluation.evaluate import ImageScore

Verdict = Literal["better", "worse", "cannot be told"]
DRAWS = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Finding:
    """One metric of one method less that of another; NaN where a number is not defined."""

    metric: str
    mean: float
    """Plain difference: below 0 is better where lower is."""
    low: float
    high: float
    scenes: int
    pictures: int
    """With a difference that is defined."""
    win_rate: float
    """Share of scenes in which the method is better, a tie counting half."""
    detectable: float
    """The smallest difference that so many scenes show in 80 of 100 trials."""
    p_value: float
    p_adjusted: float
    """After Holm, over the metrics of the judgement."""
    verdict: Verdict
    """By the adjusted value and the interval together: neither alone makes a claim."""


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


def judge(
    scores: Iterable[ImageScore],
    against: Iterable[ImageScore],
    *,
    scenes: Mapping[str, str],
    method: str = "tuned",
    other: str = "base",
    seed: int = 0,
) -> Judgement:
    """Compare two methods picture by picture.

    Args:
        scores: of one method.
        against: of another one; pictures that are in one of them only do not count.
        scenes: the scene of each picture; a picture without one is a scene of its own.
        method: the name of the one, for the sentence.
        other: the name of the other.
        seed: of the bootstrap's draws.
    """
    raise NotImplementedError  # the owner of this file replaces it within the hour


def judge_groups(
    scores: Iterable[ImageScore],
    against: Iterable[ImageScore],
    *,
    scenes: Mapping[str, str],
    groups: Mapping[str, str],
    seed: int = 0,
) -> dict[str, Judgement]:
    """Compare two methods in each group of pictures apart; see `judge`.

    Args:
        scores: of one method.
        against: of another one.
        scenes: of each picture.
        groups: the group of each picture; pictures without one are in none.
        seed: of the draws.
    """
    raise NotImplementedError


def no_finding(metric: str) -> Finding:
    """Return what is known where nothing could be compared."""
    nan = math.nan
    return Finding(metric, nan, nan, nan, 0, 0, nan, nan, nan, nan, "cannot be told")
