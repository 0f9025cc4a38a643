"""How much a picture looks like a drawing: thin lines on an even ground, instead of surfaces, light and texture.

Three statistics of a small copy, and a logistic model of them. Which other statistics were tried, how the weights were
made, and what the model gets wrong: `docs/audit.md`; `scripts/measure_audit.py` trains and measures it again.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE = 512
"""Pixels of the copy, so that the statistics do not depend on the resolution."""
_LINE_WIDTH = 9
_GROUND_WIDTH = 41
_HALFTONES = (0.12, 0.4)
_INK_SHARE = 0.995
_LEAST_INK = 8
_LEAST_STEP = 0.5

Uint8 = NDArray[np.uint8]


@dataclass(frozen=True)
class LineArtStatistics:
    """What the model is made of, in the order of its weights."""

    line_asymmetry: float
    """How one-sided the lines are, 0 to 1: of a drawing they are all darker, or all lighter, than their ground."""
    halftone_share: float
    """Share of pixels between the ground and the ink, 0 to 1: shading and texture."""
    gray_entropy: float
    """Of the histogram of 256 levels, in bits: 0 to 8."""


@dataclass(frozen=True)
class LineArtModel:
    """Logistic model: the probability is that of `bias + sum of weight * min(statistic, cap)`.

    Capped, so that a wall of bricks is not saved or lost by one statistic alone.
    """

    bias: float
    weights: tuple[float, float, float]
    caps: tuple[float, float, float]


SHIPPED_MODEL = LineArtModel(bias=2.54, weights=(15.052, -17.827, -0.524), caps=(0.4, 0.3, 8.0))
"""Trained by `scripts/measure_audit.py`."""


def shrink(pixels: Uint8) -> Uint8:
    """Return uint8 pixels (H, W, 3) scaled by area so that the long side is at most 512; smaller ones as they are."""
    height, width = pixels.shape[:2]
    factor = LONG_SIDE / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def measure_line_art(gray: Uint8) -> LineArtStatistics:
    """Return the statistics of gray pixels (H, W) of a small copy, as `shrink` gives it."""
    # The grain of paper and of JPEG must not look like lines.
    smooth = np.asarray(cv2.medianBlur(gray, 3), np.uint8)
    return LineArtStatistics(
        line_asymmetry=_line_asymmetry(smooth),
        halftone_share=_halftone_share(smooth),
        gray_entropy=_entropy(gray),
    )


def model_terms(statistics: LineArtStatistics, caps: Sequence[float]) -> tuple[float, float, float]:
    """Return the inputs of a model with these caps."""
    asymmetry, halftones, entropy = map(min, astuple(statistics), caps)
    return asymmetry, halftones, entropy


def line_art_probability(statistics: LineArtStatistics, model: LineArtModel = SHIPPED_MODEL) -> float:
    """Return how likely a picture with these statistics is a drawing, 0 to 1, were half of all pictures drawings."""
    weighted = zip(model.weights, model_terms(statistics, model.caps), strict=True)
    return 1 / (1 + math.exp(-(model.bias + sum(weight * term for weight, term in weighted))))


def _line_asymmetry(gray: Uint8) -> float:
    """Difference between what is left of all steps without dark lines, and without light ones.

    Closing removes dark structures up to 9 pixels wide, opening light ones (Serra, "Image analysis and mathematical
    morphology", 1982). A photograph has both in equal measure.
    """
    kernel = np.ones((_LINE_WIDTH, _LINE_WIDTH), np.uint8)
    without_dark = _mean_step(np.asarray(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, kernel), np.uint8))
    without_light = _mean_step(np.asarray(cv2.morphologyEx(gray, cv2.MORPH_OPEN, kernel), np.uint8))
    return abs(without_dark - without_light) / (_mean_step(gray) + _LEAST_STEP)


def _mean_step(gray: Uint8) -> float:
    """Mean difference between neighbours below each other plus that between neighbours in a row, in levels."""
    down = cv2.norm(gray[1:], gray[:-1], cv2.NORM_L1) if gray.shape[0] > 1 else 0.0
    across = cv2.norm(gray[:, 1:], gray[:, :-1], cv2.NORM_L1) if gray.shape[1] > 1 else 0.0
    return (down + across) / gray.size


def _halftone_share(gray: Uint8) -> float:
    """The ground is the local median, so that neither shadow nor tint of the paper counts; ink is furthest from it."""
    half = cv2.resize(gray, (max(1, gray.shape[1] // 2), max(1, gray.shape[0] // 2)), interpolation=cv2.INTER_AREA)
    distance = cv2.absdiff(half, cv2.medianBlur(half, _GROUND_WIDTH))
    counts = np.bincount(distance.ravel(), minlength=256)
    ink = max(_LEAST_INK, int(np.searchsorted(np.cumsum(counts), _INK_SHARE * half.size)))
    low, high = (math.floor(share * ink) + 1 for share in _HALFTONES)
    return float(counts[low:high].sum() / half.size)


def _entropy(gray: Uint8) -> float:
    shares = np.bincount(gray.ravel(), minlength=256) / gray.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
