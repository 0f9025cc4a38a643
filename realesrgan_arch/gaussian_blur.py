"""A Gaussian blur that gradients flow through, for pictures of any size."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

_REACH_IN_SIGMAS = 3
"""Beyond lie 0.3 % of the weight."""
_BLOCK = 1024
"""Pixels of a side that one matrix makes: 4 MB in single precision, whatever the size of the picture."""


def gaussian_blur(image: Tensor, *, sigma: float) -> Tensor:
    """Return float `image` (B, C, H, W) blurred with a Gaussian of `sigma` pixels, cut off at `blur_reach(sigma)`.

    At a border only pixels of the picture count, with weights that sum to 1: nothing is mirrored or repeated, and a
    flat picture stays flat. Two matrix products: torch unfolds a picture of one channel for a convolution on the CPU,
    into as many copies as there are taps. Long sides go block by block, so that the matrices stay small. A value that
    is not finite spoils the whole block of its channel, as it is multiplied by zeros, too.
    """
    height, width = image.shape[-2:]
    down = [matrix @ image[..., seen, :] for seen, matrix in _bands(height, sigma, like=image)]
    rows = torch.cat(down, dim=-2) if len(down) > 1 else down[0]
    across = [rows[..., seen] @ matrix.T for seen, matrix in _bands(width, sigma, like=image)]
    return torch.cat(across, dim=-1) if len(across) > 1 else across[0]


def blur_reach(sigma: float) -> int:
    """Return how many pixels away the blur of `sigma` pixels looks: three sigmas, rounded up."""
    return math.ceil(_REACH_IN_SIGMAS * sigma)


def _bands(length: int, sigma: float, *, like: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield the places that a block of a line is made from, and the matrix (block, places) that does it."""
    reach = blur_reach(sigma)
    for start in range(0, length, _BLOCK):
        stop = min(start + _BLOCK, length)
        seen = slice(max(0, start - reach), min(length, stop + reach))
        yield seen, _blur_matrix(range(start, stop), range(seen.start, seen.stop), sigma, like=like)


def _blur_matrix(made: range, seen: range, sigma: float, *, like: Tensor) -> Tensor:
    # Distances are whole numbers, and exact as such in half precision too.
    places = torch.arange(seen.start, seen.stop, device=like.device)
    distance = (torch.arange(made.start, made.stop, device=like.device)[:, None] - places).abs().to(like.dtype)
    weights = torch.exp(-0.5 * (distance / sigma) ** 2) * (distance <= blur_reach(sigma))
    return weights / weights.sum(dim=1, keepdim=True)
