"""Intervals over scenes: against values by hand, against a slow bootstrap, and against made-up studies."""

import math

import numpy as np
import pytest

from realesrgan_arch.evaluation.bootstrap import draw_counts, mean_intervals
from realesrgan_arch.evaluation.paired import Interval, SceneSums


def _table(*columns: list[float] | np.ndarray) -> SceneSums:
    sums = np.array(columns, np.float64).T
    return SceneSums(np.nan_to_num(sums), np.isfinite(sums).astype(np.float64))


def _interval(values: list[float] | np.ndarray, *, seed: int = 0, draws: int = 10_000) -> Interval:
    return mean_intervals(_table(values), seed=seed, draws=draws)[0]


def test_four_scenes_have_students_interval() -> None:
    # s / sqrt(4) = 0.645497, t(3 degrees, 0.975) = 3.182446
    found = _interval([1, 2, 3, 4])
    assert (found.mean, found.scenes) == (2.5, 4)
    assert (found.low, found.high) == pytest.approx((0.445740, 4.554260), abs=1e-6)


def test_scenes_drawn_one_by_one_give_the_same_interval() -> None:
    generator = np.random.default_rng(3)
    pictures = generator.integers(1, 6, 12).astype(float)
    table = SceneSums((generator.normal(0.4, 1, 12) * pictures)[:, None], pictures[:, None])
    mean = table.sums.sum() / pictures.sum()
    deviations = []
    for counts in np.concatenate(list(draw_counts(12, seed=5, draws=400))):
        sums, sizes = (np.repeat(column, counts.astype(int)) for column in (table.sums[:, 0], pictures))
        drawn = SceneSums(sums[:, None], sizes[:, None])
        deviations.append(abs(drawn.means[0] - mean) / drawn.errors[0])
    reach = sorted(deviations)[379] * table.errors[0]
    (found,) = mean_intervals(table, seed=5, draws=400)
    assert (found.low, found.high) == pytest.approx((mean - reach, mean + reach), rel=1e-9)


def test_each_draw_has_as_many_scenes_as_there_are_and_each_scene_its_turn() -> None:
    counts = np.concatenate(list(draw_counts(300, seed=0, draws=10_000)))
    assert counts.shape == (10_000, 300)
    assert (counts.sum(axis=1) == 300).all()
    assert 0.95 < counts.mean(axis=0).min() < counts.mean(axis=0).max() < 1.05


def test_the_seed_decides_and_hardly_matters() -> None:
    values = np.random.default_rng(1).normal(0.3, 0.5, 30)
    first, again, other = (_interval(values, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.02)


def test_one_scene_that_differs_from_the_few_others_makes_no_interval_wider_than_twice_students() -> None:
    values = [0.010, 0.011, 0.012, 0.009, 0.0105, 0.0095, 0.3]
    found = _interval(values)
    student = 2.446912 * np.std(values, ddof=1) / math.sqrt(7)  # t(6 degrees, 0.975)
    assert found.high - found.mean == pytest.approx(2 * student, rel=1e-6)


@pytest.mark.parametrize("count", [2, 3, 6, 40])
def test_the_same_difference_everywhere_has_an_interval_of_no_width(count) -> None:
    found = _interval([-0.1] * count)
    assert (found.low, found.high) == (found.mean, found.mean)
    assert found.below_zero()


def test_one_scene_has_a_mean_and_no_interval() -> None:
    found = _interval([1.0])
    assert (found.mean, found.scenes, found.is_defined) == (1.0, 1, False)
    assert not found.below_zero() and not found.above_zero()


def test_a_column_without_a_number_has_no_mean() -> None:
    found = _interval([math.nan, math.nan])
    assert math.isnan(found.mean)
    assert found.scenes == 0


def test_a_column_is_judged_in_its_own_scenes() -> None:
    generator = np.random.default_rng(2)
    whole, part = generator.normal(0, 1, 30), generator.normal(0, 1, 30)
    part[10:] = math.nan
    found = mean_intervals(_table(whole, part), seed=0)
    assert found == [_interval(whole), _interval(part[:10])]


def test_scenes_that_nearly_all_agree_have_bounds_all_the_same() -> None:
    # Of five scenes four agree: 0.8 ** 5, a third of the draws, have no spread. t(4 degrees, 0.975) = 2.776445
    found = _interval([0.0, 0.0, 0.0, 0.0, 1.0])
    assert (found.low, found.high) == pytest.approx((0.2 - 0.2 * 2.776445, 0.2 + 0.2 * 2.776445), abs=1e-5)


def _normal(generator: np.random.Generator, scenes: int) -> SceneSums:
    return _table(generator.normal(0, 1, scenes))


def _skewed(generator: np.random.Generator, scenes: int) -> SceneSums:
    return _table(generator.lognormal(0, 0.5, scenes) - math.exp(0.125))


def _clustered(generator: np.random.Generator, scenes: int) -> SceneSums:
    pictures = generator.integers(1, 13, scenes).astype(float)
    sums = pictures * generator.normal(0, 1, scenes) + np.sqrt(pictures) * generator.normal(0, 1, scenes)
    return SceneSums(sums[:, None], pictures[:, None])


@pytest.mark.parametrize("draw", [_normal, _skewed, _clustered])
@pytest.mark.parametrize("scenes", [5, 20])
def test_of_made_up_studies_95_in_100_intervals_hold_the_truth(draw, scenes) -> None:
    generator = np.random.default_rng(0)
    found = [mean_intervals(draw(generator, scenes), seed=trial, draws=300)[0] for trial in range(400)]
    assert 0.925 <= np.mean([interval.low <= 0 <= interval.high for interval in found]) <= 0.99
