"""How many more scenes, seeds or steps would tell two candidates apart, if nothing else changes.

From the variance components of the table scenes x seeds (see `evaluation.crossed`), the variance of the mean of `n`
scenes and `m` seeds is foreseen as scene / n + seed / m + rest / (n m). The counts are those with which the difference,
as it is now, would be told in 80 of 100 studies; they rest on an estimate and say an order of size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from realesrgan_arch.evaluation.crossed import mean_squares, scene_table

_POWER = 0.8
_MOST = 1_000_000
"""Beyond this a count says no more than that it is out of reach."""

Differences = Mapping[int, Mapping[str, float]]
"""By seed, then by picture."""
_Spread = tuple[float, float, float]
"""Variances of scenes, of seeds and of the rest."""


@dataclass(frozen=True)
class Enough:
    """What would tell; None where no number would."""

    scenes: int | None
    """With as many seeds as now."""
    seeds: int | None
    """With as many scenes as now."""
    steps: int | None
    """If the difference goes on growing as between the last two stages."""

    def words(self) -> str:
        """Return a half sentence."""
        counts = {"scenes": self.scenes, "seeds": self.seeds, "steps a run": self.steps}
        found = [f"about {count:,} {name}" for name, count in counts.items() if count is not None]
        return " or ".join(found) if found else "no number of scenes, seeds or steps that could be named"


def what_would_tell(
    differences: Differences, scenes: Mapping[str, str], *, confidence: float, means: Sequence[tuple[int, float]]
) -> Enough:
    """Return what would tell the mean of `differences` from zero.

    Args:
        differences: of two candidates.
        scenes: the scene of each picture; a picture without one is a scene of its own.
        confidence: of the interval.
        means: the difference after each stage, as (steps, mean), the last one last.
    """
    table = scene_table(differences, scenes) if differences else np.empty((0, 0))
    if len(table) < 2:
        return Enough(None, None, None)
    spread, (count, seeds) = _components(table), table.shape
    mean = abs(float(table.mean()))
    return Enough(
        scenes=_least(lambda number: _told(spread, number, seeds, confidence) <= mean, more_than=count),
        seeds=_least(lambda number: _told(spread, count, number, confidence) <= mean, more_than=seeds)
        if seeds > 1
        else None,
        steps=_steps(means, needed=_told(spread, count, seeds, confidence)),
    )


def _told(spread: _Spread, count: int, seeds: int, confidence: float) -> float:
    """Return the difference that `count` scenes and `seeds` seeds tell in 80 of 100 studies; degrees of freedom are
    Satterthwaite's, as in `crossed_interval`."""
    scene, seed, rest = spread
    total = seeds * scene + count * seed + rest
    if total == 0:
        return 0.0
    squares = [(seeds * scene + rest, count - 1) if scene else (0.0, 1), (rest, (count - 1) * max(1, seeds - 1))]
    squares += [(count * seed + rest, seeds - 1)] if seed else []
    freedom = total**2 / sum(square**2 / free for square, free in squares)
    factor = float(stats.t.ppf((1 + confidence) / 2, freedom) + stats.t.ppf(_POWER, freedom))
    return factor * math.sqrt(total / (count * seeds))


def _least(is_enough: Callable[[int], bool], *, more_than: int) -> int | None:
    """Return the least number above `more_than` that is enough; None where none is that one could name."""
    low, high = more_than, more_than + 1
    while not is_enough(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _components(table: np.ndarray) -> _Spread:
    """Return the variances of scenes, of seeds and of the rest; with one seed the first two cannot be told apart."""
    count, seeds = table.shape
    scene, seed, rest = (square for square, _ in mean_squares(table).values())
    if seeds == 1:
        return scene, 0.0, 0.0
    return max(0.0, (scene - rest) / seeds), max(0.0, (seed - rest) / count), rest


def _steps(means: Sequence[tuple[int, float]], *, needed: float) -> int | None:
    if len(means) < 2:
        return None
    (before, first), (now, last) = means[-2:]
    growth = (abs(last) - abs(first)) / (now - before)
    if first * last <= 0 or growth <= 0:
        return None
    steps = now + (needed - abs(last)) / growth
    return math.ceil(steps) if now < steps < _MOST else None
