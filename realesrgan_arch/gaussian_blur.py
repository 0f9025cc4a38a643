"""A Gaussian blur that gradients flow through, for pictures of any size."""

import math

import torch
from torch import Tensor
from torch.nn import functional

_REACH_IN_SIGMAS = 3
"""Beyond lie 0.3 % of the weight."""


def gaussian_blur(image: Tensor, *, sigma: float) -> Tensor:
    """Return float `image` (B, C, H, W) blurred with a Gaussian of `sigma` pixels, cut off at `blur_reach(sigma)`.

    At a border only pixels of the picture count, with weights that sum to 1: nothing is mirrored or repeated. So a flat
    picture stays flat, and each picture is blurred in memory in proportion to its pixels.
    """
    batch, channels, height, width = image.shape
    taps = _taps(sigma, like=image)
    reach = len(taps) // 2
    planes = image.reshape(batch * channels, 1, height, width)
    tall = functional.conv2d(planes, taps.view(1, 1, -1, 1), padding=(reach, 0)) / _inside(taps, height)[:, None]
    wide = functional.conv2d(tall, taps.view(1, 1, 1, -1), padding=(0, reach)) / _inside(taps, width)
    return wide.view(batch, channels, height, width)


def blur_reach(sigma: float) -> int:
    """Return how many pixels away the blur of `sigma` pixels looks: three sigmas, rounded up."""
    return math.ceil(_REACH_IN_SIGMAS * sigma)


def _taps(sigma: float, *, like: Tensor) -> Tensor:
    reach = blur_reach(sigma)
    offsets = torch.arange(-reach, reach + 1, dtype=like.dtype, device=like.device)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def _inside(taps: Tensor, length: int) -> Tensor:
    """The share of the weights that fall into a line of `length` pixels, at each of them."""
    line = torch.ones(1, 1, length, dtype=taps.dtype, device=taps.device)
    return functional.conv1d(line, taps.view(1, 1, -1), padding=len(taps) // 2)[0, 0]
