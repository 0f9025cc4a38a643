"""Intervals over scenes and seeds at once, against values computed by hand and against simulated studies."""

import math

import numpy as np
import pytest

from realesrgan_arch.evaluation.bootstrap import student_factor
from realesrgan_arch.evaluation.crossed import crossed_interval

TABLE = {0: {"a": 1.0, "b": 2.0, "c": 3.0}, 7: {"a": 3.0, "b": 6.0, "c": 9.0}}
APART, NOT_APART = "can be told from zero", "cannot be told from zero"


def test_scenes_and_seeds_both_widen_the_interval() -> None:
    # mean squares: scenes 16 / 2 = 8, seeds 24 / 1 = 24, rest 4 / 2 = 2; variance (8 + 24 - 2) / 6 = 5
    # degrees of freedom 30^2 / (8^2 / 2 + 24^2 / 1 + 2^2 / 2) = 900 / 610, t = 6.159129
    found = crossed_interval(TABLE, {})
    assert found.interval.mean == 4.0
    reach = 6.159129 * math.sqrt(5)
    assert (found.interval.low, found.interval.high) == pytest.approx((4 - reach, 4 + reach), abs=1e-4)
    assert found.by_seed == {0: 2.0, 7: 6.0}
    assert found.verdict == NOT_APART


def test_seeds_that_agree_add_nothing_to_the_scenes() -> None:
    # both seeds give 2, 4 and 6: s = 2, s / sqrt(3) = 1.154701, t(2 degrees, 0.975) = 4.302653
    row = {"a": 2.0, "b": 4.0, "c": 6.0}
    found = crossed_interval({0: row, 1: row}, {}).interval
    assert found.high - found.mean == pytest.approx(4.302653 * 1.154701, abs=1e-5)


def test_a_share_of_variance_below_zero_counts_as_zero() -> None:
    # scenes give 0, 1 and 2 with a rest of -1, 0, 1: mean squares scenes 4 / 2, seeds 0, rest 4 / 2 = 2; without seeds
    # 2 / 6 with 2 degrees of freedom: t = 4.302653
    found = crossed_interval({0: {"a": -1.0, "b": 1.0, "c": 3.0}, 1: {"a": 1.0, "b": 1.0, "c": 1.0}}, {}).interval
    assert found.high - found.mean == pytest.approx(4.302653 * math.sqrt(2 / 6), abs=1e-5)


def test_where_scenes_and_seeds_agree_better_than_the_rest_the_rest_decides() -> None:
    # scenes and seeds all have the mean 1 and each value lies 1 from it: mean squares 0, 0 and 4 / 1; t = 12.706205
    found = crossed_interval({0: {"a": 2.0, "b": 0.0}, 1: {"a": 0.0, "b": 2.0}}, {})
    assert (found.interval.low, found.interval.high) == pytest.approx((1 - 12.706205, 1 + 12.706205), abs=1e-5)
    assert found.verdict == NOT_APART


def test_scenes_that_agree_leave_the_seeds_to_decide() -> None:
    # seeds give 1 and 3 on every scene: s = 1.414214, s / sqrt(2) = 1, t(1 degree, 0.975) = 12.706205
    found = crossed_interval({0: dict.fromkeys("abc", 1.0), 1: dict.fromkeys("abc", 3.0)}, {}).interval
    assert (found.low, found.high) == pytest.approx((2 - 12.706205, 2 + 12.706205), abs=1e-5)


def test_one_seed_has_the_interval_over_scenes_and_says_so() -> None:
    # 1, 2 and 3: s = 1, s / sqrt(3) = 0.577350, t(2 degrees, 0.975) = 4.302653
    found = crossed_interval({3: TABLE[0]}, {})
    assert (found.interval.low, found.interval.high) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-5)
    assert found.verdict == "cannot be told from zero with this one seed"


def test_a_scene_counts_once_however_many_pictures_it_has() -> None:
    many = {seed: {**row, "a2": row["a"], "a3": row["a"]} for seed, row in TABLE.items()}
    scenes: dict[str, str] = {"a": "villa", "a2": "villa", "a3": "villa"}
    assert crossed_interval(many, scenes) == crossed_interval(TABLE, {})


def test_a_picture_that_one_seed_has_no_number_for_does_not_count() -> None:
    more = {0: {**TABLE[0], "d": math.nan, "e": 1.0}, 7: {**TABLE[7], "d": 5.0}}
    assert crossed_interval(more, {}) == crossed_interval(TABLE, {})


def test_differences_of_nothing_but_zero_cannot_be_told_from_zero() -> None:
    zeros = {seed: dict.fromkeys("abc", 0.0) for seed in (0, 1)}
    found = crossed_interval(zeros, {})
    assert (found.interval.low, found.interval.high) == (0.0, 0.0)
    assert found.verdict == NOT_APART


def test_a_clear_difference_can_be_told_from_zero() -> None:
    clear = {seed: {name: 1 + 0.01 * index for index, name in enumerate("abcd")} for seed in (0, 1, 2)}
    assert crossed_interval(clear, {}).verdict == APART


def test_one_scene_has_no_interval() -> None:
    found = crossed_interval({0: {"a": 1.0}, 1: {"a": 2.0}}, {})
    assert found.interval.mean == 1.5
    assert not found.interval.is_defined
    assert found.verdict == "no interval: two scenes are needed"
    assert math.isnan(crossed_interval({0: {"a": math.nan}}, {}).interval.mean)


def test_more_confidence_is_a_wider_interval() -> None:
    wide, narrow = (crossed_interval(TABLE, {}, confidence=share).interval for share in (0.99, 0.9))
    assert wide.high > narrow.high > wide.mean


def test_without_a_seed_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="at least one seed"):
        crossed_interval({}, {})


def test_of_simulated_studies_95_in_100_hold_the_truth_and_intervals_over_scenes_alone_do_not() -> None:
    generator = np.random.default_rng(0)
    both = alone = 0
    for _ in range(400):
        scene, seed = generator.normal(0, 0.2, (20, 1)), generator.normal(0, 0.06, (1, 3))
        rows = scene + seed + generator.normal(0, 0.05, (20, 3))
        table = {seed: dict(zip("abcdefghijklmnopqrst", map(float, rows[:, seed]), strict=True)) for seed in range(3)}
        found = crossed_interval(table, {}).interval
        both += found.low <= 0 <= found.high
        means = rows.mean(axis=1)
        alone += abs(means.mean()) <= student_factor(20) * means.std(ddof=1) / math.sqrt(20)
    assert 0.92 <= both / 400 <= 0.99
    assert alone / 400 < 0.92
