"""Hours become steps: numbers by hand."""

import pytest

from realesrgan_arch.dry_run_report import Cost
from realesrgan_arch.guided.option_file import Schedule
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.schedule import projected_seconds, schedule_for_hours, schedule_for_steps

COST = Cost(
    steps=8000, first_step_s=3.0, step_s=0.5, validations=8, pictures_per_scored=2.0, base_s=4.0, validation_s=5.0,
    saves=8, saving_s=2.0, kept=4, checkpoint_bytes=1, peak_bytes=1,
)  # fmt: skip
"""Opening 2.5 + 8 = 10.5 s; a validation with its checkpoint 12 s."""


def test_an_hour_is_filled_with_steps_beside_eight_validations() -> None:
    schedule = schedule_for_hours(COST, 1.0)
    # (3600 - 10.5 - 96) / 0.5 = 6987 steps, 873 to each of 8 validations
    assert schedule == Schedule(total_iter=8 * 873, val_freq=873, ema_decay=0.999)
    assert 3590 < projected_seconds(COST, schedule) <= 3600


def test_validations_take_a_fifth_of_a_short_time_at_most() -> None:
    # 0.2 * 180 / 12 = 3 validations; (180 - 10.5 - 36) / 0.5 / 3 = 89 steps
    assert schedule_for_hours(COST, 0.05) == Schedule(267, 89, ema_decay=0.99)


def test_slow_steps_take_validations_away() -> None:
    slow = Cost(**{**COST.__dict__, "step_s": 20.0, "first_step_s": 20.0})
    schedule = schedule_for_hours(slow, 1.0)
    # 8 validations would leave 21 steps each, which is enough; at 60 s a step only 4 leave ten
    assert schedule == Schedule(168, 21, ema_decay=0.99)
    slower = Cost(**{**COST.__dict__, "step_s": 60.0, "first_step_s": 60.0})
    assert schedule_for_hours(slower, 1.0) == Schedule(55, 11, ema_decay=0.99)


def test_too_few_hours_for_one_validation_say_how_many_it_takes() -> None:
    # 10.5 + 12 + 10 * 0.5 = 27.5 s = 0.00764 h
    with pytest.raises(GuidedError, match=r"--hours: expected at least 0\.009, .*got 0\.005"):
        schedule_for_hours(COST, 0.005)
    assert schedule_for_hours(COST, 0.009).total_iter >= 10


def test_the_hours_that_the_sentence_names_are_enough() -> None:
    with pytest.raises(GuidedError) as raised:
        schedule_for_hours(COST, 0.001)
    named = float(str(raised.value).split("at least ")[1].split(",")[0])
    assert schedule_for_hours(COST, named).total_iter >= 10


@pytest.mark.parametrize(
    ("steps", "val_freq"), [(1, 1), (12, 12), (20, 10), (25, 13), (80, 10), (1000, 125), (8001, 1001)]
)
def test_a_number_of_steps_is_kept_to_with_at_most_eight_validations(steps, val_freq) -> None:
    schedule = schedule_for_steps(steps)
    assert (schedule.total_iter, schedule.val_freq) == (steps, val_freq)


def test_the_average_is_short_in_short_runs() -> None:
    assert [schedule_for_steps(steps).ema_decay for steps in (100, 2999, 3000)] == [0.99, 0.99, 0.999]
