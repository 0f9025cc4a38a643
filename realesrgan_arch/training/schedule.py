"""The learning rate as a pure function of the step: nothing to save, nothing to restore.

The rules are BasicSR's (`basicsr/models/lr_scheduler.py`, `base_model.update_learning_rate`), where the scheduler has
moved `step - 1` times when step `step` (counted from 1) runs.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class ConstantSchedule:
    """The base learning rate throughout."""

    def rate(self, step: int, base: float) -> float:
        """Return the learning rate of `step`."""
        del step
        return base


@dataclass(frozen=True)
class MultiStepSchedule:
    """The rate is multiplied by `gamma` after each milestone; a milestone named twice counts twice."""

    milestones: tuple[int, ...]
    gamma: float = 0.1

    def rate(self, step: int, base: float) -> float:
        """Return the learning rate of `step`."""
        passed = bisect_left(sorted(self.milestones), step)
        return base * self.gamma**passed


@dataclass(frozen=True)
class CosineRestartSchedule:
    """Cosine annealing with restarts (Loshchilov & Hutter, arXiv 1608.03983).

    After the last period the rate stays at its end.
    """

    periods: tuple[int, ...]
    restart_weights: tuple[float, ...] = (1.0,)
    eta_min: float = 0.0

    def rate(self, step: int, base: float) -> float:
        """Return the learning rate of `step`."""
        ends = list(accumulate(self.periods))
        moved = min(step - 1, ends[-1])
        index = bisect_left(ends, moved)
        progress = (moved - (ends[index] - self.periods[index])) / self.periods[index]
        swing = self.restart_weights[index] * 0.5 * (base - self.eta_min)
        return self.eta_min + swing * (1 + math.cos(math.pi * progress))


Schedule = ConstantSchedule | MultiStepSchedule | CosineRestartSchedule


def learning_rate(step: int, *, base: float, schedule: Schedule, warmup_steps: int = -1) -> float:
    """Return the learning rate of `step` (from 1): a linear rise over `warmup_steps`, then the schedule."""
    if step < warmup_steps:
        return base * step / warmup_steps
    return schedule.rate(step, base)
