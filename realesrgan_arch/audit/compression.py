"""How heavily a picture was compressed: from the tables of a JPEG, or from the 8x8 grid that one left in its pixels."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

# ITU-T T.81, annex K.1: the luminance table that quality 50 of the Independent JPEG Group stands for, row by row.
_LUMINANCE_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_BLOCK = 8
_FEW_PEAKS = 0.01


def ijg_quality(luminance_table: Sequence[int]) -> float:
    """Return the quality, 1 to 100 on the scale of libjpeg, whose luminance table is nearest to 64 given steps.

    Steps are in rows, not in zigzag order. For files of libjpeg it is their quality; cameras and Photoshop have tables
    of their own, for which it is the quality that loses about as much.
    """
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = np.clip((np.outer(scales, _LUMINANCE_TABLE) + 50) // 100, 1, 255)
    distances = np.abs(tables - np.asarray(luminance_table)).sum(axis=1)
    return float(qualities[::-1][np.argmin(distances[::-1])])


def measure_block_grid(windows: Sequence[NDArray[np.uint8]]) -> float:
    """Return how much rarer than on a grid of 8 it is elsewhere that a step between pixels is the largest of three.

    Of both directions the weaker one counts, so that blinds or tiles with a period of 8 pixels do not look like a
    JPEG. 0 without a grid, 0.5 when it is half as often, at most 1; mostly above 0.67 at quality 10. Counting instead
    of averaging the steps makes it independent of contrast (compare Wang, Sheikh and Bovik, "No-reference perceptual
    quality assessment of JPEG compressed images", ICIP 2002). Gray windows (H, W) at the resolution of the file, whose
    corners lie on one grid of 8; 0 when there are none.
    """
    if not windows:
        return 0.0
    across = np.mean([_peak_shares(window) for window in windows], axis=0)
    down = np.mean([_peak_shares(window.T) for window in windows], axis=0)
    return min(_strength(across), _strength(down))


def _peak_shares(window: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return for each of 8 column phases the share of steps that are larger than both their neighbours."""
    steps = cv2.absdiff(np.ascontiguousarray(window[:, 1:]), np.ascontiguousarray(window[:, :-1]))
    middle = steps[:, 1:-1]
    peaks = ((middle > steps[:, :-2]) & (middle > steps[:, 2:])).mean(axis=0)
    return np.array([peaks[phase::_BLOCK].mean() for phase in range(_BLOCK)])


def _strength(shares: NDArray[np.float64]) -> float:
    """Compare the other shares with the largest; the addend keeps drawings, which have few peaks, near 0."""
    ordered = np.sort(shares)
    return float(1 - (ordered[:-1].mean() + _FEW_PEAKS) / (ordered[-1] + _FEW_PEAKS))
