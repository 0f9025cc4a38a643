"""Magnify one picture with all that belongs to it: bit depth, gray, alpha and colour profile."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from realesrgan_arch.images import Picture, Pixels, from_tensor, to_tensor
from realesrgan_arch.upscaling.engine import UpscaleError, Upscaler

AlphaUpsampler = Literal["bicubic", "network"]
_GRAY_WEIGHTS = torch.tensor([0.299, 0.587, 0.114])
"""Luma of ITU-R BT.601, with which upstream makes one channel of the network's three."""


@dataclass(frozen=True)
class PictureUpscaler:
    """An `Upscaler` for whole pictures.

    `outscale`: magnification of the result; where it is not the network's, the network's result is resized (Lanczos,
    as upstream). `alpha_upsampler`: how transparency is magnified.
    """

    upscaler: Upscaler
    outscale: float
    alpha_upsampler: AlphaUpsampler = "bicubic"

    def output_size(self, picture: Picture) -> tuple[int, int]:
        """Return the (width, height) that `upscale` will give."""
        height, width = picture.rgb.shape[:2]
        return max(1, int(width * self.outscale)), max(1, int(height * self.outscale))

    def upscale(self, picture: Picture) -> Picture:
        """Return the magnified picture: 8 bits stay 8, 16 stay 16, gray stays gray, the profile is kept.

        Raises:
            UpscaleError: see `Upscaler.upscale`; or the result cannot be resized, usually for lack of memory.
        """
        size = self.output_size(picture)
        image = self.upscaler.upscale(to_tensor(picture.rgb))
        rgb = _quantise(_gray(image) if picture.is_gray else image, like=picture.rgb)
        alpha = None if picture.alpha is None else self._upscale_alpha(picture.alpha, size)
        return replace(picture, rgb=_resized(rgb, size, cv2.INTER_LANCZOS4), alpha=alpha)

    def _upscale_alpha(self, alpha: Pixels, size: tuple[int, int]) -> Pixels:
        if self.alpha_upsampler == "bicubic":
            return _resized(alpha, size, cv2.INTER_CUBIC)
        planes = to_tensor(np.repeat(alpha[..., None], 3, axis=2))
        magnified = _quantise(_gray(self.upscaler.upscale(planes)), like=alpha)[..., 0]
        return _resized(magnified, size, cv2.INTER_LANCZOS4)


def _gray(image: Tensor) -> Tensor:
    return torch.tensordot(_GRAY_WEIGHTS, image, dims=1).expand(3, -1, -1)


def _quantise(image: Tensor, *, like: Pixels) -> Pixels:
    return from_tensor(image, bits=8 if like.dtype == np.uint8 else 16)


def _resized(pixels: Pixels, size: tuple[int, int], interpolation: int) -> Pixels:
    if pixels.shape[1::-1] == size:
        return pixels
    try:
        return cv2.resize(pixels, size, interpolation=interpolation)
    except cv2.error as error:
        width, height = size
        raise UpscaleError(f"the result cannot be resized to {width} x {height}: {error.err}.") from error
