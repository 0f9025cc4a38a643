"""By how many degrees the edges of a picture are turned against those of the truth: bent and broken lines.

Architecture is lines, and a network that has not understood its input bends them, or weaves them into another
direction; PSNR hardly sees that. The orientation at a pixel is that of the structure tensor (Foerstner and Guelch 1987;
Bigun and Granlund, "Optimal orientation detection of linear symmetry", ICCV 1987), from derivatives of a Gaussian.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from realesrgan_arch.evaluation.metrics import check_same_shape, luma_levels

_DERIVATIVE_SIGMA = 1.0
_TENSOR_SIGMA = 2.0
STRONG_GRADIENT = 10.0
"""Levels a pixel: what counts as an edge of the truth. Grain and gradients of the sky are below."""
_COHERENCE = 0.5
"""How much of the gradient has one direction, from 0 (a corner, foliage) to 1 (a straight line)."""
_MARGIN = 8
"""Pixels at each edge that see the mirrored picture, whose lines have a kink there."""
_NO_DIRECTION = 45.0
"""The mean error of guessing, for a place where the picture has no direction at all."""

Plane = NDArray[np.float32]


def orientation_error(image: Tensor, reference: Tensor, *, border: int = 0) -> float:
    """Return the mean angle in degrees, 0 to 90, between the orientations of `image` and `reference` on its edges.

    Edges are pixels of the reference with a gradient of `STRONG_GRADIENT` levels and one direction; each counts with
    its gradient. Blur and contrast do not turn an edge and cost nothing here.

    Args:
        image: RGB (3, H, W) in [0, 1]; the luma is looked at.
        reference: the same shape.
        border: pixels left out at each edge.

    Returns:
        NaN where the reference has no such edge farther than 8 pixels inside.

    Raises:
        ValueError: wrong or different shapes, or nothing left inside the border.
    """
    check_same_shape(image, reference)
    cosine, sine, energy = _double_angle(luma_levels(reference, border=border))
    strength = np.hypot(cosine, sine)
    is_edge = (energy >= STRONG_GRADIENT**2) & (strength >= _COHERENCE * energy)
    if not is_edge.any():
        return math.nan
    other_cosine, other_sine, _ = _double_angle(luma_levels(image, border=border))
    degrees = _angle_between((cosine[is_edge], sine[is_edge]), (other_cosine[is_edge], other_sine[is_edge]))
    return float(np.average(degrees.astype(np.float64), weights=np.sqrt(energy[is_edge])))


def _angle_between(first: tuple[Plane, Plane], second: tuple[Plane, Plane]) -> Plane:
    """Return the angle between two orientations, whose doubled angles are given as (cosine, sine) times anything."""
    inner = first[0] * second[0] + first[1] * second[1]
    cross = first[0] * second[1] - first[1] * second[0]
    degrees = np.rad2deg(np.arctan2(np.abs(cross), inner)) / 2
    return np.where((second[0] == 0) & (second[1] == 0), np.float32(_NO_DIRECTION), degrees)


def _double_angle(luma: Plane) -> tuple[Plane, Plane, Plane]:
    """Return Jxx - Jyy, 2 Jxy and Jxx + Jyy of the structure tensor of luma (H, W), in squared levels a pixel."""
    smooth = _smooth(luma, _DERIVATIVE_SIGMA)
    across, down = (
        np.asarray(cv2.Scharr(smooth, cv2.CV_32F, *order, scale=1 / 32, borderType=cv2.BORDER_REFLECT), np.float32)
        for order in ((1, 0), (0, 1))
    )
    parts = (across * across - down * down, 2 * across * down, across * across + down * down)
    inside = slice(_MARGIN, -_MARGIN)
    cosine, sine, energy = (_smooth(part, _TENSOR_SIGMA)[inside, inside] for part in parts)
    return cosine, sine, energy


def _smooth(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
