"""Magnify one picture with all that belongs to it: bit depth, gray, alpha and colour profile."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from realesrgan_arch.images import Picture, Pixels
from realesrgan_arch.upscaling.engine import UpscaleError, Upscaler
from realesrgan_arch.upscaling.result_size import ResultSize

AlphaUpsampler = Literal["bicubic", "network"]
_ALPHA_ROWS = 64
_CUBIC_REACH = 2
"""Rows that bicubic interpolation looks at beyond its own, above and below."""


@dataclass(frozen=True)
class PictureUpscaler:
    """An `Upscaler` for whole pictures.

    `outscale`, `width`, `max_side`: the size of the result, see `ResultSize`. Where it is not the network's, the
    network's result is resized: by Lanczos as upstream, and to less than half by areas (OpenCV's Lanczos looks at eight
    pixels however much it shrinks, and aliases). `alpha_upsampler`: how transparency is magnified.
    """

    upscaler: Upscaler
    outscale: float
    alpha_upsampler: AlphaUpsampler = "bicubic"
    width: int | None = None
    max_side: int | None = None

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (width, height) of the result for a picture of `size` (width, height)."""
        return ResultSize(self.outscale, self.width, self.max_side).of(size)

    def can_stream(self, picture: Picture) -> bool:
        """Say whether the network's result is the result, so that its rows can be written as they come."""
        height, width = picture.rgb.shape[:2]
        return self.output_size((width, height)) == (width * self.upscaler.scale, height * self.upscaler.scale)

    def upscale(self, picture: Picture) -> Picture:
        """Return the magnified picture: 8 bits stay 8, 16 stay 16, gray stays gray, the metadata is kept.

        Colours under full transparency are replaced, see `fill_hidden_colours`.

        Raises:
            UpscaleError: see `Upscaler.upscale`; or the result cannot be resized, usually for lack of memory.
        """
        height, width = picture.rgb.shape[:2]
        size = self.output_size((width, height))
        rgb = _resized(self._whole(_visible(picture), gray=picture.is_gray), size, enlarging=cv2.INTER_LANCZOS4)
        rgb = np.repeat(rgb, 3, axis=2) if picture.is_gray else rgb
        alpha = None if picture.alpha is None else self._upscale_alpha(picture.alpha, size)
        return replace(picture, rgb=rgb, alpha=alpha)

    def upscale_strips(self, picture: Picture) -> Iterator[Pixels]:
        """Return the rows of `upscale(picture)` from top to bottom, alpha with them.

        Only `fill_hidden_colours` looks at a whole picture at once, one with alpha in its own size: that takes about
        25 bytes a pixel where something is hidden.

        Returns:
            Strips (h, W, C) in the picture's dtype: C is 1 for gray, 3 for RGB, 4 for either with alpha.

        Raises:
            ValueError: `can_stream(picture)` is False.
            UpscaleError: see `upscale`; while the rows are taken, too.
        """
        if not self.can_stream(picture):
            raise ValueError("expected a result of the network's size: other sizes are resized whole")
        strips = self.upscaler.upscale_strips(_visible(picture), gray=picture.is_gray)
        if picture.alpha is None:
            return strips
        return _with_alpha(strips, self._alpha_strips(picture.alpha))

    def _alpha_strips(self, alpha: Pixels) -> Iterator[Pixels]:
        if self.alpha_upsampler == "bicubic":
            return _cubic_strips(alpha, self.upscaler.scale)
        return self.upscaler.upscale_strips(_as_rgb(alpha), gray=True)

    def _upscale_alpha(self, alpha: Pixels, size: tuple[int, int]) -> Pixels:
        if self.alpha_upsampler == "bicubic":
            return _resized(alpha[..., None], size, enlarging=cv2.INTER_CUBIC)[..., 0]
        return _resized(self._whole(_as_rgb(alpha), gray=True), size, enlarging=cv2.INTER_LANCZOS4)[..., 0]

    def _whole(self, rgb: Pixels, *, gray: bool) -> Pixels:
        """The network's result (H * scale, W * scale, 3 or 1)."""
        height, width = (side * self.upscaler.scale for side in rgb.shape[:2])
        whole = np.empty((height, width, 1 if gray else 3), rgb.dtype)
        top = 0
        for strip in self.upscaler.upscale_strips(rgb, gray=gray):
            whole[top : top + len(strip)] = strip
            top += len(strip)
        return whole


def fill_hidden_colours(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Return `rgb` (H, W, 3) with the colour of the nearest visible pixel wherever `alpha` (H, W) is 0.

    Nobody sees those colours, and editors leave anything there; but the network looks at them, and they would bleed
    into the visible edge.
    """
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return rgb
    _, nearest = cv2.distanceTransformWithLabels(
        hidden.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), rgb.dtype)
    colours[nearest[~hidden]] = rgb[~hidden]
    filled = rgb.copy()
    filled[hidden] = colours[nearest[hidden]]
    return filled


def _visible(picture: Picture) -> Pixels:
    return picture.rgb if picture.alpha is None else fill_hidden_colours(picture.rgb, picture.alpha)


def _as_rgb(plane: Pixels) -> Pixels:
    """(H, W) as (H, W, 3), without a copy."""
    return np.broadcast_to(plane[..., None], (*plane.shape, 3))


def _with_alpha(strips: Iterator[Pixels], alpha: Iterator[Pixels]) -> Iterator[Pixels]:
    """Yield `strips` (h, W, 1 or 3) as (h, W, 4); those of `alpha` (h, W, 1) may have other heights."""
    waiting: Pixels | None = None
    for strip in strips:
        while waiting is None or len(waiting) < len(strip):
            waiting = next(alpha) if waiting is None else np.concatenate((waiting, next(alpha)))
        yield np.dstack((np.broadcast_to(strip, (*strip.shape[:2], 3)), waiting[: len(strip)]))
        waiting = waiting[len(strip) :]


def _cubic_strips(plane: Pixels, scale: int) -> Iterator[Pixels]:
    """Yield the rows (h, W * scale, 1) of `plane` (H, W) magnified by bicubic interpolation, some at a time."""
    height, width = plane.shape
    for top in range(0, height, _ALPHA_ROWS):
        stop = min(top + _ALPHA_ROWS, height)
        first, last = max(top - _CUBIC_REACH, 0), min(stop + _CUBIC_REACH, height)
        size = (width * scale, (last - first) * scale)
        rows = _resized(plane[first:last, :, None], size, enlarging=cv2.INTER_CUBIC)
        yield rows[(top - first) * scale : (stop - first) * scale]


def _resized(pixels: Pixels, size: tuple[int, int], *, enlarging: int) -> Pixels:
    """Return pixels (h, w, C) as (H, W, C) of `size` (W, H), by areas where a side falls below half."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    is_much_smaller = size[0] * 2 < width or size[1] * 2 < height
    try:
        resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if is_much_smaller else enlarging)
    except cv2.error as error:
        wide, high = size
        raise UpscaleError(f"the result cannot be resized to {wide} x {high}: {error.err}.") from error
    return resized.reshape(size[1], size[0], pixels.shape[2])
