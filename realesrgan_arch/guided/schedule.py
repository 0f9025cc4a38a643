"""From the costs that a dry run has measured to a schedule that fits the hours."""

from realesrgan_arch.dry_run_report import Cost
from realesrgan_arch.guided.option_file import Schedule
from realesrgan_arch.guided.request import GuidedError

MOST_VALIDATIONS = 8
_VALIDATING_SHARE = 0.2
"""Of the time at most, as long as there are several validations."""
_FEWEST_STEPS = 10
"""Between two validations: fewer change little."""
_LONG_RUN = 3000
"""Steps from which on an average over a thousand of them is mostly of the tuned model."""


def schedule_for_hours(cost: Cost, hours: float) -> Schedule:
    """Return as many steps as fit into `hours` beside their validations and checkpoints, with 1 to 8 validations.

    Args:
        cost: of a dry run; only the times of single things count.
        hours: of training.

    Raises:
        GuidedError: not even one validation after ten steps fits.
    """
    seconds, each, opening = hours * 3600, _each_s(cost), _opening_s(cost)
    needed = opening + each + _FEWEST_STEPS * cost.step_s
    if seconds < needed:
        raise GuidedError(
            f"--hours: expected at least {_rounded_up(needed / 3600)}, the time of {_FEWEST_STEPS} steps and one "
            f"validation on this machine, got {hours:g}; give more, or fewer photographs"
        )
    rounds = max(1, min(MOST_VALIDATIONS, int(_VALIDATING_SHARE * seconds / each)))
    while rounds > 1 and _steps_each(cost, seconds, rounds) < _FEWEST_STEPS:
        rounds -= 1
    steps = _steps_each(cost, seconds, rounds)
    return _schedule(steps * rounds, steps)


def schedule_for_steps(steps: int) -> Schedule:
    """Return `steps` steps with up to 8 validations, the last one at the end."""
    rounds = max(1, min(MOST_VALIDATIONS, steps // _FEWEST_STEPS))
    return _schedule(steps, -(-steps // rounds))


def _schedule(total_iter: int, val_freq: int) -> Schedule:
    return Schedule(total_iter, val_freq, ema_decay=0.999 if total_iter >= _LONG_RUN else 0.99)


def projected_seconds(cost: Cost, schedule: Schedule) -> float:
    """Return how long a run with this schedule takes."""
    rounds = -(-schedule.total_iter // schedule.val_freq)
    return _opening_s(cost) + schedule.total_iter * cost.step_s + rounds * _each_s(cost)


def _opening_s(cost: Cost) -> float:
    """What the first step takes longer than others, and the scores of the base."""
    return max(0.0, cost.first_step_s - cost.step_s) + cost.pictures_per_scored * cost.base_s


def _each_s(cost: Cost) -> float:
    """One validation with its checkpoint."""
    return max(1e-9, cost.pictures_per_scored * cost.validation_s + cost.saving_s)


def _steps_each(cost: Cost, seconds: float, rounds: int) -> int:
    left = seconds - _opening_s(cost) - rounds * _each_s(cost)
    return int(left / max(cost.step_s, 1e-9) / rounds)


def _rounded_up(hours: float) -> str:
    return f"{hours * 1.05 + 0.0005:.3f}"
