"""Mean differences between two trained variants, with an interval over scenes and over training seeds at once.

Both variants are trained with each seed and scored on each scene, so the differences fill a table `scenes x seeds`. An
interval over scenes alone speaks of these very networks only: another seed gives others. With both as samples,

    difference = mean + scene + seed + rest,

the variance of the mean is (MS_scene + MS_seed - MS_rest) / (scenes * seeds) by the mean squares of the two-way
analysis of variance: Clark, "The language-as-fixed-effect fallacy" (Journal of Verbal Learning and Verbal Behavior
1973). Degrees of freedom are Satterthwaite's ("An approximate distribution of estimates of variance components",
Biometrics Bulletin 1946). A share of variance that comes out below zero counts as zero,
and where both do the rest alone decides.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from realesrgan_arch.evaluation.paired import CONFIDENCE, Interval

_FEWEST_SCENES = 2


@dataclass(frozen=True)
class CrossedInterval:
    """A mean difference and how sure it is."""

    interval: Interval
    """Over scenes and seeds; with one seed, over scenes alone."""
    by_seed: Mapping[int, float]
    """The mean over the scenes, seed by seed."""

    @property
    def bounds(self) -> tuple[float, float, float]:
        """The mean and both ends of the interval."""
        return self.interval.mean, self.interval.low, self.interval.high

    @property
    def verdict(self) -> str:
        """Whether the mean can be told from zero, in words."""
        if not self.interval.is_defined:
            return "no interval: two scenes are needed"
        is_apart = self.interval.above_zero() or self.interval.below_zero()
        words = "can be told from zero" if is_apart else "cannot be told from zero"
        return words if len(self.by_seed) > 1 else f"{words} with this one seed"


def crossed_interval(
    differences: Mapping[int, Mapping[str, float]], scenes: Mapping[str, str], *, confidence: float = CONFIDENCE
) -> CrossedInterval:
    """Return the mean of `differences` over scenes and seeds; each scene counts once, however many pictures it has.

    Args:
        differences: by seed, then by the name of the picture; one that is not finite for each seed does not count.
        scenes: the scene of each picture; a picture without one is a scene of its own.
        confidence: of the interval.

    Raises:
        ValueError: no seed.
    """
    if not differences:
        raise ValueError("expected the differences of at least one seed, got none")
    seeds = list(differences)
    table = scene_table(differences, scenes)
    if not table.size:
        return CrossedInterval(Interval(math.nan, math.nan, math.nan, 0), dict.fromkeys(seeds, math.nan))
    mean, count = float(table.mean()), len(table)
    by_seed = dict(zip(seeds, map(float, table.mean(axis=0)), strict=True))
    if count < _FEWEST_SCENES:
        return CrossedInterval(Interval(mean, math.nan, math.nan, count), by_seed)
    reach = _reach(table, confidence)
    return CrossedInterval(Interval(mean, mean - reach, mean + reach, count), by_seed)


def mean_over_scenes(values: Mapping[str, float], scenes: Mapping[str, str]) -> float:
    """Return the mean of scores in which each scene counts once, as in `crossed_interval`; NaN where there is none."""
    table = scene_table({0: values}, scenes)
    return float(table.mean()) if table.size else math.nan


def scene_table(differences: Mapping[int, Mapping[str, float]], scenes: Mapping[str, str]) -> np.ndarray:
    """Return the mean differences, one row a scene and one column a seed (at least one); see `crossed_interval`."""
    seeds = list(differences)
    groups: dict[str, list[list[float]]] = defaultdict(list)
    for name in differences[seeds[0]]:
        row = [differences[seed].get(name, math.nan) for seed in seeds]
        if all(map(math.isfinite, row)):
            groups[scenes.get(name, name)].append(row)
    return np.array([np.mean(rows, axis=0) for rows in groups.values()])


def _reach(table: np.ndarray, confidence: float) -> float:
    """Return half the width of the interval."""
    squares = mean_squares(table)
    scene, seed, rest = squares["scene"][0], squares["seed"][0], squares["rest"][0]
    larger = [name for name in ("scene", "seed") if squares[name][0] > rest]
    counted = [*larger, "rest"] if len(larger) > 1 else larger or ["rest"]
    variance = scene + seed - rest if len(larger) > 1 else squares[counted[0]][0]
    if variance == 0:
        return 0.0
    freedom = variance**2 / sum(square**2 / free for square, free in (squares[name] for name in counted))
    return float(scipy.stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(variance / table.size)


def mean_squares(table: np.ndarray) -> dict[str, tuple[float, int]]:
    """Return the mean square of each source of variance and its degrees of freedom; one seed has no spread."""
    scenes, seeds = table.shape
    mean, of_scene, of_seed = table.mean(), table.mean(axis=1), table.mean(axis=0)
    rest = table - of_scene[:, None] - of_seed[None] + mean
    sums = {
        "scene": (seeds * np.square(of_scene - mean).sum(), scenes - 1),
        "seed": (scenes * np.square(of_seed - mean).sum(), seeds - 1),
        "rest": (np.square(rest).sum(), (scenes - 1) * (seeds - 1)),
    }
    return {name: (float(total) / max(free, 1), max(free, 1)) for name, (total, free) in sums.items()}
