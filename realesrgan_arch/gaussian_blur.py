"""A Gaussian blur that gradients flow through, for pictures of any size."""

import math

import torch
from torch import Tensor

_REACH_IN_SIGMAS = 3
"""Beyond lie 0.3 % of the weight."""


def gaussian_blur(image: Tensor, *, sigma: float) -> Tensor:
    """Return float `image` (B, C, H, W) blurred with a Gaussian of `sigma` pixels, cut off at `blur_reach(sigma)`.

    At a border only pixels of the picture count, with weights that sum to 1: nothing is mirrored or repeated, and a
    flat picture stays flat. Two matrix products: torch unfolds a picture of one channel for a convolution on the CPU,
    into as many copies as there are taps.
    """
    down, across = (_blur_matrix(side, sigma, like=image) for side in image.shape[-2:])
    return down @ image @ across.T


def blur_reach(sigma: float) -> int:
    """Return how many pixels away the blur of `sigma` pixels looks: three sigmas, rounded up."""
    return math.ceil(_REACH_IN_SIGMAS * sigma)


def _blur_matrix(length: int, sigma: float, *, like: Tensor) -> Tensor:
    """The band matrix (length, length) that blurs a line."""
    places = torch.arange(length, dtype=like.dtype, device=like.device)
    distance = (places[:, None] - places).abs()
    weights = torch.exp(-0.5 * (distance / sigma) ** 2) * (distance <= blur_reach(sigma))
    return weights / weights.sum(dim=1, keepdim=True)
