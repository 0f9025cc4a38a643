"""Mean differences on the same pictures, with a 95 % interval.

The interval is Student's t for paired differences, with the cluster-robust variance of Liang and Zeger ("Longitudinal
data analysis using generalized linear models", Biometrika 1986): pictures of one scene are alike, so scenes are what is
counted. Where each picture is a scene of its own it is the ordinary paired t interval. See also Cameron and Miller, "A
practitioner's guide to cluster-robust inference" (Journal of Human Resources 2015), for the factor G / (G - 1).
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

CONFIDENCE = 0.95
_FEWEST_SCENES = 2


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


def paired_interval(differences: Mapping[str, float], scenes: Mapping[str, str]) -> Interval:
    """Return the mean of `differences` and its 95 % interval over scenes.

    Args:
        differences: by the name of the picture; those that are not finite do not count.
        scenes: the scene of each picture; a picture without one is a scene of its own.
    """
    finite = {name: value for name, value in differences.items() if math.isfinite(value)}
    if not finite:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = math.fsum(finite.values()) / len(finite)
    groups: dict[str, list[float]] = defaultdict(list)
    for name, value in finite.items():
        groups[scenes.get(name, name)].append(value - mean)
    count = len(groups)
    if count < _FEWEST_SCENES:
        return Interval(mean, math.nan, math.nan, count)
    squares = math.fsum(math.fsum(group) ** 2 for group in groups.values())
    error = math.sqrt(squares * count / (count - 1)) / len(finite)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return Interval(mean, mean - reach, mean + reach, count)
