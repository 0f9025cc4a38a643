"""How far the colours of two pictures lie apart, seen from so far off that no detail is left.

A restored picture may have every edge right and yet a cast, a faded facade or a banded sky, of which PSNR says little.
Both pictures are blurred and compared in CIELAB (CIE 15:2004, D65): the distance is that of CIE 1976, in which about
2.3 can just be noticed (Mahy, Van Eycken and Oosterlinck, "Evaluation of uniform color spaces", Color Research and
Application 1994). To blur first is the idea of S-CIELAB (Zhang and Wandell, SID 1996) and of the colour loss of Ignatov
et al., "DSLR-quality photos on mobile devices" (ICCV 2017), whose Gaussian is narrower (3 pixels): here what a network
makes up at x4 should not count. The blur is one of coded values: in linear light a picture that has lost its texture
would be darker, and that is no error of colour.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from realesrgan_arch.evaluation.metrics import Planes, check_same_shape, rgb_levels

BLUR_SIGMA = 8.0
"""In pixels of the result: two pixels of the input at x4."""
_TAPS = 49


def color_error(image: Tensor, reference: Tensor, *, border: int = 0) -> float:
    """Return the mean distance of the blurred colours in CIELAB units (Delta E 1976); 0 for equal pictures.

    Args:
        image: RGB (3, H, W) in [0, 1]; values outside are clamped.
        reference: the same shape.
        border: pixels left out at each edge, before the blur, which mirrors what is left.

    Raises:
        ValueError: wrong or different shapes, or nothing left inside the border.
    """
    check_same_shape(image, reference)
    first, second = (_blurred_lab(rgb_levels(picture, border=border)) for picture in (image, reference))
    return float(np.sqrt(np.square(first - second).sum(axis=2)).mean(dtype=np.float64))


def _blurred_lab(levels: Planes) -> NDArray[np.floating]:
    """Return CIELAB (H, W, 3) of RGB levels (3, H, W)."""
    unit = np.ascontiguousarray(levels.transpose(1, 2, 0)) / 255
    blurred = cv2.GaussianBlur(unit, (_TAPS, _TAPS), BLUR_SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.cvtColor(blurred, cv2.COLOR_RGB2Lab), np.float32)
