"""Put the tiles of one row together: blended at the seams, finished at once, only the seams kept as float."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from realesrgan_arch.images import Pixels

Finish = Callable[[Tensor], Pixels]
"""Float (3, h, w) on the device, unclamped -> pixels (h, w, C) on the CPU."""
_ROWS_AT_ONCE = 128
"""Small enough for a CPU's cache: four times as fast as all rows at once."""


class Strip:
    """The rows of the result that one row of tiles finishes, and those that it shares with the next row of tiles."""

    def __init__(self, shape: tuple[int, int], *, above: Tensor | None, finish: Finish) -> None:
        """Begin a strip.

        Args:
            shape: (rows, columns) that are finished here.
            above: float (3, n, columns), what the strip above has `below`: it is blended into the first n rows.
            finish: makes pixels of blended tiles.
        """
        self._shape = shape
        self._above = above
        self._finish = finish
        self._pixels: Pixels | None = None
        self._right: Tensor | None = None
        self._below: list[Tensor] = []
        self._filled = 0

    @property
    def pixels(self) -> Pixels:
        """Pixels (rows, columns, C) so far."""
        if self._pixels is None:
            raise ValueError("expected at least one tile")
        return self._pixels

    @property
    def below(self) -> Tensor | None:
        """Float rows that the next strip shows, too; None where the last tiles of the picture shared none."""
        return torch.cat(self._below, dim=2) if self._below else None

    @torch.inference_mode()
    def add(self, tile: Tensor, *, shared: int) -> None:
        """Take the next tile to the right; on the device this needs memory for a few rows only.

        Args:
            tile: float (3, rows + shared rows, columns + shared columns); begins where the last one's shared columns
                begin.
            shared: how many columns at its right the next tile shows, too.
        """
        rows, left, above = self._shape[0], self._right, self._above
        own = tile.shape[2] - shared
        columns = slice(self._filled, self._filled + own)
        # Copies, or the whole tile would stay in memory with its seams.
        self._right = tile[..., own:].clone() if shared else None
        step = _ROWS_AT_ONCE if above is None else max(_ROWS_AT_ONCE, above.shape[1])
        for top in range(0, rows, step):
            band = slice(top, min(top + step, rows))
            piece = _joined(left, tile[..., :own], band)
            if above is not None and top == 0:
                piece = _blended(above[..., columns], piece, dim=1)
            self._paste(self._finish(piece), band, columns)
        if tile.shape[1] > rows:
            self._below.append(_joined(left, tile[..., :own], slice(rows, None)).clone())
        self._filled = columns.stop

    def _paste(self, finished: Pixels, rows: slice, columns: slice) -> None:
        if self._pixels is None:
            self._pixels = np.empty((*self._shape, finished.shape[2]), finished.dtype)
        self._pixels[rows, columns] = finished


def _joined(left: Tensor | None, tile: Tensor, rows: slice) -> Tensor:
    """Some rows of `tile`, with the shared columns of the one to its left blended into them."""
    return tile[:, rows] if left is None else _blended(left[:, rows], tile[:, rows], dim=2)


def _blended(before: Tensor, tile: Tensor, *, dim: int) -> Tensor:
    """Return `tile` (3, h, w) with `before` blended into its first rows (`dim` 1) or columns (2).

    The weights rise evenly and are neither 0 nor 1; where both agree the result is their value, exactly.
    """
    length = before.shape[dim]
    weight = (torch.arange(length, device=tile.device, dtype=tile.dtype) + 0.5) / length
    weight = weight[:, None] if dim == 1 else weight
    seam = torch.lerp(before, tile.narrow(dim, 0, length), weight)
    return torch.cat((seam, tile.narrow(dim, length, tile.shape[dim] - length)), dim=dim)


def keep_float(tile: Tensor) -> Pixels:
    """Finish as float32, unclamped: what is blended again must be as it came."""
    return tile.float().permute(1, 2, 0).cpu().numpy()


def keep_clamped(tile: Tensor) -> Pixels:
    """Finish as float32 in [0, 1]."""
    return keep_float(tile.clamp(0, 1))


def quantise(tile: Tensor, *, bits: int, gray: bool = False) -> Pixels:
    """Finish as uint8 or uint16: clamped, rounded half to even, on the device.

    The bytes are those of upstream's RealESRGANer (xinntao/Real-ESRGAN, `realesrgan/utils.py`): float32, times 255 or
    65535. `gray` makes one channel of three before that: the luma of ITU-R BT.601.
    """
    rows = tile.float().clamp(0, 1)
    rows = _luma(rows) if gray else rows
    pixels = rows.mul_(2**bits - 1).round_().permute(1, 2, 0)
    # On the device, so that whole numbers travel; torch's uint16 knows few operations.
    if bits == 8:
        return pixels.to(torch.uint8).contiguous().cpu().numpy()
    return pixels.to(torch.int32).contiguous().cpu().numpy().astype(np.uint16)


def _luma(rgb: Tensor) -> Tensor:
    """(3, h, w) -> (1, h, w): ITU-R BT.601, with which upstream makes one channel of the network's three."""
    red, green, blue = rgb.split(1)
    return 0.299 * red + 0.587 * green + 0.114 * blue
