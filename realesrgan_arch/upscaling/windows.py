"""A picture of which only windows become floating-point numbers, and these on the device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from realesrgan_arch.images import Pixels
from realesrgan_arch.upscaling.tiling import Span


class Windows:
    """Cuts windows out of `pixels` (H, W, 3), grown at the bottom and the right without a copy of them.

    The picture grows by `pre_pad`, then to multiples of `multiple`; the new pixels are its reflection. A side can be
    reflected only by less than its length; a shorter one repeats its last pixel.
    """

    def __init__(self, pixels: Pixels, *, pre_pad: int = 0, multiple: int = 1) -> None:
        """Take uint8, uint16 or float32 pixels; they are not changed."""
        self._pixels = pixels
        self._rows, self._columns = (_grown(side, pre_pad, multiple) for side in pixels.shape[:2])

    @property
    def height(self) -> int:
        """Of the grown picture."""
        return len(self._rows)

    @property
    def width(self) -> int:
        """Of the grown picture."""
        return len(self._columns)

    def cut(self, rows: Span, columns: Span) -> Pixels:
        """Return one window (h, w, 3); a view where it lies inside the picture."""
        height, width = self._pixels.shape[:2]
        if rows.stop <= height and columns.stop <= width:
            return self._pixels[rows.scaled(1), columns.scaled(1)]
        return self._pixels[self._rows[rows.scaled(1), None], self._columns[columns.scaled(1)]]


def to_batch(windows: Sequence[Pixels], device: torch.device) -> Tensor:
    """Return windows of one shape (h, w, 3) as float32 (B, 3, h, w) on `device`; uint8 and uint16 become [0, 1] there.

    They are divided as `images.to_tensor` divides, to the last bit.
    """
    stored = np.stack(windows)
    if stored.dtype == np.uint16:  # Few operations know uint16, on some devices not even its copy.
        planes = torch.from_numpy(stored.view(np.int16)).to(device).to(torch.int32).bitwise_and_(0xFFFF)
    else:
        planes = torch.from_numpy(stored).to(device)
    batch = planes.permute(0, 3, 1, 2).float()
    if stored.dtype == np.float32:
        return batch
    # By a tensor there: CUDA multiplies by the reciprocal of a plain number, which is not the same.
    return batch.div_(torch.full((), float(np.iinfo(stored.dtype).max), device=device))


def _grown(length: int, pre_pad: int, multiple: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Which pixel stands at each place of a side of `length` pixels that has grown."""
    grown = length + pre_pad + -(length + pre_pad) % multiple
    index = np.arange(grown)
    mirrored = 2 * (length - 1) - index if grown - length < length else length - 1
    return np.where(index < length, index, mirrored)
