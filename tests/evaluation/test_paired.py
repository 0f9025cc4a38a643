"""Intervals of paired differences, against values computed by hand."""

import math

import pytest

from realesrgan_arch.evaluation.paired import paired_interval

FOUR = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}


def test_pictures_of_their_own_scenes_have_students_interval() -> None:
    # s = 1.290994, s / sqrt(4) = 0.645497, t(3 degrees, 0.975) = 3.182446
    interval = paired_interval(FOUR, {})
    assert interval.scenes == 4
    assert interval.mean == 2.5
    assert (interval.low, interval.high) == pytest.approx((0.445740, 4.554260), abs=1e-6)


def test_pictures_of_one_scene_count_together() -> None:
    # sums of residuals -2 and +2: sqrt((4 + 4) * 2 / 1) / 4 = 1, t(1 degree, 0.975) = 12.706205
    interval = paired_interval(FOUR, {"a": "villa", "b": "villa", "c": "barn", "d": "barn"})
    assert interval.scenes == 2
    assert (interval.low, interval.high) == pytest.approx((2.5 - 12.706205, 2.5 + 12.706205), abs=1e-6)


def test_numbers_that_are_not_finite_do_not_count() -> None:
    assert paired_interval({**FOUR, "e": math.nan, "f": math.inf}, {}) == paired_interval(FOUR, {})


@pytest.mark.parametrize("scenes", [{}, {"a": "villa", "b": "villa"}])
def test_one_scene_has_a_mean_and_no_interval(scenes) -> None:
    differences = {"a": 1.0, "b": 1.0} if scenes else {"a": 1.0}
    interval = paired_interval(differences, scenes)
    assert interval.mean == 1.0
    assert not interval.is_defined
    assert not interval.below_zero() and not interval.above_zero()


def test_without_a_picture_there_is_no_mean() -> None:
    assert math.isnan(paired_interval({"a": math.nan}, {}).mean)


def test_the_same_difference_everywhere_has_an_interval_of_no_width() -> None:
    interval = paired_interval({"a": -1.0, "b": -1.0}, {})
    assert (interval.low, interval.high) == (-1.0, -1.0)
    assert interval.below_zero()
