"""From the scores of all runs to what a study found: differences, a choice, and what became of the chosen one."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from realesrgan_arch.evaluation.crossed import CrossedInterval, crossed_interval, mean_over_scenes
from realesrgan_arch.evaluation.evaluate import mean_of_defined
from realesrgan_arch.evaluation.paired import CONFIDENCE
from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.protocol import Run, Stage
from realesrgan_arch.layer_study.scoring import Scores, difference

DECIDING = "psnr"
BASE = "base"


@dataclass(frozen=True)
class Difference:
    """The first less the second, metric by metric."""

    first: str
    second: str
    metrics: Mapping[str, CrossedInterval]
    confidence: float = CONFIDENCE
    """Of its intervals."""

    @property
    def level(self) -> str:
        """The confidence as it is printed, `95 %`."""
        return f"{100 * self.confidence:.4g} %"


@dataclass(frozen=True)
class Choice:
    """The candidate to go on with."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class Evidence:
    """All scores of a study.

    Args:
        base: of the untouched network.
        runs: of every finished run.
        scenes: of each picture, see `crossed_interval`.
    """

    base: Scores
    runs: Mapping[Run, Scores]
    scenes: Mapping[str, str]

    def of(self, candidate: Candidate, stage: Stage) -> dict[int, Scores]:
        """Return the scores of a candidate after a stage, seed by seed."""
        return {
            run.seed: scores for run, scores in self.runs.items() if run.candidate == candidate and run.stage == stage
        }

    def mean(self, candidate: Candidate, stage: Stage, metric: str) -> float:
        """Return the mean over scenes and seeds; NaN where there is none."""
        rows = self.of(candidate, stage).values()
        return mean_of_defined(mean_over_scenes(row[metric], self.scenes) for row in rows)

    def base_mean(self, metric: str) -> float:
        """Return the mean of the untouched network over scenes; NaN where there is none."""
        return mean_over_scenes(self.base[metric], self.scenes)

    def between(self, first: Candidate, second: Candidate, *, confidence: float = CONFIDENCE) -> Difference:
        """Return the difference of two candidates after their probes, over the seeds that both have."""
        one, other = self.of(first, "probe"), self.of(second, "probe")
        seeds = [seed for seed in one if seed in other]
        found = self._compare(seeds, one.__getitem__, other.__getitem__, confidence)
        return Difference(first.label, second.label, found, confidence)

    def against_base(self, candidate: Candidate, stage: Stage) -> Difference:
        """Return the difference of a candidate after a stage to the untouched network."""
        rows = self.of(candidate, stage)
        found = self._compare(list(rows), rows.__getitem__, lambda seed: self.base, CONFIDENCE)
        return Difference(f"{candidate.label} after {stage}", BASE, found)

    def _compare(
        self, seeds: Sequence[int], one: Callable[[int], Scores], other: Callable[[int], Scores], confidence: float
    ) -> dict[str, CrossedInterval]:
        return {
            metric: crossed_interval(
                {seed: difference(one(seed)[metric], other(seed)[metric]) for seed in seeds},
                self.scenes,
                confidence=confidence,
            )
            for metric in self.base
        }


def compare_all(evidence: Evidence, candidates: Sequence[Candidate]) -> list[Difference]:
    """Return the difference of every two candidates, the better one by mean PSNR first.

    Of several pairs the intervals are widened after Bonferroni, so that all hold together with 95 %.
    """
    ranked = sorted(candidates, key=lambda one: evidence.mean(one, "probe", DECIDING), reverse=True)
    pairs = list(combinations(ranked, 2))
    confidence = 1 - (1 - CONFIDENCE) / len(pairs)
    return [evidence.between(first, second, confidence=confidence) for first, second in pairs]


def choose(
    differences: Sequence[Difference], candidates: Sequence[Candidate], costs: Mapping[Candidate, Cost]
) -> Choice:
    """Return the best candidate by PSNR; of those that cannot be told from it, the one that needs least memory.

    Args:
        differences: of `compare_all`.
        candidates: all of them.
        costs: of each candidate.
    """
    by_label = {candidate.label: candidate for candidate in candidates}
    best = by_label[differences[0].first]
    as_good = [
        by_label[pair.second]
        for pair in differences
        if pair.first == best.label and not pair.metrics[DECIDING].interval.above_zero()
    ]
    if not as_good:
        return Choice(best, "its PSNR is above that of every other one")
    cheapest = min([best, *as_good], key=lambda one: (costs[one].peak_bytes, costs[one].parameters))
    words = "PSNR alone would name it as well" if cheapest == best else f"PSNR alone would name {best.label}"
    return Choice(cheapest, f"the best cannot be told apart by PSNR, and this one needs least memory ({words})")


def spread_of_seeds(found: CrossedInterval) -> float:
    """Return the standard deviation of a difference from seed to seed; NaN with one seed."""
    values = list(found.by_seed.values())
    if len(values) < 2:
        return math.nan
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
