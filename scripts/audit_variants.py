"""Made examples for `measure_audit.py`: plans scanned, printed and photographed; photographs under stress; fakes.

Every function takes and returns uint8 RGB (H, W, 3); `generator` is seeded from the picture's number.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Variant = Callable[[Pixels, np.random.Generator], Pixels]


def rounded(values: Any) -> Pixels:
    """Back to whole levels of 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Save and read again."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def resized(pixels: Pixels, factor: float, interpolation: int = cv2.INTER_AREA) -> Pixels:
    """Scale both sides."""
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=interpolation), np.uint8)


def to_long_side(pixels: Pixels, side: int) -> Pixels:
    """Make larger pictures smaller, by area."""
    factor = side / max(pixels.shape[:2])
    return resized(pixels, factor) if factor < 1 else pixels


def noisy(pixels: Pixels, sigma: float, generator: np.random.Generator) -> Pixels:
    """Add Gaussian noise to every channel."""
    return rounded(pixels + generator.normal(0, sigma, pixels.shape))


def paper(pixels: Pixels, sigma: float, width: float, generator: np.random.Generator) -> Pixels:
    """Add the grain of paper: Gaussian noise, blurred by `width`."""
    grain = cv2.GaussianBlur(generator.normal(0, 1, pixels.shape[:2]), (0, 0), width)
    return rounded(pixels + (grain * sigma / grain.std())[..., None])


def lit(pixels: Pixels, darkest: float, generator: np.random.Generator) -> Pixels:
    """Let the light fall off to `darkest` in one direction."""
    angle = generator.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    slope = np.cos(angle) * columns / pixels.shape[1] + np.sin(angle) * rows / pixels.shape[0]
    slope = (slope - slope.min()) / (slope.max() - slope.min())
    return rounded(pixels * (darkest + (1 - darkest) * slope)[..., None])


def tilted(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Lay the sheet on a table of gray wood, as a hand-held camera sees it."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * generator.uniform(0.01, 0.06, (4, 2)) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, (corners + inwards).astype(np.float32))
    sheet = cv2.warpPerspective(pixels, matrix, (width, height))
    mask = cv2.warpPerspective(np.full((height, width, 1), 255, np.uint8), matrix, (width, height)) / 255.0
    table = paper(np.full_like(pixels, 110), 18, 6, generator)
    return rounded(sheet * mask[..., None] + table * (1 - mask[..., None]))


def filled(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Give the larger even areas colours, as a rendered plan has them."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    ground = (gray < 100 if np.median(gray) < 100 else gray > 150).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ground, connectivity=4)
    large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] > 0.004 * gray.size]
    result = pixels.copy()
    for label in large:
        result[labels == label] = generator.integers(90, 256, 3)
    return result


