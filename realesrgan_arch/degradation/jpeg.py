"""JPEG's loss without its file: colour, 4:2:0 subsampling, 8x8 cosine transform, quantisation, and back.

Equals `DiffJPEG(differentiable=False)` of basicsr (after mlomnitz/DiffJPEG), which leaves out the rounding of pixels to
8 bits. Tables: ITU-T T.81, Annex K; quality to table factor as in the IJG library.
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from realesrgan_arch.degradation.operators import round_halves_up

_BLOCK = 8
_MCU = 16  # Luma blocks are 8x8 and chroma is halved, so a whole number of blocks needs multiples of 16.
_MID_GRAY = 128 / 255
_FINEST_FACTOR = 1e-3
"""At quality 100 the formula gives 0, by which nothing can be divided."""

_LUMA_WEIGHTS = (0.299, 0.587, 0.114)
_CHROMA_FROM_RGB = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_RGB_FROM_CHROMA = ((0.0, 1.402), (-0.344136, -0.714136), (1.772, 0.0))

_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * _BLOCK,) * 4,
)


def jpeg(image: Tensor, quality: Tensor) -> Tensor:
    """Return `image` (B, 3, H, W; RGB in [0, 1], clamped first) as it looks after JPEG at `quality` (B,), in (0, 100].

    Quality need not be whole; 100 loses next to nothing but half of the colour's resolution. Sizes that are no multiple
    of 16 are filled with black at the bottom and right.
    """
    height, width = image.shape[-2:]
    rgb = F.pad(image.clamp(0, 1), (0, -width % _MCU, 0, -height % _MCU))
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50).clamp(min=_FINEST_FACTOR)
    luma = _quantise(_luma(rgb), _LUMA_TABLE, factor)
    chroma = _quantise(_half_size_chroma(rgb), _CHROMA_TABLE, factor)
    return _to_rgb(luma, chroma)[..., :height, :width].clamp_(0, 1)


def _luma(rgb: Tensor) -> Tensor:
    """Return (B, 1, H, W), shifted so that mid-gray is 0."""
    red, green, blue = rgb.split(1, dim=1)
    luma = red.mul(_LUMA_WEIGHTS[0]).sub_(_MID_GRAY)
    return luma.add_(green, alpha=_LUMA_WEIGHTS[1]).add_(blue, alpha=_LUMA_WEIGHTS[2])


def _half_size_chroma(rgb: Tensor) -> Tensor:
    """Return Cb and Cr (B, 2, H/2, W/2) around 0."""
    # Averaging and the colour matrix commute, and a quarter of the pixels is cheaper to convert.
    return torch.einsum("kc,bchw->bkhw", _constant(_CHROMA_FROM_RGB, rgb.dtype, rgb.device), F.avg_pool2d(rgb, 2))


def _to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    tint = torch.einsum("ck,bkhw->bchw", _constant(_RGB_FROM_CHROMA, chroma.dtype, chroma.device), chroma)
    return F.interpolate(tint, scale_factor=2, mode="nearest").add_(luma + _MID_GRAY)


def _quantise(planes: Tensor, table: tuple[tuple[float, ...], ...], factor: Tensor) -> Tensor:
    """Round the cosine coefficients of each 8x8 block of `planes` (B, C, H, W) to multiples of `table * factor`."""
    blocks = F.pixel_unshuffle(planes, _BLOCK)  # (B, C * 64, H/8, W/8): the 64 pixels of a block become channels
    cosines = _cosine_basis(planes)
    # Upstream's tables are transposed against Annex K (vertical frequencies take the horizontal weights); kept equal.
    step = _constant(table, planes.dtype, planes.device).T.reshape(-1, 1) * (factor.view(-1, 1, 1, 1) / 255)
    coefficients = cosines @ blocks.view(*planes.shape[:2], _BLOCK**2, -1)
    rounded = round_halves_up(coefficients.div_(step)).mul_(step)
    return F.pixel_shuffle((cosines.mT @ rounded).view_as(blocks), _BLOCK)


@functools.lru_cache(maxsize=32)
def _constant(rows: tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return `rows` as a tensor; copied to a device once, because the host waits for such a copy."""
    return torch.tensor(rows, dtype=dtype, device=device)


def _cosine_basis(like: Tensor) -> Tensor:
    """Return the cosine transform of a block as one matrix (64 coefficients, 64 pixels); its transpose undoes it."""
    index = torch.arange(_BLOCK, dtype=like.dtype, device=like.device)
    rows = torch.cos((2 * index[None, :] + 1) * index[:, None] * (math.pi / 16)) / 2
    rows[0] /= math.sqrt(2)
    return torch.kron(rows, rows)
