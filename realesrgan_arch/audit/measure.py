"""One picture -> the numbers that `judge.py` compares with thresholds."""

import math
from dataclasses import dataclass
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from realesrgan_arch.audit.compression import measure_block_grid
from realesrgan_arch.audit.file_facts import read_facts
from realesrgan_arch.audit.line_art import line_art_probability, measure_line_art, shrink
from realesrgan_arch.audit.sharpness import measure_repetition, measure_sharpness
from realesrgan_arch.audit.spectrum import measure_spectrum_fall
from realesrgan_arch.audit.windows import busiest_windows
from realesrgan_arch.image_header import ImageHeader

_SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Measurements:
    """Plain numbers, JSON as they are; rounded to 6 significant digits, so that every run stores the same.

    What each is measured on and how: `docs/audit.md`.
    """

    width: int
    """Of the upright picture."""
    height: int
    is_animated: bool
    is_cmyk: bool
    has_alpha: bool
    bits: int
    """A channel, as stored."""
    orientation: int
    """EXIF's 1 to 8."""
    jpeg_quality: float | None
    """1 to 100; None when the file is no JPEG."""
    block_grid: float
    """Strength of an 8x8 grid in the pixels: 0 (none) to 1."""
    sharpness: float | None
    """0 (blurred) to 1; None when nothing in it has contrast."""
    spectrum_fall: float | None
    """Steepest fall of the spectrum in dB; None for a picture below 256 x 256."""
    repetition: float
    """0 to 1: 1 when pixels are repeated to enlarge the picture."""
    contrast: float
    """Standard deviation of gray, in levels of 255."""
    colorfulness: float
    """Mean difference between the largest and the smallest channel, in levels of 255."""
    line_asymmetry: float
    halftone_share: float
    gray_entropy: float
    """In bits."""
    line_art: float
    """Probability that it is a drawing, from the three numbers before."""


def measure(data: bytes, header: ImageHeader, pixels: NDArray[np.uint8]) -> Measurements:
    """Measure one picture: the bytes of its file, its header, and its upright uint8 RGB pixels (H, W, 3).

    Six full-resolution windows and a copy of 512 pixels are looked at, so that decoding takes most of the time.
    """
    facts = read_facts(data, header)
    small = shrink(pixels)
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    windows = busiest_windows(pixels, gray)
    lines = measure_line_art(gray)
    width, height = header.size
    return Measurements(
        width=width,
        height=height,
        is_animated=facts.is_animated,
        is_cmyk=header.mode == "CMYK",
        has_alpha=facts.has_alpha,
        bits=facts.bits,
        orientation=header.orientation,
        jpeg_quality=facts.jpeg_quality,
        block_grid=_rounded(measure_block_grid(windows)),
        sharpness=_rounded(measure_sharpness(windows)),
        spectrum_fall=_rounded(measure_spectrum_fall(windows)),
        repetition=_rounded(measure_repetition(windows)),
        contrast=_rounded(float(cv2.meanStdDev(gray)[1][0, 0])),
        colorfulness=_rounded(_colorfulness(small)),
        line_asymmetry=_rounded(lines.line_asymmetry),
        halftone_share=_rounded(lines.halftone_share),
        gray_entropy=_rounded(lines.gray_entropy),
        line_art=_rounded(line_art_probability(lines)),
    )


def _colorfulness(small: NDArray[np.uint8]) -> float:
    red, green, blue = cv2.split(small)
    highest, lowest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return cv2.norm(highest, lowest, cv2.NORM_L1) / highest.size


@overload
def _rounded(value: float) -> float: ...
@overload
def _rounded(value: float | None) -> float | None: ...
def _rounded(value: float | None) -> float | None:
    if not value or not math.isfinite(value):
        return value
    return round(value, _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))))