def blueprint(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """White lines on blue paper."""
    ink = 255.0 - cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
    return jpeg(paper(rounded(np.array([28, 58, 138]) + ink * np.array([0.8, 0.75, 0.45])), 4, 2, generator), 85)


def photographed(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A sheet on a table in warm, uneven light."""
    sheet = paper(rounded(tilted(pixels, generator) * 0.75 + 10), 3, 3, generator)
    warm = rounded(lit(sheet, 0.6, generator) * np.array([1, 0.96, 0.88]))
    return jpeg(noisy(warm, 4, generator), 85)


PLANS: Mapping[str, Variant] = {
    "as it is": lambda p, g: p,
    "inverted": lambda p, g: 255 - p,
    "yellow paper": lambda p, g: rounded(p * np.array([1, 0.95, 0.78])),
    "gray paper, JPEG 80": lambda p, g: jpeg(noisy(rounded(50 + p * 0.6), 3, g), 80),
    "JPEG 15": lambda p, g: jpeg(p, 15),
    "noise, JPEG 50": lambda p, g: jpeg(noisy(p, 10, g), 50),
    "noise of 20 levels": lambda p, g: noisy(p, 20, g),
    "blurred": lambda p, g: np.asarray(cv2.GaussianBlur(p, (0, 0), 1.5), np.uint8),
    "300 pixels": lambda p, g: to_long_side(p, 300),
    "160 pixels": lambda p, g: to_long_side(p, 160),
    "low contrast": lambda p, g: rounded(170 + p * 0.27),
    "blueprint": blueprint,
    "scanned": lambda p, g: jpeg(noisy(lit(paper(rounded(p * 0.85 + 15), 4, 1.5, g), 0.85, g), 3, g), 75),
    "coarse paper": lambda p, g: jpeg(paper(rounded(p * 0.9), 9, 1.2, g), 80),
    "photographed": photographed,
    "coloured": filled,
    "coloured, noise, JPEG 70": lambda p, g: jpeg(noisy(filled(p, g), 4, g), 70),
    "coloured areas only": lambda p, g: np.asarray(cv2.medianBlur(filled(p, g), 9), np.uint8),
}
PHOTOS: Mapping[str, Variant] = {
    "as it is": lambda p, g: p,
    "black and white": lambda p, g: np.asarray(cv2.cvtColor(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)),
    "overexposed by 0.85 stops": lambda p, g: rounded(p * 1.8),
    "fog": lambda p, g: rounded(150 + p * 0.38),
    "underexposed": lambda p, g: rounded(p * 0.15),
    "night": lambda p, g: rounded((p / 255.0) ** 3 * 255),
    "high key": lambda p, g: rounded(255 - (255 - p) * 0.4),
    "hard contrast": lambda p, g: rounded((p - 128.0) * 2.2 + 128),
    "JPEG 10": lambda p, g: jpeg(p, 10),
    "top 30 % only (sky)": lambda p, g: p[: max(64, int(p.shape[0] * 0.3))],
    "bilateral filter": lambda p, g: np.asarray(cv2.bilateralFilter(p, 9, 60, 9), np.uint8),
    "300 pixels": lambda p, g: to_long_side(p, 300),
    "upper half pure white": lambda p, g: np.vstack([np.full_like(p, 253)[: len(p) // 2], p[: len(p) // 2]]),
}


def _half_then(factor: float, interpolation: int, quality: int = 0) -> Variant:
    """Cut a part, make it smaller by area and sharp, then enlarge it by `factor`."""

    def make(pixels: Pixels, _: np.random.Generator) -> Pixels:
        large = resized(resized(pixels[:1024, :1024], 0.5), factor, interpolation)
        return jpeg(large, quality) if quality else large

    return make


FAKES: Mapping[str, tuple[str, Variant]] = {
    "bicubic x1.5": ("upscaled", _half_then(1.5, cv2.INTER_CUBIC)),
    "bicubic x2": ("upscaled", _half_then(2, cv2.INTER_CUBIC)),
    "bicubic x2, JPEG 90": ("upscaled", _half_then(2, cv2.INTER_CUBIC, 90)),
    "bicubic x3": ("upscaled", _half_then(3, cv2.INTER_CUBIC)),
    "bicubic x4": ("upscaled", _half_then(4, cv2.INTER_CUBIC)),
    "bicubic x4, JPEG 90": ("upscaled", _half_then(4, cv2.INTER_CUBIC, 90)),
    "Lanczos x2": ("upscaled", _half_then(2, cv2.INTER_LANCZOS4)),
    "bilinear x2": ("upscaled", _half_then(2, cv2.INTER_LINEAR)),
    "area x2": ("upscaled", _half_then(2, cv2.INTER_AREA)),
    "nearest x2": ("upscaled", _half_then(2, cv2.INTER_NEAREST)),
    "nearest x4": ("upscaled", _half_then(4, cv2.INTER_NEAREST)),
    "nearest x4, JPEG 90": ("upscaled", _half_then(4, cv2.INTER_NEAREST, 90)),
    "blur of 1 pixel": ("blurred", lambda p, g: np.asarray(cv2.GaussianBlur(p[:1024, :1024], (0, 0), 1), np.uint8)),
    "blur of 2 pixels": ("blurred", lambda p, g: np.asarray(cv2.GaussianBlur(p[:1024, :1024], (0, 0), 2), np.uint8)),
    "blur of 3 pixels": ("blurred", lambda p, g: np.asarray(cv2.GaussianBlur(p[:1024, :1024], (0, 0), 3), np.uint8)),
    "PNG of a JPEG 10": ("compressed", lambda p, g: jpeg(resized(p[:1024, :1024], 0.5), 10)),
    "PNG of a JPEG 30": ("compressed", lambda p, g: jpeg(resized(p[:1024, :1024], 0.5), 30)),
    "PNG of a JPEG 50": ("compressed", lambda p, g: jpeg(resized(p[:1024, :1024], 0.5), 50)),
    "PNG of a JPEG 75": ("compressed", lambda p, g: jpeg(resized(p[:1024, :1024], 0.5), 75)),
}
"""Name -> the reason that should find it, and how it is made.

Most start from a picture that was halved, so that it is sharp.
"""
