"""Sign flips, Holm's correction and what can be detected, against values by hand and by scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from realesrgan_arch.evaluation.paired import SceneSums
from realesrgan_arch.evaluation.significance import (
    detectable_differences,
    fewest_to_claim,
    holm,
    sign_flip_p_values,
    win_rates,
)


def _table(*columns: list[float] | np.ndarray) -> SceneSums:
    sums = np.array(columns, np.float64).T
    return SceneSums(np.nan_to_num(sums), np.isfinite(sums).astype(np.float64))


def _p_value(values: list[float] | np.ndarray) -> float:
    return float(sign_flip_p_values(_table(values), seed=0)[0])


@pytest.mark.parametrize(
    ("values", "p_value"),
    [
        ([1, 2, 3, 4, 5], 2 / 32),
        ([1, 2, 3, 4, 5, 6], 2 / 64),
        ([1, 2, 3, 4, 5, -1], 6 / 64),  # as far: all of one sign (16), or but for one of the two 1s (14)
        ([1], 1.0),
        ([0, 0, 0, 0, 0, 0, 0], 1.0),
    ],
)
def test_the_p_value_is_the_share_of_sign_patterns_that_are_as_far_from_zero(values, p_value) -> None:
    assert _p_value(values) == pytest.approx(p_value)


def test_ten_scenes_have_the_p_value_of_scipy() -> None:
    values = np.random.default_rng(4).normal(0.4, 1, 10)
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=2**10)
    assert _p_value(values) == pytest.approx(expected.pvalue)


def test_many_scenes_have_nearly_the_p_value_of_all_patterns() -> None:
    values = np.random.default_rng(5).normal(0.4, 1, 15)
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=2**15)
    assert _p_value(values) == pytest.approx(expected.pvalue, abs=0.01)


def test_a_drawn_p_value_is_never_zero() -> None:
    assert _p_value([1.0] * 100) == pytest.approx(1 / 10_001)


def test_where_nothing_differs_no_more_than_5_in_100_p_values_are_below_0_05() -> None:
    tables = np.random.default_rng(6).normal(0, 1, (400, 8))
    p_values = sign_flip_p_values(_table(*tables), seed=0)
    assert 0.02 <= (p_values <= 0.05).mean() <= 0.07


def test_holm_multiplies_the_smallest_by_the_number_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_metric_without_a_p_value_does_not_count_for_holm() -> None:
    adjusted = holm([math.nan, 0.02, 0.04])
    assert math.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx([0.04, 0.04])


def test_a_hundred_scenes_of_spread_one_show_0_28() -> None:
    values = np.random.default_rng(7).normal(0, 1, 100)
    table = _table((values - values.mean()) / values.std(ddof=1))
    # (t(99 degrees, 0.975) + t(99 degrees, 0.8)) / 10 = (1.984217 + 0.845267) / 10
    assert detectable_differences(table) == pytest.approx([0.282948], abs=1e-5)


def test_five_scenes_show_nothing() -> None:
    assert np.isnan(detectable_differences(_table([1.0, 2.0, 3.0, 4.0, 5.0]))).all()


@pytest.mark.parametrize(("metrics", "scenes"), [(1, 6), (2, 7), (3, 7), (4, 8), (12, 9)])
def test_more_metrics_take_more_scenes(metrics, scenes) -> None:
    def smallest(count: int) -> float:
        return holm([_p_value([1.0] * count)] * metrics)[0]

    assert fewest_to_claim(metrics) == scenes
    assert smallest(scenes) <= 0.05 < smallest(scenes - 1)
    assert np.isnan(detectable_differences(_table(([1.0, 2.0] * 9)[: scenes - 1]), metrics=metrics)).all()


def test_a_difference_must_be_larger_where_several_metrics_are_looked_at() -> None:
    table = _table(np.random.default_rng(7).normal(0, 1, 100))
    alone, of_three = (detectable_differences(table, metrics=count)[0] for count in (1, 3))
    # t(99 degrees): (2.435 + 0.845) / (1.984 + 0.845)
    assert of_three / alone == pytest.approx(1.159, abs=0.002)


def test_a_tie_is_half_a_win() -> None:
    assert win_rates(_table([1, -1, 0, 2], [math.nan, -1, -1, 0])) == pytest.approx([2.5 / 4, 0.5 / 3])
    assert np.isnan(win_rates(_table([math.nan]))).all()
