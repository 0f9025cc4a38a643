"""The front of fidelity and naturalness."""

import math

from realesrgan_arch.training.pareto import Point, add_point


def _front(*points: tuple[int, float, float], cap: int = 8) -> list[int]:
    front: tuple[Point, ...] = ()
    for point in points:
        front = add_point(front, Point(*point), cap=cap)
    return [point.step for point in front]


def test_only_points_that_no_other_dominates_stay_sorted_by_fidelity() -> None:
    assert _front((1, 24.0, -5.0), (2, 25.0, -6.0), (3, 24.5, -6.5), (4, 23.0, -4.0)) == [4, 1, 2]
    assert _front((1, 24.0, -5.0), (2, 25.0, -6.0), (3, 25.0, -5.0)) == [3]


def test_of_two_equal_points_the_earlier_one_stays() -> None:
    assert _front((1, 24.0, -5.0), (2, 24.0, -5.0)) == [1]


def test_a_point_as_good_on_one_axis_and_worse_on_the_other_is_dominated() -> None:
    assert _front((1, 24.0, -5.0), (2, 24.0, -5.1)) == [1]
    assert _front((2, 24.0, -5.1), (1, 24.0, -5.0)) == [1]


def test_a_score_that_is_not_a_number_is_on_no_front() -> None:
    assert _front((1, math.nan, -5.0), (2, 24.0, math.nan), (3, math.inf, -1.0)) == []


def test_a_step_that_is_scored_again_replaces_itself() -> None:
    assert _front((1, 24.0, -5.0), (1, 23.0, -6.0)) == [1]


def test_a_full_front_keeps_its_ends_and_loses_the_most_crowded_point() -> None:
    # Between 0 and 10 the gaps around 1.0 and 1.2 are the smallest: 1.2 has 1.0 and 5.0 beside it, 1.0 has 0.0 and 1.2.
    line = [(step, place, -place) for step, place in enumerate([0.0, 10.0, 5.0, 1.0, 1.2])]
    assert _front(*line, cap=4) == [0, 4, 2, 1]
