"""The checkpoints that no other beats in fidelity and naturalness at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CAP = 8
"""Most points that are kept."""


@dataclass(frozen=True)
class Point:
    """A checkpoint on two axes; on both, higher is better."""

    step: int
    fidelity: float
    naturalness: float

    def dominates(self, other: "Point") -> bool:
        """Return whether this is as good on both axes and better on one."""
        mine, its = (self.fidelity, self.naturalness), (other.fidelity, other.naturalness)
        return mine != its and all(a >= b for a, b in zip(mine, its, strict=True))


def add_point(front: Sequence[Point], point: Point, *, cap: int = CAP) -> tuple[Point, ...]:
    """Return the front with `point`, if no point of it is as good, and without those that `point` dominates.

    Of more than `cap` points, that one is left out whose neighbours are nearest (the crowding distance of Deb et al.,
    "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEVC 2002), never an end.

    Args:
        front: sorted by fidelity.
        point: replaces one of its step; one that is not finite does not count.
        cap: at least 2.
    """
    others = [kept for kept in front if kept.step != point.step]
    if not (math.isfinite(point.fidelity) and math.isfinite(point.naturalness)):
        return tuple(others)
    same = (point.fidelity, point.naturalness)
    if any(kept.dominates(point) or (kept.fidelity, kept.naturalness) == same for kept in others):
        return tuple(others)
    grown = [point, *(kept for kept in others if not point.dominates(kept))]
    return _thinned(sorted(grown, key=lambda kept: kept.fidelity), cap)


def _thinned(points: list[Point], cap: int) -> tuple[Point, ...]:
    while len(points) > cap:
        del points[min(range(1, len(points) - 1), key=lambda index: _crowding(points, index))]
    return tuple(points)


def _crowding(points: Sequence[Point], index: int) -> float:
    first, last, before, after = points[0], points[-1], points[index - 1], points[index + 1]
    # Along a front one axis rises while the other falls, so neither range is zero.
    along = (after.fidelity - before.fidelity) / (last.fidelity - first.fidelity)
    return along + (before.naturalness - after.naturalness) / (first.naturalness - last.naturalness)
