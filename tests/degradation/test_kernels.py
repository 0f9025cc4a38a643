"""Kernels equal those of basicsr for the same parameters."""

import math

import pytest
import torch

import tests.shims  # noqa: F401  isort: skip
from basicsr.data import degradations as upstream

from realesrgan_arch.degradation import kernels

SIZES = (7, 11, 13, 21)
BELLS = {
    "sigma_x": (0.2, 1.3, 3.0, 2.2),
    "sigma_y": (0.2, 0.7, 0.9, 2.9),
    "rotation": (0.0, 1.1, -2.9, 0.4),
    "beta": (0.5, 0.9, 1.0, 3.7),
}


def column(values):
    return torch.tensor(values, dtype=torch.float64)


def padded(kernel, pad_to=21):
    border = (pad_to - len(kernel)) // 2
    return torch.nn.functional.pad(torch.from_numpy(kernel), (border,) * 4)


def bells(make):
    """Return what `make` of basicsr gives for the four bells."""
    rows = zip(SIZES, *BELLS.values(), strict=True)
    return torch.stack([padded(make(size, *parameters)) for size, *parameters in rows])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (kernels.generalized_gaussian_kernels, upstream.bivariate_generalized_Gaussian),
        (kernels.plateau_kernels, upstream.bivariate_plateau),
    ],
)
def test_rotated_bells_equal_upstream(ours, theirs):
    got = ours(size=column(SIZES), **{name: column(values) for name, values in BELLS.items()})
    expected = bells(lambda size, x, y, turn, beta: theirs(size, x, y, turn, beta, isotropic=False))
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=0)


def test_beta_one_is_the_gaussian_of_upstream():
    parameters = {name: column(values) for name, values in BELLS.items()}
    got = kernels.generalized_gaussian_kernels(size=column(SIZES), **{**parameters, "beta": column([1.0] * 4)})
    expected = bells(lambda size, x, y, turn, _: upstream.bivariate_Gaussian(size, x, y, turn, isotropic=False))
    torch.testing.assert_close(got, expected, atol=1e-9, rtol=0)


def test_equal_sigmas_are_the_isotropic_kernel_of_upstream():
    got = kernels.plateau_kernels(
        size=column([15]), sigma_x=column([1.7]), sigma_y=column([1.7]), rotation=column([0.0]), beta=column([1.4])
    )
    expected = padded(upstream.bivariate_plateau(15, 1.7, 99, 99, 1.4, isotropic=True))
    torch.testing.assert_close(got[0], expected, atol=1e-9, rtol=0)


def test_sinc_equals_upstream():
    cutoffs = (math.pi, math.pi / 3, 1.7, math.pi / 5)
    got = kernels.sinc_kernels(size=column(SIZES), cutoff=column(cutoffs))
    pairs = zip(cutoffs, SIZES, strict=True)
    expected = torch.stack([torch.from_numpy(upstream.circular_lowpass_kernel(c, s, pad_to=21)) for c, s in pairs])
    torch.testing.assert_close(got, expected, atol=1e-7, rtol=0)


def test_pulse_changes_nothing():
    image = torch.rand(1, 2, 9, 9, dtype=torch.float64)
    kernel = kernels.pulse_kernels(2, pad_to=5)[:, None]
    torch.testing.assert_close(torch.nn.functional.conv2d(image, kernel, padding=2, groups=2), image)


def test_a_smaller_canvas_holds_the_same_kernel():
    parameters = {"size": column([7, 9]), "cutoff": column([1.5, 2.5])}
    wide, tight = kernels.sinc_kernels(**parameters), kernels.sinc_kernels(**parameters, pad_to=9)
    torch.testing.assert_close(wide[:, 6:15, 6:15], tight)
    torch.testing.assert_close(wide.sum(dim=(1, 2)), column([1.0, 1.0]))
