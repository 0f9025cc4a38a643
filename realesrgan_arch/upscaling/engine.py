"""Magnify one picture with a network, tile by tile, and never show a pixel that was not computed for its place."""

import logging

import torch
import torch.nn.functional as F
from torch import Tensor

from realesrgan_arch.errors import UserError
from realesrgan_arch.upscaling.backends.interface import Backend, OutOfDeviceMemoryError
from realesrgan_arch.upscaling.tiling import Tile, TileGrid

SMALLEST_TILE = 32
_log = logging.getLogger(__name__)


class UpscaleError(UserError):
    """A picture that the network could not magnify."""


class Upscaler:
    """Magnifies pictures with a backend.

    Only one tile at a time is on the device; picture and result stay in the computer's memory. When the device runs out
    of memory the tile is halved, finished tiles are kept, and the smaller `tile` holds for the pictures that follow.
    """

    def __init__(self, backend: Backend, *, tile: int = 0, tile_pad: int = 16, pre_pad: int = 0) -> None:
        """Take a backend.

        Args:
            backend: what computes; a tile that its precision cannot hold is computed again in float32.
            tile: largest side of a tile in input pixels, without its overlap; 0 computes the picture whole.
            tile_pad: overlap on each side in input pixels. Equal to the whole picture's result where this is at least
                the receptive radius of the network; RRDBNet's is some 350, so there it is an approximation.
            pre_pad: pixels of reflection added at the bottom and the right while computing.
        """
        if tile < 0 or tile_pad < 0 or pre_pad < 0:
            raise ValueError(f"expected tile, tile_pad, pre_pad >= 0, got {tile}, {tile_pad}, {pre_pad}")
        self.scale = backend.scale
        self.tile = tile
        self._backend = backend
        self._tile_pad = tile_pad
        self._pre_pad = pre_pad
        self._multiple = backend.multiple

    def upscale(self, image: Tensor) -> Tensor:
        """Return RGB float32 (3, H * scale, W * scale) in [0, 1] on the CPU for `image`, RGB (3, H, W) in [0, 1].

        Raises:
            ValueError: wrong shape.
            UpscaleError: out of memory with the smallest tile, or values that are not finite even in float32.
        """
        if image.ndim != 3 or image.shape[0] != 3 or min(image.shape[1:]) < 1 or not image.is_floating_point():
            raise ValueError(f"expected an RGB float picture (3, H, W), got {image.dtype} {tuple(image.shape)}")
        height, width = image.shape[1:]
        padded = _pad_to_multiple(image.detach().float().cpu(), pre_pad=self._pre_pad, multiple=self._multiple)
        grid = TileGrid(padded.shape[1], padded.shape[2], pad=self._tile_pad, multiple=self._multiple)
        output = self._upscale_tiles(padded, grid)
        return output[:, : height * self.scale, : width * self.scale].contiguous()

    def _upscale_tiles(self, image: Tensor, grid: TileGrid) -> Tensor:
        output = torch.empty(3, grid.height * self.scale, grid.width * self.scale)
        waiting = grid.tiles(self.tile)
        while waiting:
            result = self._attempt(waiting[0].cut(image))
            if result is None:
                self._halve_tile(waiting[0])
                waiting = grid.smaller(waiting, self.tile)
                continue
            waiting.pop(0).paste(result, output, scale=self.scale)
        return output

    def _attempt(self, window: Tensor) -> Tensor | None:
        """The magnified window, or None when the device has no memory for it."""
        try:
            return self._compute(window)
        except OutOfDeviceMemoryError:
            return None

    @torch.inference_mode()
    def _compute(self, window: Tensor) -> Tensor:
        batch = window[None].to(self._backend.device)
        result = self._backend.run(batch)
        if self._backend.dtype != torch.float32 and not _is_finite(result):
            _log.warning("A tile was not finite in this precision and is computed again in float32.")
            result = self._backend.run_exactly(batch)
        if not _is_finite(result):
            raise UpscaleError(
                "The network gave values that are not finite, in float32 too: the weights are damaged or are not "
                "those of this network; verify the weights file."
            )
        expected = (1, 3, window.shape[1] * self.scale, window.shape[2] * self.scale)
        if result.shape != expected:
            raise ValueError(f"expected the network to give {expected}, got {tuple(result.shape)}: is the scale right?")
        return result[0].clamp(0, 1).cpu()

    def _halve_tile(self, failed: Tile) -> None:
        largest = max(len(failed.core_rows), len(failed.core_columns))
        if largest <= SMALLEST_TILE:
            mend = "close other programs or lower the overlap"
            raise UpscaleError(
                f"{self._backend.device} has no memory even for a tile of {largest} pixels and its overlap of "
                f"{self._tile_pad}: {mend if self._backend.device.type == 'cpu' else f'{mend}, or choose the CPU'}."
            )
        self.tile = max(SMALLEST_TILE, -(-largest // 2))
        _log.warning("Out of memory on %s: going on with tiles of %d pixels.", self._backend.device, self.tile)


def _is_finite(result: Tensor) -> bool:
    return bool(torch.isfinite(result).all())


def _pad_to_multiple(image: Tensor, *, pre_pad: int, multiple: int) -> Tensor:
    """Grow `image` (3, H, W) at the bottom and the right by `pre_pad`, then to multiples of `multiple`."""
    height, width = image.shape[1:]
    bottom = pre_pad + -(height + pre_pad) % multiple
    right = pre_pad + -(width + pre_pad) % multiple
    # A side can be reflected only by less than its length; shorter ones repeat their last pixels.
    image = F.pad(image, (0, 0, 0, bottom), mode="reflect" if bottom < height else "replicate")
    return F.pad(image, (0, right, 0, 0), mode="reflect" if right < width else "replicate")
