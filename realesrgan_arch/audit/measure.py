"""One picture -> the numbers that `judge.py` compares with thresholds."""

import math
from dataclasses import dataclass
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from realesrgan_arch.audit.compression import measure_block_grid
from realesrgan_arch.audit.file_facts import read_facts
from realesrgan_arch.audit.line_art import measure_line_art, shrink
from realesrgan_arch.audit.sharpness import measure_sharpness
from realesrgan_arch.audit.spectrum import find_spectrum_break
from realesrgan_arch.audit.windows import busiest_windows
from realesrgan_arch.image_header import ImageHeader

_SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Measurements:
    """Plain numbers, JSON as they are; rounded to 6 significant digits, so that every machine stores the same.

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
    spectrum_end: float | None
    """Cycles a pixel at which that is: up to 0.5."""
    contrast: float
    """Standard deviation of gray, in levels of 255."""
    colorfulness: float
    """Mean difference between the largest and the smallest channel, in levels of 255."""
    top_color_share: float
    flat_share: float
    gray_entropy: float
    near_white_share: float
    saturation: float


def measure(data: bytes, header: ImageHeader, pixels: NDArray[np.uint8]) -> Measurements:
    """Measure one picture: the bytes of its file, its header, and its upright uint8 RGB pixels (H, W, 3).

    Eight full-resolution windows and a copy of 512 pixels are looked at, so that decoding takes most of the time.
    """
    facts = read_facts(data, header)
    small = shrink(pixels)
    windows = busiest_windows(pixels, small)
    ending = find_spectrum_break(windows)
    lines = measure_line_art(small)
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
        spectrum_fall=_rounded(ending.fall if ending else None),
        spectrum_end=_rounded(ending.frequency if ending else None),
        contrast=_rounded(float(np.std(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float64))),
        colorfulness=_rounded(float((small.max(axis=2) - small.min(axis=2)).mean(dtype=np.float64))),
        top_color_share=_rounded(lines.top_color_share),
        flat_share=_rounded(lines.flat_share),
        gray_entropy=_rounded(lines.gray_entropy),
        near_white_share=_rounded(lines.near_white_share),
        saturation=_rounded(lines.saturation),
    )


@overload
def _rounded(value: float) -> float: ...
@overload
def _rounded(value: float | None) -> float | None: ...
def _rounded(value: float | None) -> float | None:
    if not value or not math.isfinite(value):
        return value
    return round(value, _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))))
