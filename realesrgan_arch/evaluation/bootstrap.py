"""95 % intervals of mean differences by the bootstrap over scenes.

Scenes are drawn with replacement 10,000 times, and with each draw its own standard error: the symmetric bootstrap-t
(Hall, "On symmetric bootstrap confidence intervals", Journal of the Royal Statistical Society B 1988; for clusters:
Cameron, Gelbach and Miller, "Bootstrap-based improvements for inference with clustered errors", Review of Economics and
Statistics 2008). It was chosen by measurement: the share of made-up studies whose nominal 95 % interval holds the
truth, by `scripts/simulate_intervals.py --trials 1000 --draws 999` (a share is sure to 0.007; log-normal differences of
skewness 3.7; Student's t with 3 degrees of freedom; 1 to 12 alike pictures a scene):

    differences  scenes  Student's t  percentile  BCa    bootstrap-t  symmetric bootstrap-t
    normal       5       0.954        0.840       0.832  0.952        0.978
    skewed       5       0.869        0.755       0.767  0.909        0.918
    outliers     5       0.959        0.823       0.796  0.946        0.981
    clustered    5       0.919        0.823       0.816  0.926        0.946
    normal       20      0.953        0.928       0.926  0.949        0.955
    skewed       20      0.909        0.884       0.885  0.926        0.925
    outliers     20      0.965        0.919       0.892  0.927        0.972
    clustered    20      0.934        0.912       0.905  0.939        0.953
    normal       100     0.954        0.947       0.944  0.951        0.953
    skewed       100     0.931        0.922       0.914  0.929        0.939
    outliers     100     0.957        0.943       0.932  0.940        0.961
    clustered    100     0.944        0.944       0.935  0.940        0.946

Percentile and BCa intervals of few scenes are too short. Only this one never falls below 0.91. Where the
differences are very skewed it still falls short of 95 %, and claims are false in 7 of 100 studies of 20 scenes instead
of 5. It costs width with 5 scenes (3.3 instead of Student's 2.3 standard deviations), and hardly any with 20.
"""

from collections.abc import Iterator

import numpy as np
from scipy import special

from realesrgan_arch.evaluation.paired import CONFIDENCE, Interval, SceneSums
from realesrgan_arch.seeding import Stream, numpy_generator

DRAWS = 10_000
FEWEST_TO_DRAW = 5
"""Of fewer scenes too many draws are one scene only, which has no spread."""
WIDEST = 2.0
"""Times Student's t: where one of a few scenes holds most of the spread, draws without it have hardly any, and an
interval would be several times as wide as all differences are apart. Of the made-up studies above, and of as many of 7
and 10 scenes (700 trials), this takes at most 0.008 of the shares (skewed, 5 scenes), and nothing from 10 scenes on."""
_AT_ONCE = 2**21
_FEWEST_SCENES = 2


def mean_intervals(table: SceneSums, *, seed: int, draws: int = DRAWS) -> list[Interval]:
    """Return the mean and the 95 % interval of each column of `table`.

    With two to four scenes the bounds are Student's t; with one there are none.

    Args:
        table: differences by scene.
        seed: of the draws; columns that are defined in the same scenes share them.
        draws: how many.
    """
    intervals = [Interval(np.nan, np.nan, np.nan, 0)] * table.sums.shape[1]
    for columns, alike in table.alike():
        count = len(alike.sums)
        if count == 0:
            continue
        reaches = _reaches(alike, seed, draws) if count >= _FEWEST_SCENES else np.full(len(columns), np.nan)
        for column, mean, reach in zip(columns, alike.means, reaches, strict=True):
            intervals[column] = Interval(float(mean), float(mean - reach), float(mean + reach), count)
    return intervals


def student_factor(count: int) -> float:
    """Return how many standard errors a 95 % interval over `count` scenes reaches by Student's t."""
    return float(special.stdtrit(count - 1, (1 + CONFIDENCE) / 2))


def draw_counts(scenes: int, *, seed: int, draws: int) -> Iterator[np.ndarray]:
    """Yield how often each scene is drawn, float64 `(some draws, scenes)`, in parts that fit into memory."""
    generator = numpy_generator(seed, Stream.STATISTICS, 0)
    most = max(1, _AT_ONCE // scenes)
    for start in range(0, draws, most):
        rows = min(most, draws - start)
        drawn = generator.integers(0, scenes, (rows, scenes), dtype=np.int32)
        drawn += np.arange(0, rows * scenes, scenes, dtype=np.int32)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * scenes).reshape(rows, scenes).astype(np.float64)


def _reaches(table: SceneSums, seed: int, draws: int) -> np.ndarray:
    """Return half the width of each column's interval."""
    errors, student = table.errors, student_factor(len(table.sums))
    if len(table.sums) < FEWEST_TO_DRAW:
        return errors * student
    factors = np.sort(np.abs(_studentised(table, seed, draws)), axis=0)[int(np.ceil(CONFIDENCE * draws)) - 1]
    # Where most scenes agree to the last digit, many draws have no spread.
    return errors * np.where(np.isfinite(factors), np.minimum(factors, WIDEST * student), student)


def _studentised(table: SceneSums, seed: int, draws: int) -> np.ndarray:
    """Return the deviations `(draws, columns)` of the means of draws in their own standard errors."""
    residuals, pictures = table.residuals, table.pictures
    parts = np.hstack([residuals, pictures, residuals**2, residuals * pictures, pictures**2])
    # Each draw's mean and standard error are sums over scenes, so that one product of matrices gives all of them.
    sums = np.concatenate([counts @ parts for counts in draw_counts(len(residuals), seed=seed, draws=draws)])
    total, drawn, squares, crossed, sizes = np.split(sums, 5, axis=1)
    shift = total / drawn
    count = len(residuals)
    variance = np.maximum(squares - 2 * shift * crossed + shift**2 * sizes, 0) * count / (count - 1) / drawn**2
    floor = (_NO_SPREAD * table.errors) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        deviations = np.where(variance > floor, shift / np.sqrt(variance), np.copysign(np.inf, shift))
    return np.where(shift == 0, 0.0, deviations)


_NO_SPREAD = 1e-6
"""In standard errors: less is rounding."""
