"""The middle of a picture: what is scored of one that is larger than asked for."""

from pathlib import Path

import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import Box, Pixels


def middle(shape: tuple[int, ...], *, height: int, width: int) -> Box:
    """Return the box of `height` x `width` in the middle of a picture of `shape` (H, W, ...)."""
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    return Box(top, left, top + height, left + width)


def cut_middle(pixels: Pixels, path: Path, *, scale: int, max_size: int | None) -> Pixels:
    """Return the middle of a picture (H, W, 3), at most `max_size` a side and a multiple of `scale`, as a view.

    Raises:
        DataError: the picture, which came from `path`, is smaller than `scale`.
    """
    height, width = (side // scale for side in pixels.shape[:2])
    if not height or not width:
        raise DataError(
            f"Expected {shown(path)} to be at least {scale} pixels a side, got "
            f"{pixels.shape[1]} x {pixels.shape[0]}; leave it out of the set."
        )
    height, width = (at_most(side, max_size, scale) * scale for side in (height, width))
    box = middle(pixels.shape, height=height, width=width)
    return pixels[box.top : box.bottom, box.left : box.right]


def to_planes(pixels: Pixels) -> torch.Tensor:
    """Return a copy of uint8 pixels (H, W, 3) as (3, H, W)."""
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def at_most(lq_side: int, max_size: int | None, scale: int) -> int:
    """Return a side of the LQ, or less where its truth would be more than `max_size` pixels wide; at least 1."""
    return lq_side if max_size is None else min(lq_side, max(1, max_size // scale))
