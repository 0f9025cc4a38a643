"""PSNR, SSIM and NIQE of one picture, with BasicSR's conventions and values.

Pictures are RGB float (3, H, W) in [0, 1] and are scored as the 8-bit file that they become: `round(255 x)`.
Formulas: PSNR and SSIM (Wang et al., IEEE TIP 2004; 11x11 Gaussian window, sigma 1.5) as in BasicSR 1.4.2
`metrics/psnr_ssim.py`; luma is that of ITU-R BT.601 with head and foot room, as in MATLAB's `rgb2ycbcr`.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from realesrgan_arch.evaluation.niqe import NiqeMeasure, PristineModel, load_pristine_model, niqe_of_luma

_BT601_LUMA = (65.481, 128.553, 24.966)
_CACHED_PIXELS = 2**15
_SSIM_SIDE, _SSIM_SIGMA = 11, 1.5
_SSIM_C1, _SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Planes = NDArray[np.float32]
"""Levels of 0 to 255, (planes, H, W)."""


def psnr(image: Tensor, reference: Tensor, *, border: int = 0, y_channel: bool = False) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal pictures, NaN where a value is NaN.

    Args:
        image: RGB (3, H, W) in [0, 1]; values outside are clamped.
        reference: the same shape.
        border: pixels left out at each edge.
        y_channel: score BT.601 luma instead of RGB.

    Raises:
        ValueError: wrong or different shapes, or nothing left inside the border.
    """
    scored, truth = _comparable_planes(image, reference, border=border, y_channel=y_channel)
    mean_square = float(np.square(np.subtract(scored, truth, dtype=np.float64)).mean())
    return math.inf if mean_square == 0 else 10 * math.log10(255**2 / mean_square)


def ssim(image: Tensor, reference: Tensor, *, border: int = 0, y_channel: bool = False) -> float:
    """Return the structural similarity, at most 1: the mean over the planes and over the windows inside the picture.

    Arguments and errors are those of `psnr`; at least 11 pixels must be left inside the border.
    """
    scored, truth = _comparable_planes(image, reference, border=border, y_channel=y_channel)
    if min(scored.shape[1:]) < _SSIM_SIDE:
        raise ValueError(
            f"SSIM needs {_SSIM_SIDE} pixels each way inside the border of {border}, got {scored.shape[1:]}"
        )
    return float(np.mean([_ssim_of_plane(*planes) for planes in zip(scored, truth, strict=True)]))


def niqe(image: Tensor, *, border: int = 0, model: PristineModel | None = None) -> float:
    """Return NIQE of the luma of `image`, RGB (3, H, W) in [0, 1]; lower is more natural.

    Args:
        image: values outside [0, 1] are clamped.
        border: pixels left out at each edge.
        model: statistics to compare with, by default those that basicsr carries.

    Returns:
        NaN where the measure is not defined: fewer than two textured blocks of 96x96 pixels.

    Raises:
        ValueError: wrong shape, or nothing left inside the border.
        NiqeModelError: the statistics are not there.
    """
    return measure_niqe(image, border=border, model=model).value


def measure_niqe(image: Tensor, *, border: int = 0, model: PristineModel | None = None) -> NiqeMeasure:
    """Return NIQE as `niqe` does, with the number of its blocks and of those that are left out for want of texture.

    Arguments and errors are those of `niqe`.
    """
    return niqe_of_luma(luma_levels(image, border=border).round(), model or load_pristine_model())


def luma_levels(image: Tensor, *, border: int = 0) -> NDArray[np.float32]:
    """Return BT.601 luma (H, W), in [16, 235], of the 8-bit picture that `image`, RGB (3, H, W) in [0, 1], becomes.

    Raises:
        ValueError: wrong shape, or nothing left inside the border.
    """
    return _luma(rgb_levels(image, border=border))[0]


def rgb_levels(image: Tensor, *, border: int = 0) -> Planes:
    """Return the 8-bit picture that `image`, RGB (3, H, W) in [0, 1], becomes, as levels of 0 to 255.

    Raises:
        ValueError: wrong shape, or nothing left inside the border.
    """
    return _levels(_inside(image, border))


def check_same_shape(image: Tensor, reference: Tensor) -> None:
    """Compare the shapes.

    Raises:
        ValueError: they differ.
    """
    if image.shape != reference.shape:
        raise ValueError(f"expected pictures of one shape, got {tuple(image.shape)} and {tuple(reference.shape)}")


def _comparable_planes(image: Tensor, reference: Tensor, *, border: int, y_channel: bool) -> tuple[Planes, Planes]:
    check_same_shape(image, reference)
    scored, truth = (_levels(_inside(picture, border)) for picture in (image, reference))
    return (_luma(scored), _luma(truth)) if y_channel else (scored, truth)


def _inside(image: Tensor, border: int) -> Tensor:
    if image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point():
        raise ValueError(f"expected an RGB float picture (3, H, W), got {image.dtype} {tuple(image.shape)}")
    height, width = image.shape[1:]
    if border < 0 or min(height, width) <= 2 * border:
        raise ValueError(f"a border of {border} pixels leaves nothing of a picture of {height}x{width}")
    return image[:, border : height - border, border : width - border]


def _levels(image: Tensor) -> Planes:
    unit = image.detach().float().cpu().numpy()
    levels = unit.clip(0, 1)
    levels *= np.float32(255)
    return np.rint(levels, out=levels)


def _luma(levels: Planes) -> Planes:
    """Return BT.601 luma (1, H, W) of RGB levels (3, H, W), in [16, 235], with BasicSR's roundings to float32."""
    luma = np.empty((1, *levels.shape[1:]), np.float32)
    rows = max(1, _CACHED_PIXELS // max(1, levels.shape[2]))
    # Some rows at a time: float64 copies of a large picture take most of the time that NIQE does.
    for top in range(0, levels.shape[1], rows):
        unit = levels[:, top : top + rows] / np.float32(255)
        mixed = np.tensordot(np.array([_BT601_LUMA]), unit, axes=1) + 16
        luma[:, top : top + rows] = (mixed / 255).astype(np.float32) * np.float32(255)
    return luma


def _ssim_of_plane(scored: Planes, truth: Planes) -> float:
    scored64, truth64 = scored.astype(np.float64), truth.astype(np.float64)
    mean1, mean2 = _window_means(scored64), _window_means(truth64)
    variance1 = _window_means(scored64 * scored64) - mean1 * mean1
    variance2 = _window_means(truth64 * truth64) - mean2 * mean2
    covariance = _window_means(scored64 * truth64) - mean1 * mean2
    likeness = (2 * mean1 * mean2 + _SSIM_C1) * (2 * covariance + _SSIM_C2)
    return float(np.mean(likeness / ((mean1**2 + mean2**2 + _SSIM_C1) * (variance1 + variance2 + _SSIM_C2))))


def _window_means(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = cv2.getGaussianKernel(_SSIM_SIDE, _SSIM_SIGMA)
    margin = _SSIM_SIDE // 2
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel), np.float64)[margin:-margin, margin:-margin]
