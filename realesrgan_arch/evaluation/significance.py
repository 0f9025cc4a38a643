"""Tests of mean differences by sign flips, corrected for several metrics, and what so many scenes could have shown.

Were two methods alike, each scene's difference could as well have had the other sign: the p-value is the share of sign
patterns whose mean is at least as far from zero (Fisher, "The Design of Experiments", 1935, section 21; Good,
"Permutation, Parametric and Bootstrap Tests of Hypotheses", 2005). Scenes flip as wholes, as their pictures are alike.
All patterns of five scenes together cannot make a p-value of 0.05, and with several metrics it takes more of them:
`fewest_to_claim`. Nothing is claimed below.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import scipy

from realesrgan_arch.evaluation.bootstrap import DRAWS
from realesrgan_arch.evaluation.paired import CONFIDENCE, SceneSums
from realesrgan_arch.seeding import Stream, numpy_generator

LEVEL = 1 - CONFIDENCE
POWER = 0.8
FEWEST_TO_CLAIM = 6
"""Of one metric alone; see `fewest_to_claim`."""
_MOST_TO_COUNT_OUT = 14
"""Scenes whose 8,192 patterns, up to an overall sign, are all looked at."""
_AT_ONCE = 2**21
_ROUNDING = 1e-9


def sign_flip_p_values(table: SceneSums, *, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Return the two-sided p-value of each column of `table`, NaN where it has no picture.

    Args:
        table: differences by scene.
        seed: of the flips, where there are too many patterns to look at all of them.
        draws: how many patterns are drawn then.
    """
    p_values = np.full(table.sums.shape[1], np.nan)
    for columns, alike in table.alike():
        if len(alike.sums):
            p_values[columns] = _p_values(alike.sums, seed, draws)
    return p_values


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number; NaN stays and does not count.

    Holm, "A simple sequentially rejective multiple test procedure" (Scandinavian Journal of Statistics 1979).
    """
    values = np.asarray(p_values, np.float64)
    adjusted = values.copy()
    order = [index for index in np.argsort(values) if not np.isnan(values[index])]
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * values[index]))
        adjusted[index] = largest
    return adjusted.tolist()


def fewest_to_claim(metrics: int) -> int:
    """Return how many scenes it takes until the first of so many metrics can be claimed: 6 for one, 7 for three.

    The smallest p-value is that of the two patterns of one sign, 2 / 2^scenes, and Holm multiplies it by `metrics`.
    """
    return next(scenes for scenes in itertools.count(1) if max(metrics, 1) * 2 / 2**scenes <= LEVEL)


def detectable_differences(table: SceneSums, *, metrics: int = 1) -> np.ndarray:
    """Return which true difference in each column so many scenes show in 80 of 100 trials.

    It is that of a paired t test at 0.05 / `metrics`, as Holm asks of the first: standard error times (t(0.975) +
    t(0.8)) for one metric; see Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988). NaN with fewer
    scenes than `fewest_to_claim`. Of made-up studies of one metric (`scripts/simulate_intervals.py`) 65 to 76 in 100
    found it with 20 scenes, 71 to 80 with 100.

    Args:
        table: differences by scene.
        metrics: for how many the p-values are corrected.
    """
    found = np.full(table.sums.shape[1], np.nan)
    fewest, level = fewest_to_claim(metrics), LEVEL / max(metrics, 1)
    for columns, alike in table.alike():
        count = len(alike.sums)
        if count >= fewest:
            found[columns] = alike.errors * scipy.stats.t.ppf([1 - level / 2, POWER], count - 1).sum()
    return found


def win_rates(table: SceneSums) -> np.ndarray:
    """Return the share of scenes whose mean difference is above zero, a tie counting half; NaN without a scene."""
    defined = table.pictures > 0
    wins = np.where(defined, (np.sign(table.sums) + 1) / 2, 0.0).sum(axis=0)
    counts = defined.sum(axis=0)
    return np.where(counts > 0, wins / np.maximum(counts, 1), np.nan)


def _p_values(sums: np.ndarray, seed: int, draws: int) -> np.ndarray:
    scenes = len(sums)
    observed = np.abs(sums.sum(axis=0)) - _ROUNDING * np.abs(sums).sum(axis=0)
    is_whole = scenes <= _MOST_TO_COUNT_OUT
    patterns = _all_patterns(scenes) if is_whole else _drawn_patterns(scenes, seed, draws)
    as_far = np.zeros(sums.shape[1])
    count = 0
    for flipped in patterns:
        # A flip takes a scene's sum away twice.
        as_far += (np.abs(sums.sum(axis=0) - 2 * (flipped @ sums)) >= observed).sum(axis=0)
        count += len(flipped)
    # The pattern that was observed is one of those that could have been drawn.
    return as_far / count if is_whole else (as_far + 1) / (count + 1)


def _all_patterns(scenes: int) -> Iterator[np.ndarray]:
    """Yield each pattern once, 1 where a scene is flipped; the last scene never is, as only distances count."""
    numbers = np.arange(2 ** (scenes - 1))
    yield ((numbers[:, None] >> np.arange(scenes)) & 1).astype(np.float64)


def _drawn_patterns(scenes: int, seed: int, draws: int) -> Iterator[np.ndarray]:
    generator = numpy_generator(seed, Stream.STATISTICS, 1)
    most = max(1, _AT_ONCE // scenes)
    for start in range(0, draws, most):
        shape = (min(most, draws - start), -(-scenes // 8))
        bits = generator.integers(0, 256, shape, dtype=np.uint8)
        yield np.unpackbits(bits, axis=1, count=scenes).astype(np.float64)
