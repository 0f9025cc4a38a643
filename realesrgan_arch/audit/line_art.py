"""How much a picture looks like a drawing: flat areas of few colours with thin lines, instead of texture.

The first three statistics are those that separated plans from photographs best in the project's own measurement (share
of the most frequent colour, share of flat pixels, entropy of the gray histogram); `docs/audit.md` has the numbers.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE = 512
"""Pixels of the copy on which these statistics are taken, so that they do not depend on the resolution."""
_FLAT_RANGE = 2
_WHITE_FROM = 245
_BITS = 5

Uint8 = NDArray[np.uint8]


@dataclass(frozen=True)
class LineArtStatistics:
    """Shares are of all pixels, in [0, 1]."""

    top_color_share: float
    """Of the most frequent colour at 5 bits a channel."""
    flat_share: float
    """Pixels whose 3x3 neighbourhood spans at most 2 levels of gray."""
    gray_entropy: float
    """Of the histogram of 256 levels, in bits: 0 to 8."""
    near_white_share: float
    """Pixels whose darkest channel is 245 or more."""
    saturation: float
    """Mean of (max - min) / max over the channels."""


def shrink(pixels: Uint8) -> Uint8:
    """Return uint8 pixels (H, W, 3) scaled by area so that the long side is at most 512; smaller ones as they are."""
    height, width = pixels.shape[:2]
    factor = LONG_SIDE / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def measure_line_art(small: Uint8) -> LineArtStatistics:
    """Return the statistics of RGB pixels (H, W, 3), as `shrink` gives them."""
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    highest, lowest = small.max(axis=2), small.min(axis=2)
    chroma = (highest - lowest) / np.maximum(highest, 1).astype(np.float32)
    return LineArtStatistics(
        top_color_share=_top_color_share(small),
        flat_share=_flat_share(gray),
        gray_entropy=_entropy(gray),
        near_white_share=float((lowest >= _WHITE_FROM).mean()),
        saturation=float(chroma.mean(dtype=np.float64)),
    )


def _top_color_share(small: Uint8) -> float:
    codes = (small >> (8 - _BITS)).astype(np.int32)
    codes = (codes[..., 0] << 2 * _BITS) | (codes[..., 1] << _BITS) | codes[..., 2]
    return float(np.bincount(codes.ravel()).max() / codes.size)


def _flat_share(gray: Uint8) -> float:
    kernel = np.ones((3, 3), np.uint8)
    span = cv2.subtract(cv2.dilate(gray, kernel), cv2.erode(gray, kernel))
    return float((span <= _FLAT_RANGE).mean())


def _entropy(gray: Uint8) -> float:
    shares = np.bincount(gray.ravel(), minlength=256) / gray.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
