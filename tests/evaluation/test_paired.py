"""Differences by scene and their standard errors, against values computed by hand."""

import math

import numpy as np
import pytest

from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.paired import SceneSums, paired_differences, sum_by_scene

FOUR = {"a": {"psnr": 1.0}, "b": {"psnr": 2.0}, "c": {"psnr": 3.0}, "d": {"psnr": 4.0}}
VILLA_AND_BARN = {"a": "villa", "b": "villa", "c": "barn", "d": "barn"}


def test_pictures_of_their_own_scenes_have_the_ordinary_standard_error() -> None:
    # s = 1.290994, s / sqrt(4) = 0.645497
    table = sum_by_scene(FOUR, ["psnr"], {})
    assert table.means == pytest.approx([2.5])
    assert table.errors == pytest.approx([0.645497], abs=1e-6)


def test_pictures_of_one_scene_count_together() -> None:
    # sums of residuals -2 and +2: sqrt((4 + 4) * 2 / 1) / 4 = 1
    table = sum_by_scene(FOUR, ["psnr"], VILLA_AND_BARN)
    assert table.sums.tolist() == [[3.0], [7.0]]
    assert table.pictures.tolist() == [[2.0], [2.0]]
    assert table.errors == pytest.approx([1.0])


def test_the_mean_is_over_pictures_however_many_a_scene_has() -> None:
    table = sum_by_scene(FOUR, ["psnr"], {"a": "villa", "b": "villa", "c": "villa"})
    assert table.means == pytest.approx([2.5])


def test_numbers_that_are_not_finite_do_not_count() -> None:
    more = {**FOUR, "e": {"psnr": math.nan}, "f": {"psnr": math.inf}, "g": {}}
    table = sum_by_scene(more, ["psnr"], {})
    assert table.pictures.sum() == 4
    assert table.means == pytest.approx([2.5])


def test_columns_that_are_defined_in_the_same_scenes_stay_together() -> None:
    rows = {"a": {"p": 1.0, "n": 1.0, "s": 5.0}, "b": {"p": 2.0, "n": math.nan, "s": 6.0}, "c": {"p": 3.0, "s": 7.0}}
    found = {tuple(columns): len(alike.sums) for columns, alike in sum_by_scene(rows, ["p", "n", "s"], {}).alike()}
    assert found == {(0, 2): 3, (1,): 1}


def test_a_spread_of_rounding_is_none() -> None:
    values = np.array([[0.1 + 0.2], [0.3], [0.3]])
    assert SceneSums(values, np.ones((3, 1))).errors.tolist() == [0.0]


def test_pictures_are_paired_by_name_and_equal_to_the_truth_twice_is_no_difference() -> None:
    base = [ImageScore("a", "base", {"psnr": math.inf}), ImageScore("b", "base", {"psnr": 20.0, "niqe": 5.0})]
    tuned = [ImageScore("b", "tuned", {"psnr": 21.0}), ImageScore("a", "tuned", {"psnr": math.inf})]
    other = ImageScore("other", "tuned", {"psnr": 99.0})
    assert paired_differences([*tuned, other], base) == {"a": {"psnr": 0.0}, "b": {"psnr": 1.0}}
