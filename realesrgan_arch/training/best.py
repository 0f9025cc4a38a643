"""Which steps of a run scored best: in each metric, in the composite, and on the front of fidelity and naturalness."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.evaluate import METRICS, Better
from realesrgan_arch.training.pareto import Point, add_point

FIDELITY, NATURALNESS = "psnr", "niqe"
"""The axes of the front."""


@dataclass(frozen=True)
class Best:
    """The best score of a metric and when it was."""

    step: int
    value: float
    discarded: bool = False
    """The run went back behind this step: its weights are kept as the best, its checkpoint is gone."""


class BestTable:
    """The best steps of each validation set; equal scores leave the earlier one, NaN is never the best.

    Args:
        deciding: the set whose best steps are kept as checkpoints, and which has the front.
        better: for metrics of which it is not what `METRICS` says.
    """

    def __init__(self, deciding: str = "", better: Mapping[str, Better] | None = None) -> None:
        directions = {name: metric.better for name, metric in METRICS.items()} | dict(better or {})
        self._signs = {name: 1 if side == "higher" else -1 for name, side in directions.items()} | {COMPOSITE: 1}
        self._deciding = deciding
        self._best: dict[str, dict[str, Best]] = {}
        self._front: tuple[Point, ...] = ()

    def add(self, name: str, step: int, scores: Mapping[str, float]) -> None:
        """Take in the mean scores of `step` on the set `name`, the composite among them."""
        table = self._best.setdefault(name, {})
        for metric, value in scores.items():
            sign, best = self._signs[metric], table.get(metric)
            if math.isfinite(value) and (best is None or sign * value > sign * best.value):
                table[metric] = Best(step, value)
        if name == self._deciding and FIDELITY in scores and NATURALNESS in scores:
            self._front = add_point(self._front, self.point(step, scores))

    def point(self, step: int, scores: Mapping[str, float]) -> Point:
        """Return the place of mean scores, which have both axes, among the points of the front."""
        return Point(
            step,
            fidelity=self._signs[FIDELITY] * scores[FIDELITY],
            naturalness=self._signs[NATURALNESS] * scores[NATURALNESS],
        )

    def scores_of(self, point: Point) -> dict[str, float]:
        """Return the mean scores of a point of the front."""
        return {
            FIDELITY: self._signs[FIDELITY] * point.fidelity,
            NATURALNESS: self._signs[NATURALNESS] * point.naturalness,
        }

    def names(self) -> tuple[str, ...]:
        """Return the sets that have scores."""
        return tuple(self._best)

    def best(self, name: str) -> dict[str, Best]:
        """Return the best of each metric on the set `name`."""
        return dict(self._best.get(name, {}))

    def front(self) -> tuple[Point, ...]:
        """Return the points that no other dominates, by fidelity; empty where one of the axes is not measured."""
        return self._front

    def step_to_return_to(self) -> int | None:
        """Return the step of the best composite whose checkpoint is kept."""
        best = self._best.get(self._deciding, {}).get(COMPOSITE)
        return None if best is None or best.discarded else best.step

    def way_back(self) -> frozenset[int]:
        """Return the step to return to, if there is one, as all that must stay."""
        step = self.step_to_return_to()
        return frozenset() if step is None else frozenset({step})

    def steps_to_keep(self) -> frozenset[int]:
        """Return the steps whose checkpoints must stay: the best of the deciding set, and its front."""
        kept = {best.step for best in self._best.get(self._deciding, {}).values() if not best.discarded}
        return frozenset(kept | {point.step for point in self._front})

    def go_back(self, step: int) -> None:
        """Note that the checkpoints after `step` are gone; the best weights of a metric have files of their own."""
        for table in self._best.values():
            for metric, best in table.items():
                table[metric] = replace(best, discarded=best.discarded or best.step > step)
        self._front = tuple(point for point in self._front if point.step <= step)

    def forget_scores(self) -> None:
        """Start anew, as what comes now cannot be compared."""
        self._best, self._front = {}, ()

    def state_dict(self) -> dict[str, object]:
        """Return plain numbers and texts."""
        return {
            "best": {
                name: {metric: asdict(best) for metric, best in table.items()} for name, table in self._best.items()
            },
            "front": [asdict(point) for point in self._front],
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned."""
        self._best = {
            name: {metric: Best(**best) for metric, best in table.items()} for name, table in state["best"].items()
        }
        self._front = tuple(Point(**point) for point in state["front"])
