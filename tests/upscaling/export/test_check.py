"""The comparison of a runtime with the source."""

import numpy as np
import pytest

from realesrgan_arch.upscaling.export.check import NotTheSameError, check, draw_pictures, sizes_for
from realesrgan_arch.upscaling.export.formats import FORMATS, Runtime

PTH = FORMATS["pth"]


def _off_by(value):
    return lambda path: lambda pictures: pictures + np.float32(value)


def _examples():
    return tuple((one, one) for one in draw_pictures(1))


def test_the_largest_and_the_mean_difference_are_told_in_pictures_and_levels(tmp_path):
    found = check(PTH, Runtime("r", _off_by(0.25), 0.5), tmp_path, _examples())
    assert (found.max_abs, found.mean_abs) == (pytest.approx(0.25), pytest.approx(0.25))
    assert found.facts()["max_levels"] == pytest.approx(63.75)


@pytest.mark.parametrize("value", [0.3, float("nan"), float("inf")])
def test_more_than_the_tolerance_is_an_error_and_so_is_what_is_no_number(tmp_path, value):
    with pytest.raises(NotTheSameError, match=r"--to pth: r gives pictures that differ .* at most 0.25 is allowed"):
        check(PTH, Runtime("r", _off_by(value), 0.25), tmp_path, _examples())


def test_another_shape_is_an_error(tmp_path):
    half = Runtime("r", lambda path: lambda pictures: pictures[..., ::2], 1)
    with pytest.raises(NotTheSameError, match="gives pictures of the shape"):
        check(PTH, half, tmp_path, _examples())


def test_sizes_are_odd_and_not_square_where_the_network_takes_them():
    assert sizes_for(1) == [(2, 24, 32), (1, 33, 47), (1, 61, 18)]
    assert sizes_for(2) == [(2, 24, 32), (1, 34, 48), (1, 62, 18)]
    assert sizes_for(4) == [(2, 24, 32), (1, 36, 48), (1, 64, 20)]


def test_pictures_are_the_same_every_time_and_within_range():
    first, second = list(draw_pictures(2)), list(draw_pictures(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert [one.shape for one in first] == [(2, 3, 24, 32), (1, 3, 34, 48), (1, 3, 62, 18)]
    assert min(one.min() for one in first) >= 0 and max(one.max() for one in first) <= 1
    assert all(one.std() > 0.1 for one in first)
