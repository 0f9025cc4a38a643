"""Blur kernels, vectorised over the batch: generalised Gaussian, plateau, circular sinc and the unit pulse.

Every function takes tensors of shape (B,) and returns kernels (B, pad_to, pad_to) in the dtype of its parameters, each
summing to 1. A kernel of odd size k fills the centre k x k and is zero around it. Call them with float64 on the CPU
and cast the result: 441 numbers for each sample cost nothing, and the sinc's tails keep their digits.

The families are those of Real-ESRGAN (Wang et al., arXiv 2107.10833, section 3.1); formulas as in
`basicsr/data/degradations.py`.
"""

import math

import torch
from torch import Tensor

MAX_KERNEL_SIZE = 21


def generalized_gaussian_kernels(
    *, size: Tensor, sigma_x: Tensor, sigma_y: Tensor, rotation: Tensor, beta: Tensor, pad_to: int = MAX_KERNEL_SIZE
) -> Tensor:
    """Return exp(-q**beta / 2) kernels (B, pad_to, pad_to), where q is the squared Mahalanobis distance to the centre.

    `beta` 1 is the Gaussian; below 1 has heavier tails. Sigmas in pixels, rotation in radians.
    Source: Pascal et al., "Parameter estimation for multivariate generalized Gaussian distributions" (2013).
    """
    distance = _squared_distance(sigma_x=sigma_x, sigma_y=sigma_y, rotation=rotation, pad_to=pad_to)
    return _cut_and_normalise(torch.exp(-0.5 * distance ** _per_kernel(beta)), size)


def plateau_kernels(
    *, size: Tensor, sigma_x: Tensor, sigma_y: Tensor, rotation: Tensor, beta: Tensor, pad_to: int = MAX_KERNEL_SIZE
) -> Tensor:
    """Return 1 / (1 + q**beta) kernels (B, pad_to, pad_to): flat in the middle, a larger beta has a steeper rim."""
    distance = _squared_distance(sigma_x=sigma_x, sigma_y=sigma_y, rotation=rotation, pad_to=pad_to)
    return _cut_and_normalise(1.0 / (1.0 + distance ** _per_kernel(beta)), size)


def sinc_kernels(*, size: Tensor, cutoff: Tensor, pad_to: int = MAX_KERNEL_SIZE) -> Tensor:
    """Return circular low-pass kernels (B, pad_to, pad_to) that ring like over-sharpened or badly resized pictures.

    `cutoff` is the angular frequency in radians per pixel, at most pi. The kernel is `cutoff J1(cutoff r) / (2 pi r)`
    (https://dsp.stackexchange.com/questions/58301).
    """
    x, y = _offsets(cutoff, pad_to)
    radius = torch.hypot(x, y)
    cutoff = _per_kernel(cutoff)
    # J1(z) / z tends to 1/2 at the centre, where the quotient itself is 0 / 0.
    rings = torch.special.bessel_j1(cutoff * radius) / radius.clamp_min(1e-12)
    kernels = torch.where(radius == 0, 0.5 * cutoff, rings) * cutoff / (2 * math.pi)
    return _cut_and_normalise(kernels, size)


def pulse_kernels(count: int, *, pad_to: int = MAX_KERNEL_SIZE, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return `count` kernels (count, pad_to, pad_to) that change nothing: a single 1 in the centre."""
    kernels = torch.zeros(count, pad_to, pad_to, dtype=dtype)
    kernels[:, pad_to // 2, pad_to // 2] = 1.0
    return kernels


def _squared_distance(*, sigma_x: Tensor, sigma_y: Tensor, rotation: Tensor, pad_to: int) -> Tensor:
    x, y = _offsets(sigma_x, pad_to)
    cosine, sine = _per_kernel(torch.cos(rotation)), _per_kernel(torch.sin(rotation))
    along = (cosine * x + sine * y) / _per_kernel(sigma_x)
    across = (cosine * y - sine * x) / _per_kernel(sigma_y)
    return along.square() + across.square()


def _cut_and_normalise(kernels: Tensor, size: Tensor) -> Tensor:
    x, y = _offsets(kernels, kernels.shape[-1])
    is_inside = torch.maximum(x.abs(), y.abs()) <= _per_kernel(size // 2)
    kernels = torch.where(is_inside, kernels, kernels.new_zeros(()))
    return kernels / kernels.sum(dim=(-2, -1), keepdim=True)


def _offsets(like: Tensor, pad_to: int) -> tuple[Tensor, Tensor]:
    """Return x (1, pad_to) and y (pad_to, 1): the distance of each tap from the centre."""
    steps = torch.arange(pad_to, dtype=like.dtype, device=like.device) - pad_to // 2
    return steps[None, :], steps[:, None]


def _per_kernel(values: Tensor) -> Tensor:
    return values[:, None, None]
