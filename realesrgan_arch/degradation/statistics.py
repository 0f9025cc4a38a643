"""How noisy, blurred and blocky a picture is, from its pixels alone: numbers to compare pictures of other content by.

All functions take RGB uint8 (H, W, 3) of at least 64 pixels a side, not enlarged and not rotated since it was
compressed. Noise and blur are told in units that mean something: levels of 255 and pixels.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from realesrgan_arch.audit.compression import measure_block_grid
from realesrgan_arch.images import Pixels

Plane = NDArray[np.float32]

MIN_SIDE = 64
"""Of a picture that can be measured, in pixels."""
_LUMA_WEIGHTS = (0.299, 0.587, 0.114)
_CHROMA_WEIGHTS = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_CHROMA_GAIN = 0.6404
"""Standard deviation of Cb and Cr (root of their mean square) for independent noise of 1 in red, green and blue."""
_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MASK_GAIN = 6.0
_NOISE_BLOCK = 8
_FLAT_SHARE = 0.25
_STRUCTURE_SIGMA = 2.0
_DARK, _BRIGHT = 8, 247
_STRONG_EDGE_SHARE = 0.04
_FINE, _COARSE = 0.8, 1.6
"""Sigmas in pixels of the two scales that an edge is looked at."""
_DIFFERENCE_VARIANCE = 1 / 3
"""Of the blur that a difference over two pixels brings with it."""


def measure_luma_noise(pixels: Pixels) -> float:
    """Return the standard deviation of the noise in luma, in levels of 255.

    Immerkaer's mask, which sees neither planes nor straight edges ("Fast noise variance estimation", CVIU 64(2), 1996),
    over the flattest quarter of the blocks of 8 x 8. Noise that was blurred, or removed by JPEG, counts as far as it is
    left in single pixels. Gray noise of sigma s gives s, independent noise in the three channels 0.67 s.
    """
    return _noise(_luma(pixels), pixels)


def measure_chroma_noise(pixels: Pixels) -> float:
    """Return the standard deviation of the colour noise in levels of 255: 0 for gray noise, s for sigma s per channel.

    As `measure_luma_noise`, of Cb and Cr averaged over 2 x 2 pixels, so that JPEG's halved colour changes little.
    """
    height, width = (side // 2 for side in pixels.shape[:2])
    half = cv2.resize(
        pixels[: 2 * height, : 2 * width].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    planes = [half @ np.array(weights, np.float32) for weights in _CHROMA_WEIGHTS]
    mean_square = np.mean([_noise(plane, half) ** 2 for plane in planes])
    return float(2 * np.sqrt(mean_square) / _CHROMA_GAIN)


def measure_edge_blur(pixels: Pixels) -> float:
    """Return the sigma in pixels of the Gaussian that blurred the edges; the median over the strongest edges.

    An ideal step that a Gaussian of s blurred has the gradient A / sqrt(2 pi (s^2 + t^2)) after another one of t; two t
    give s (Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9), 2011). Thin lines and
    sharpened edges look sharper than a step and give 0.
    """
    luma = _luma(pixels)
    fine, coarse = (_gradient(luma, sigma=sigma) for sigma in (_FINE, _COARSE))
    crests = fine >= cv2.dilate(fine, np.ones((3, 3), np.uint8))
    inside = np.zeros_like(crests)
    inside[4:-4, 4:-4] = True
    chosen = crests & inside & (fine >= np.quantile(fine[4:-4, 4:-4], 1 - _STRONG_EDGE_SHARE)) & (coarse > 0)
    if not chosen.any():
        return 0.0
    ratio = np.square(fine[chosen].astype(np.float64) / coarse[chosen])
    # A ratio near 1 is an edge wider than can be measured; 8 pixels stand for it.
    fine_variance, coarse_variance = (sigma**2 + _DIFFERENCE_VARIANCE for sigma in (_FINE, _COARSE))
    variance = (coarse_variance - ratio * fine_variance) / np.maximum(ratio - 1, 1e-3)
    return float(np.sqrt(np.clip(np.median(variance), 0.0, 64.0)))


def measure_blockiness(pixels: Pixels) -> float:
    """Return how much the 8 x 8 grid of JPEG stands out, 0 for none and at most 1 (`audit.compression`)."""
    return measure_block_grid([np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)])


STATISTICS: Mapping[str, Callable[[Pixels], float]] = {
    "noise": measure_luma_noise,
    "colour noise": measure_chroma_noise,
    "blur": measure_edge_blur,
    "blockiness": measure_blockiness,
}
"""By the names that people read."""


def measure_all(pixels: Pixels) -> dict[str, float]:
    """Return every statistic of `STATISTICS` by its name."""
    return {name: measure(pixels) for name, measure in STATISTICS.items()}


def _luma(pixels: Pixels) -> Plane:
    return pixels.astype(np.float32) @ np.array(_LUMA_WEIGHTS, np.float32)


def _noise(plane: Plane, colors: NDArray) -> float:
    """Sigma of the noise in `plane` (H, W) where it is flat and `colors` (H, W, 3) are not clipped."""
    response = cv2.filter2D(plane, cv2.CV_32F, _NOISE_MASK)[1:-1, 1:-1]
    power = _block_means(np.square(response))
    # The structure of a block is that of its neighbourhood without its finest scale, where the noise is: choosing by
    # the noise itself would choose what is small by chance.
    structure = _block_means(_gradient(plane, sigma=_STRUCTURE_SIGMA)[1:-1, 1:-1])
    darkest, brightest = colors.min(axis=2)[1:-1, 1:-1], colors.max(axis=2)[1:-1, 1:-1]
    usable = (_block_means(darkest) >= _DARK) & (_block_means(brightest) <= _BRIGHT)
    if not usable.any():
        usable = np.ones_like(usable)
    flat = usable & (structure <= np.quantile(structure[usable], _FLAT_SHARE))
    return float(np.sqrt(np.median(power[flat])) / _MASK_GAIN)


def _gradient(plane: Plane, *, sigma: float) -> Plane:
    """Steepness (H, W) of `plane` after a Gaussian of `sigma` pixels."""
    smooth = cv2.GaussianBlur(plane, (0, 0), sigma)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _block_means(plane: NDArray) -> Plane:
    """Means (H // 8, W // 8) of the blocks of `plane` (H, W); what is left at the right and bottom is dropped."""
    rows, columns = (side // _NOISE_BLOCK for side in plane.shape)
    blocks = plane[: rows * _NOISE_BLOCK, : columns * _NOISE_BLOCK].reshape(rows, _NOISE_BLOCK, columns, _NOISE_BLOCK)
    return blocks.mean(axis=(1, 3), dtype=np.float32)
