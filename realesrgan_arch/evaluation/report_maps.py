"""Where a result is wrong, and where one result is nearer to the truth than another, as coloured pictures."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from realesrgan_arch.image_formats import Pixels

BRIGHTEST = 64
"""The error in levels of 255 from which an error map is white."""
FULL_GAIN = 24
"""The difference of two errors from which a gain map is fully coloured."""
_SIGMA = 1.5
_NEUTRAL, _NEARER, _FARTHER = (np.array(color, np.float32) for color in ((34, 34, 36), (64, 214, 178), (255, 106, 61)))

Errors = NDArray[np.float32]


def errors(result: Pixels, truth: Pixels) -> Errors:
    """Return the mean absolute error over R, G and B of each pixel, (H, W), in levels of 255."""
    return np.abs(result.astype(np.float32) - truth.astype(np.float32)).mean(axis=2)


def error_map(error: Errors) -> Pixels:
    """Return `error` in the colours of heat at half the size: black is right, white is `BRIGHTEST` levels off."""
    levels = np.clip(_halved(error) * (255 / BRIGHTEST), 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def gain_map(before: Errors, after: Errors) -> Pixels:
    """Return where `after` is nearer to the truth than `before` (green) or farther from it (orange), at half size.

    The errors are smoothed, as single pixels would hide the places behind noise.
    """
    smooth = [cv2.GaussianBlur(error, (0, 0), _SIGMA) for error in (before, after)]
    gain = np.clip(_halved(smooth[0] - smooth[1]) / FULL_GAIN, -1, 1)[..., None]
    colored = _NEUTRAL + np.abs(gain) * (np.where(gain > 0, _NEARER, _FARTHER) - _NEUTRAL)
    return colored.round().astype(np.uint8)


def _halved(values: MatLike) -> MatLike:
    height, width = values.shape[:2]
    return cv2.resize(values, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
