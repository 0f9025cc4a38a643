"""Differences of two methods on the same pictures, summed up by scene.

Pictures of one scene are alike, so scenes are what is counted: everything that judges (`bootstrap`, `significance`)
sees one sum and one number of pictures for each scene. The mean difference stays that over pictures, the one that a
table of means shows. The spread of that mean is cluster-robust: Liang and Zeger, "Longitudinal data analysis using
generalized linear models" (Biometrika 1986), with the factor G / (G - 1) of Cameron and Miller, "A practitioner's
guide to cluster-robust inference" (Journal of Human Resources 2015). Where each picture is a scene of its own it is
the ordinary standard error of paired differences.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from realesrgan_arch.evaluation.evaluate import ImageScore

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds within which the true mean lies with 95 % confidence."""

    mean: float
    """NaN where there is no picture."""
    low: float
    """NaN, as `high`, where there are fewer than two scenes."""
    high: float
    scenes: int

    @property
    def is_defined(self) -> bool:
        """Whether there are bounds."""
        return not math.isnan(self.low)

    def below_zero(self) -> bool:
        """Return whether the whole interval is; never where it is not defined."""
        return self.high < 0

    def above_zero(self) -> bool:
        """Return whether the whole interval is; never where it is not defined."""
        return self.low > 0


@dataclass(frozen=True)
class SceneSums:
    """The differences of several columns (metrics), one row a scene."""

    sums: np.ndarray
    """(scenes, columns), float64."""
    pictures: np.ndarray
    """(scenes, columns), float64: how many finite differences each sum has."""

    @property
    def means(self) -> np.ndarray:
        """(columns,): over the pictures."""
        return self.sums.sum(axis=0) / self.pictures.sum(axis=0)

    @property
    def residuals(self) -> np.ndarray:
        """(scenes, columns): what each sum is above that of as many average pictures."""
        return self.sums - self.means * self.pictures

    @property
    def errors(self) -> np.ndarray:
        """(columns,): cluster-robust standard errors of the means; at least two scenes.

        A spread that is no more than rounding of the sums counts as none.
        """
        count = len(self.sums)
        errors = np.sqrt(np.square(self.residuals).sum(axis=0) * count / (count - 1)) / self.pictures.sum(axis=0)
        return np.where(errors > _DUST * np.abs(self.means), errors, 0.0)

    def alike(self) -> Iterator[tuple[np.ndarray, "SceneSums"]]:
        """Yield the columns that are defined in the same scenes, with their numbers, in those scenes alone."""
        defined = self.pictures > 0
        patterns, which = np.unique(defined.T, axis=0, return_inverse=True)
        for index, rows in enumerate(patterns):
            columns = np.flatnonzero(which.ravel() == index)
            yield columns, SceneSums(self.sums[np.ix_(rows, columns)], self.pictures[np.ix_(rows, columns)])


_DUST = 1e-12
Differences = dict[str, dict[str, float]]
"""By picture, then metric."""


def paired_differences(scores: Iterable[ImageScore], against: Iterable[ImageScore]) -> Differences:
    """Return the scores of one method less those of another; pictures that only one of them has do not count."""
    reference = {score.name: score.values for score in against}
    return {
        score.name: {
            name: _difference(value, reference[score.name][name])
            for name, value in score.values.items()
            if name in reference[score.name]
        }
        for score in scores
        if score.name in reference
    }


def sum_by_scene(
    differences: Mapping[str, Mapping[str, float]], columns: Sequence[str], scenes: Mapping[str, str]
) -> SceneSums:
    """Return the sums of `columns` by scene; differences that are not finite do not count.

    Args:
        differences: by picture, then column.
        columns: their order.
        scenes: the scene of each picture; a picture without one is a scene of its own.
    """
    of_picture = [scenes.get(picture, picture) for picture in differences]
    row_of = {scene: index for index, scene in enumerate(dict.fromkeys(of_picture))}
    rows = np.array([row_of[scene] for scene in of_picture], np.intp)
    values = np.array([[row.get(name, math.nan) for name in columns] for row in differences.values()], np.float64)
    values = values.reshape(len(rows), len(columns))
    finite = np.isfinite(values)
    sums, pictures = (np.zeros((len(row_of), len(columns))) for _ in range(2))
    np.add.at(sums, rows, np.where(finite, values, 0.0))
    np.add.at(pictures, rows, finite.astype(np.float64))
    return SceneSums(sums, pictures)


def _difference(value: float, reference: float) -> float:
    """Two pictures that both equal the truth have no difference, though infinity less infinity is no number."""
    return 0.0 if value == reference else value - reference
