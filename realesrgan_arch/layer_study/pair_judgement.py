"""Which candidates are worth going on with: fidelity and naturalness judged as a pair.

PSNR hardly depends on where one trains and NIQE depends on it strongly (docs/layer_study.md), so neither decides alone.
One candidate dominates another where it is better beyond the interval in one of the two and, at the worst end of the
interval, less than `MARGIN` worse in the other. Only what is dominated goes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from realesrgan_arch.evaluation.composite import COMPOSITE, composite_of
from realesrgan_arch.evaluation.crossed import CrossedInterval, crossed_interval, mean_over_scenes
from realesrgan_arch.evaluation.evaluate import METRICS, Better, mean_of_defined
from realesrgan_arch.evaluation.paired import CONFIDENCE
from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.enough import Differences, Enough, what_would_tell
from realesrgan_arch.layer_study.scoring import Scores, difference
from realesrgan_arch.layer_study.short_run import ShortRun

PAIR = ("psnr", "niqe")
"""Fidelity and naturalness."""
MARGIN = 0.2
"""In steps of `METRICS`: 0.1 dB of PSNR, 0.1 of NIQE. Less is no harm that anyone would see."""
Relation = Literal["dominates", "is dominated", "trade-off", "cannot be told"]
Found = Mapping[str, CrossedInterval]
"""By metric, and the composite: one candidate less another."""


@dataclass(frozen=True)
class ProbeEvidence:
    """All scores of a probe."""

    base: Scores
    runs: Mapping[tuple[ShortRun, int], Scores]
    """By run and step."""
    scenes: Mapping[str, str]

    def of(self, candidate: Candidate, step: int) -> dict[int, Scores]:
        """Return the scores of a candidate after `step`, seed by seed."""
        return {run.seed: row for (run, at), row in self.runs.items() if run.candidate == candidate and at == step}

    def last_step(self, candidate: Candidate) -> int:
        """Return how far a candidate came."""
        return max((step for run, step in self.runs if run.candidate == candidate), default=0)

    def mean(self, candidate: Candidate, step: int, metric: str) -> float:
        """Return the mean over scenes and seeds; NaN where there is none."""
        rows = self.of(candidate, step).values()
        return mean_of_defined(mean_over_scenes(row[metric], self.scenes) for row in rows)

    def between(
        self, first: Candidate, second: Candidate | None, step: int, *, confidence: float = CONFIDENCE
    ) -> Found:
        """Return the first less the second, or less the base, after `step`, over the seeds that both have."""
        table = self.differences(first, second, step)
        return {
            metric: crossed_interval(by_seed, self.scenes, confidence=confidence) for metric, by_seed in table.items()
        }

    def differences(self, first: Candidate, second: Candidate | None, step: int) -> dict[str, Differences]:
        """Return the differences by metric (and the composite), seed and picture."""
        one = self.of(first, step)
        other = self.of(second, step) if second else dict.fromkeys(one, self.base)
        seeds = [seed for seed in one if seed in other]
        table = {
            metric: {seed: difference(one[seed][metric], other[seed][metric]) for seed in seeds} for metric in self.base
        }
        return {**table, COMPOSITE: {seed: self._composites(table, seed) for seed in seeds}}

    def what_would_tell(
        self, first: Candidate, second: Candidate, metric: str, *, steps: Sequence[int], confidence: float
    ) -> Enough:
        """Return what would tell two candidates apart in `metric` after the last of `steps`."""
        means = [(step, self.between(first, second, step)[metric].interval.mean) for step in steps]
        now = self.differences(first, second, steps[-1])[metric]
        return what_would_tell(now, self.scenes, confidence=confidence, means=means)

    def _composites(self, table: Mapping[str, Mapping[int, Mapping[str, float]]], seed: int) -> dict[str, float]:
        better: dict[str, Better] = {name: METRICS[name].better for name in PAIR}
        return {
            picture: composite_of({name: table[name][seed][picture] for name in PAIR}, better)
            for picture in table[PAIR[0]][seed]
        }


def relation(found: Found) -> Relation:
    """Return how the first of two stands to the second, by the pair; one half of it alone tells nothing."""
    if not all(found[name].interval.is_defined for name in PAIR):
        return "cannot be told"
    gains = [_gain(found[name], name) for name in PAIR]
    ahead, behind = any(low > 0 for low, _ in gains), any(high < 0 for _, high in gains)
    dominates = ahead and all(low > -MARGIN for low, _ in gains)
    dominated = behind and all(high < MARGIN for _, high in gains)
    if dominates != dominated:
        return "dominates" if dominates else "is dominated"
    return "trade-off" if ahead and behind else "cannot be told"


def best_first(evidence: ProbeEvidence, candidates: Sequence[Candidate], step: int) -> list[Candidate]:
    """Return the candidates by their mean composite against the base, the best first."""
    means = {one: evidence.between(one, None, step)[COMPOSITE].interval.mean for one in candidates}
    return sorted(candidates, key=lambda one: math.inf if math.isnan(means[one]) else -means[one])


def dominated(
    evidence: ProbeEvidence, candidates: Sequence[Candidate], step: int, *, confidence: float = CONFIDENCE
) -> dict[Candidate, Candidate]:
    """Return who goes after `step`, and by whom each is dominated: by one that stays, so that one always stays."""
    kept: list[Candidate] = []
    gone: dict[Candidate, Candidate] = {}
    for candidate in best_first(evidence, candidates, step):
        by = next(
            (
                one
                for one in kept
                if relation(evidence.between(one, candidate, step, confidence=confidence)) == "dominates"
            ),
            None,
        )
        if by is None:
            kept.append(candidate)
        else:
            gone[candidate] = by
    return gone


@dataclass(frozen=True)
class Decision:
    """What a probe comes to."""

    taken: Candidate
    """To go on with."""
    winner: bool
    """Whether it may be called the best."""
    words: str
    rivals: Mapping[Candidate, Enough]
    """Those that the one in front cannot be told from, and what would tell them from it in the composite."""


def decide(
    evidence: ProbeEvidence, left: Sequence[Candidate], costs: Mapping[Candidate, Cost], steps: Sequence[int]
) -> Decision:
    """Return the decision after the last of `steps`.

    One that dominates every other one is the winner; those that went earlier are compared where they went. Otherwise
    none is named, and of the one in front by the composite and those left that cannot be told from it the one that
    needs least memory is taken. The intervals are widened after Bonferroni over all that are compared.

    Args:
        evidence: all scores.
        left: that were not dominated on the way; at least one.
        costs: of all candidates.
        steps: the ends of the stages that were run.
    """
    front, *others = best_first(evidence, left, steps[-1])
    compared = [one for one in costs if one != front]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(compared))
    found = {one: evidence.between(front, one, evidence.last_step(one), confidence=confidence) for one in compared}
    if all(relation(row) == "dominates" for row in found.values()):
        return Decision(front, True, "it dominates every other candidate", {})
    rivals = {
        one: evidence.what_would_tell(front, one, COMPOSITE, steps=steps, confidence=confidence)
        for one in others
        if not found[one][COMPOSITE].interval.above_zero()
    }
    taken = min([front, *rivals], key=lambda one: (costs[one].peak_bytes, costs[one].parameters))
    return Decision(taken, False, _words(front, taken, others, rivals), rivals)


def _words(front: Candidate, taken: Candidate, others: Sequence[Candidate], rivals: Mapping[Candidate, Enough]) -> str:
    if rivals:
        share = "none" if len(rivals) == len(others) else "not all"
        told = f"no winner: {share} of the others that are left can be told from {front.label}, which is in front"
        return told if taken == front else f"{told}; {taken.label} needs least memory of those"
    if others:
        ahead = "is ahead of the others by fidelity and naturalness together, but not in both"
        return f"no winner in both: {front.label} {ahead}"
    return (
        f"no winner: the others went on the way, but not all beyond intervals that hold together; {front.label} is left"
    )


def _gain(found: CrossedInterval, metric: str) -> tuple[float, float]:
    """Return the interval in steps, turned so that above 0 is better."""
    low, high = found.interval.low / METRICS[metric].step, found.interval.high / METRICS[metric].step
    return (low, high) if METRICS[metric].better == "higher" else (-high, -low)
