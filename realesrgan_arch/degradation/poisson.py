"""Poisson (shot) noise as a pure function of a uniform field, exact and several times faster than drawing it.

An 8-bit picture has at most 256 levels and upstream's photon counts are powers of two, so only 9 x 256 Poisson laws
can occur. Each gets an alias table once; a pixel's photon count is then one look-up.
"""

import functools

import numpy as np
import torch
from torch import Tensor

from realesrgan_arch.degradation.operators import round_halves_up

_LEVELS = 256
_LOG2_COUNTS = 9  # Photon counts at full white: 1, 2, 4 ... 256.
_COLUMNS = 512  # Outcomes 0 ... 511. The largest mean is 256: a count above 511 has a probability below 1e-40.
_FRACTION_BITS = 15  # A float32 uniform number has 24 bits: 9 choose the column, 15 decide between it and its alias.
_GRAY_WEIGHTS = (0.2989, 0.587, 0.114)  # torchvision's rgb_to_grayscale


def add_poisson_noise(image: Tensor, field: Tensor, *, scale: Tensor, is_gray: Tensor) -> Tensor:
    """Return `image` (B, 3, H, W; RGB in [0, 1]) with photon noise times `scale` (B,), clamped to [0, 1].

    `field` (B, 3, H, W) holds uniform numbers in [0, 1). Where `is_gray` (B,) is true, the noise is that of the gray
    picture, the same in all channels; the three channels of its field must be equal.
    The number of photons at full white is the number of distinct 8-bit levels, rounded up to a power of two, as in
    `generate_poisson_noise_pt` of basicsr (after scikit-image).
    """
    levels = _levels_of(image, is_gray)
    exponents = _log2_of_distinct(levels).view(-1, 1, 1, 1)
    law = levels.add(exponents, alpha=_LEVELS)
    photons = _poisson_by_alias(law, field)
    at_white = torch.bitwise_left_shift(1, exponents)
    noise = photons.div_(at_white).sub_(levels, alpha=1 / 255)
    return noise.mul_(scale.view(-1, 1, 1, 1)).add_(image).clamp_(0, 1)


def _levels_of(image: Tensor, is_gray: Tensor) -> Tensor:
    """Return the 8-bit levels (B, 3, H, W) as whole floats; those of the gray picture where asked for."""
    red, green, blue = image.split(1, dim=1)
    gray = _GRAY_WEIGHTS[0] * red + _GRAY_WEIGHTS[1] * green + _GRAY_WEIGHTS[2] * blue
    return round_halves_up(torch.where(is_gray.view(-1, 1, 1, 1), gray, image).mul_(255)).clamp_(0, 255)


def _log2_of_distinct(levels: Tensor) -> Tensor:
    """Return ceil(log2(number of distinct levels)) (B,) of `levels` (B, C, H, W), without sorting."""
    is_present = levels.new_zeros(levels.shape[0], _LEVELS)
    is_present.scatter_(1, levels.flatten(1).long(), 1.0)
    # The logarithm rounded up is the number of powers of two below the count, which needs no rounding of a logarithm.
    powers = torch.bitwise_left_shift(1, torch.arange(_LOG2_COUNTS - 1, device=levels.device))
    return (is_present.sum(dim=1, keepdim=True) > powers).sum(dim=1)


def _poisson_by_alias(law: Tensor, field: Tensor) -> Tensor:
    """Return a Poisson count for each number of `field`, from the table row `law` (whole numbers, any float shape)."""
    column = torch.floor(field * _COLUMNS)
    fraction = field.mul(_COLUMNS).sub_(column).mul_(1 << _FRACTION_BITS)
    packed = _packed_tables(field.device).index_select(0, law.mul(_COLUMNS).add_(column).int().flatten())
    packed = packed.view_as(field)
    alias = packed.bitwise_and(_COLUMNS - 1).to(field.dtype)
    return torch.where(fraction < packed.bitwise_right_shift(9), column, alias)


@functools.lru_cache(maxsize=8)
def _packed_tables(device: torch.device) -> Tensor:
    """Return all tables (9 * 256 * 512,) as int32: the alias in the low 9 bits, above them the share of the column."""
    accept, alias = _alias_tables(_poisson_probabilities())
    share = np.rint(accept * (1 << _FRACTION_BITS)).astype(np.int32)
    return torch.from_numpy((share * _COLUMNS + alias.astype(np.int32)).ravel()).to(device)


def _poisson_probabilities() -> np.ndarray:
    """Return P(count = column) (9 * 256, 512); row 256 * exponent + level is for the mean level / 255 * 2**exponent."""
    mean = (2.0 ** np.arange(_LOG2_COUNTS)[:, None] * np.arange(_LEVELS) / 255).reshape(-1, 1)
    columns = np.arange(_COLUMNS)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(columns[1:]))))
    log_mean = np.log(np.maximum(mean, 1e-300))  # At mean 0 only the count 0 is possible.
    return np.exp(columns * log_mean - mean - log_factorial)


def _alias_tables(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row the share of every column (rows, K) and the column that takes the rest.

    Walker's alias method (1977) in sorted order, all rows at once: each step closes one column, either the next small
    one or a large one that has given so much that it became small, and lets the next large column fill it up.
    """
    rows, size = probabilities.shape
    weights = probabilities / probabilities.sum(axis=1, keepdims=True) * size
    order = np.argsort(weights, axis=1, kind="stable")
    weights = np.take_along_axis(weights, order, axis=1)
    row = np.arange(rows)
    first_large = np.minimum((weights < 1).sum(axis=1), size - 1)
    small, large = np.zeros(rows, dtype=int), first_large.copy()
    rest = weights[row, large]
    accept, alias = np.ones((rows, size)), np.tile(np.arange(size), (rows, 1))
    for _ in range(size - 1):
        takes_small = (small < first_large) & ((rest >= 1) | (large == size - 1))
        closed = np.where(takes_small, small, large)
        share = np.where(takes_small, weights[row, small], rest)
        giver = np.where(takes_small, large, np.minimum(large + 1, size - 1))
        accept[row, order[row, closed]] = np.minimum(share, 1)
        alias[row, order[row, closed]] = order[row, giver]
        rest = np.where(takes_small, rest, weights[row, giver]) - (1 - share)
        small, large = small + takes_small, giver
    return accept, alias
