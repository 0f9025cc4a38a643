"""Operators equal those of basicsr for fixed parameters and a fixed field."""

import numpy as np
import pytest
import torch

import tests.shims  # noqa: F401  isort: skip
from basicsr.data import degradations as upstream
from basicsr.utils.img_process_util import USMSharp, filter2D

from realesrgan_arch.degradation import operators
from realesrgan_arch.degradation.settings import RESIZE_MODES
from tests.degradation.pictures import rough_picture, smooth_picture


def random_kernels(count, taps):
    kernels = torch.rand(count, taps, taps, generator=torch.Generator().manual_seed(3))
    return kernels / kernels.sum(dim=(1, 2), keepdim=True)


@pytest.mark.parametrize(("batch", "taps"), [(1, 21), (3, 21), (3, 7), (2, 1)])
def test_blur_equals_filter2d(batch, taps):
    image, kernels = rough_picture(batch, 37, 52), random_kernels(batch, taps)
    torch.testing.assert_close(operators.blur(image, kernels), filter2D(image, kernels), atol=1e-6, rtol=0)


def test_blur_with_a_tight_kernel_equals_blur_with_the_same_kernel_among_zeros():
    image, tight = rough_picture(2, 30, 31), random_kernels(2, 9)
    wide = torch.nn.functional.pad(tight, (6,) * 4)
    torch.testing.assert_close(operators.blur(image, tight), operators.blur(image, wide), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(4, 30), (3, 2), (1, 5), (30, 10)])
def test_reflection_works_on_pictures_smaller_than_the_border(height, width):
    image = rough_picture(2, height, width)
    expected = np.pad(image.numpy(), ((0, 0), (0, 0), (10, 10), (25, 25)), mode="reflect")
    np.testing.assert_array_equal(operators.pad_by_reflection(image, rows=10, columns=25), expected)


@pytest.mark.parametrize("picture", [smooth_picture, rough_picture])
def test_usm_equals_upstream(picture):
    image = picture(2, 210, 75)  # one side needs several strips, the other is smaller than one
    error = (operators.usm_sharpen(image) - USMSharp()(image)).abs()
    # A pixel on the threshold may flip the mask: 0.0025 for its neighbours, which the mean forgives and 1e-4 does not.
    assert error.max() < 1e-4
    assert error.mean() < 1e-6


def test_usm_takes_weight_and_threshold_and_keeps_its_input():
    image = smooth_picture(1, 60, 60)
    before = image.clone()
    error = operators.usm_sharpen(image, weight=0.8, threshold_255=3.0) - USMSharp()(image, weight=0.8, threshold=3)
    assert error.abs().max() < 1e-4
    assert torch.equal(image, before)


@pytest.mark.parametrize("mode", RESIZE_MODES)
@pytest.mark.parametrize("scale", [0.37, 1.31])
def test_resize_by_scale_samples_at_the_scale_and_not_at_the_ratio_of_rounded_sizes(mode, scale):
    image = rough_picture(1, 33, 41)
    got = operators.resize(image, mode=mode, scale=scale)
    assert got.shape[-2:] == (int(33 * scale), int(41 * scale))
    expected = torch.nn.functional.interpolate(image, scale_factor=scale, mode=mode)
    torch.testing.assert_close(got, expected, atol=0, rtol=0)
    by_size = operators.resize(image, mode=mode, size=(int(33 * scale), int(41 * scale)))
    assert torch.equal(got, by_size) == (mode == "area")


def test_gaussian_noise_equals_upstream_given_its_field():
    image, sigma_255 = rough_picture(3, 20, 24), torch.tensor([3.0, 11.0, 29.0])
    is_gray = torch.tensor([0.0, 1.0, 0.0])
    torch.manual_seed(5)
    expected = upstream.add_gaussian_noise_pt(image, sigma_255, is_gray)
    torch.manual_seed(5)
    gray_plane = torch.randn(20, 24)
    field = torch.randn(3, 3, 20, 24)
    field[1] = gray_plane
    torch.testing.assert_close(
        operators.add_gaussian_noise(image, field, sigma_255=sigma_255), expected, atol=1e-6, rtol=0
    )


def test_rounding_clamps_and_lands_on_the_8_bit_grid():
    image = torch.tensor([-0.2, 0.1, 0.5004, 0.999, 1.3]).view(1, 1, 1, 5)
    expected = torch.tensor([0, 26, 128, 255, 255]) / 255
    assert torch.equal(operators.round_to_8bit(image).flatten(), expected)
