"""Which ranges make synthetic low-quality pictures that are like given ones: compare, search, check on fresh draws.

Pictures are compared by the distributions of a few statistics (`statistics.py`), each by the Kolmogorov-Smirnov
distance, the largest difference between two cumulative distributions: 0 for equal ones, 1 where none overlaps.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realesrgan_arch.degradation.knobs import Knob, Position, turn
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.recipe import draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.degradation.statistics import STATISTICS, measure_all
from realesrgan_arch.images import Pixels, to_uint8
from realesrgan_arch.seeding import Stream

Samples = Mapping[str, NDArray[np.float64]]
"""The values of each statistic, one a picture."""

_KOLMOGOROV = 1.63
"""Two samples of n and m of one distribution are further apart than this times sqrt(1 / n + 1 / m) in 1 % of all cases.

Half of it is what the summed distance must fall by: with 48 crops, where that is 0.17, pictures that the preset itself
had made gained 0.09 by chance.
"""
_TURN_PENALTY = 0.03
"""What a change must win of the summed distance, so that the preset is left only for a reason."""


@dataclass(frozen=True)
class Comparison:
    """One statistic: quantiles 10, 50 and 90 % of both sides, and their distance in [0, 1]."""

    name: str
    yours: tuple[float, float, float]
    synthetic: tuple[float, float, float]
    distance: float
    share_above: float
    """Share of the synthetic pictures above your median."""
    chance: float
    """What chance alone may make of the distance of so many pictures."""


@dataclass(frozen=True)
class Found:
    """The best settings that a search met; `evaluations` counts how many it tried."""

    settings: DegradationSettings
    evaluations: int


def measure_pictures(pictures: Sequence[Pixels]) -> Samples:
    """Return the statistics of RGB uint8 pictures (H, W, 3)."""
    return _columns([measure_all(picture) for picture in pictures])


def measure_synthetic(crops: Sequence[Tensor], settings: DegradationSettings, *, scale: int, seed: int) -> Samples:
    """Return the statistics of what `settings` make of `crops` (3, H, W) in [0, 1]; each has a recipe of its own.

    The recipe of a crop depends on (seed, its place) only: other settings are tried with the same dice.
    """
    rows: list[dict[str, float]] = []
    for index, crop in enumerate(crops):
        recipe = draw_recipe(settings, seed=seed, step=index, batch_size=1, stream=Stream.MATCHING)
        with torch.no_grad():
            rows.append(measure_all(to_uint8(degrade(crop[None], recipe, scale=scale)[0])))
    return _columns(rows)


def compare(yours: Samples, synthetic: Samples) -> tuple[Comparison, ...]:
    """Return a comparison for each statistic."""
    return tuple(_compare(name, yours[name], synthetic[name]) for name in STATISTICS)


def total_distance(comparisons: Sequence[Comparison]) -> float:
    """Return the sum of the distances: 0 to the number of statistics."""
    return sum(comparison.distance for comparison in comparisons)


@dataclass
class Search:
    """A search along one knob after the other, with common random numbers (Brent 1973, chapter 7, for its limits).

    The first sweep tries every choice of a knob, later ones the neighbours of the best; it ends when a sweep finds
    nothing or after `budget` evaluations.
    """

    preset: DegradationSettings
    knobs: Sequence[Knob]
    distance: Callable[[DegradationSettings], float]
    budget: int = 60
    on_evaluation: Callable[[], object] = lambda: None
    _known: dict[Position, float] = field(default_factory=dict)

    def run(self) -> Found:
        """Search and return the best settings, the preset's own where nothing is better."""
        best = tuple(knob.start for knob in self.knobs)
        for is_first in (True, *(False,) * self.budget):
            before = best
            for place, knob in enumerate(self.knobs):
                best = min((best, *self._moves(best, place, knob, everywhere=is_first)), key=self._cost)
            if best == before or len(self._known) >= self.budget:
                break
        return Found(turn(self.preset, self.knobs, best), len(self._known))

    def _moves(self, position: Position, place: int, knob: Knob, *, everywhere: bool) -> Iterator[Position]:
        for choice in range(len(knob.choices)):
            if everywhere or abs(choice - position[place]) == 1:
                yield (*position[:place], choice, *position[place + 1 :])

    def _cost(self, position: Position) -> float:
        if position not in self._known:
            if len(self._known) >= self.budget:
                return float("inf")
            turned = sum(choice != knob.start for choice, knob in zip(position, self.knobs, strict=True))
            distance = self.distance(turn(self.preset, self.knobs, position))
            self._known[position] = distance + _TURN_PENALTY * turned
            self.on_evaluation()
        return self._known[position]


def _columns(rows: Sequence[Mapping[str, float]]) -> Samples:
    return {name: np.array([row[name] for row in rows]) for name in STATISTICS}


def _compare(name: str, yours: NDArray[np.float64], synthetic: NDArray[np.float64]) -> Comparison:
    mine, theirs = (tuple(float(value) for value in np.quantile(side, (0.1, 0.5, 0.9))) for side in (yours, synthetic))
    distance = _ks_distance(yours, synthetic)
    chance = _KOLMOGOROV * math.sqrt(1 / len(yours) + 1 / len(synthetic))
    return Comparison(name, _three(mine), _three(theirs), distance, float((synthetic > mine[1]).mean()), chance)


def _ks_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Largest difference between the shares of `a` and of `b` up to a value; scipy would compute a p-value as well."""
    values = np.concatenate((a, b))
    below_a, below_b = (np.searchsorted(np.sort(side), values, side="right") / len(side) for side in (a, b))
    return float(np.abs(below_a - below_b).max())


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    low, middle, high = values
    return low, middle, high
