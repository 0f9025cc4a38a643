"""Magnify one picture with a network, tile by tile, and never show a pixel that was not computed for its place."""

import copy
import logging
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.build import lower_precision
from realesrgan_arch.networks.rrdbnet import UNSHUFFLE_BY_SCALE, RRDBNet
from realesrgan_arch.upscaling.tiling import Tile, TileGrid

SMALLEST_TILE = 32
_OUT_OF_MEMORY = ("DefaultCPUAllocator:", "MPS backend out of memory")
"""How a plain RuntimeError of the CPU and of Apple's GPU begins; CUDA has an error class of its own."""
_log = logging.getLogger(__name__)


class UpscaleError(UserError):
    """A picture that the network could not magnify."""


class Upscaler:
    """A snapshot of a network, ready to magnify pictures on one device.

    Only one tile at a time is on the device; picture and result stay in the computer's memory. When the device runs out
    of memory the tile is halved, finished tiles are kept, and the smaller `tile` holds for the pictures that follow.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        scale: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        tile: int = 0,
        tile_pad: int = 16,
        pre_pad: int = 0,
    ) -> None:
        """Copy `network`, which takes and gives float32 (B, 3, H, W) in [0, 1] and magnifies by `scale`.

        Args:
            network: stays as it is; later changes to it are not seen.
            scale: magnification of the network.
            device: where tiles are computed.
            dtype: precision of the convolutions; a tile that it cannot hold is computed again in float32.
            tile: largest side of a tile in input pixels, without its overlap; 0 computes the picture whole.
            tile_pad: overlap on each side in input pixels. Equal to the whole picture's result where this is at least
                the receptive radius of the network; RRDBNet's is some 350, so there it is an approximation.
            pre_pad: pixels of reflection added at the bottom and the right while computing.
        """
        if scale < 1 or tile < 0 or tile_pad < 0 or pre_pad < 0:
            raise ValueError(
                f"expected scale >= 1 and tile, tile_pad, pre_pad >= 0, got {scale}, {tile}, {tile_pad}, {pre_pad}"
            )
        self.scale = scale
        self.tile = tile
        self._tile_pad = tile_pad
        self._pre_pad = pre_pad
        self._device = device
        self._original = copy.deepcopy(network).cpu()
        self._network = self._on_device(dtype)
        self._is_exact = dtype == torch.float32
        self._multiple = UNSHUFFLE_BY_SCALE[network.scale] if isinstance(network, RRDBNet) else 1

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
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    @torch.inference_mode()
    def _compute(self, window: Tensor) -> Tensor:
        batch = window[None].to(self._device).contiguous(memory_format=torch.channels_last)
        result = self._network(batch)
        if not self._is_exact and not _is_finite(result):
            _log.warning("A tile was not finite in this precision and is computed again in float32.")
            result = self._exact_network(batch)
        if not _is_finite(result):
            raise UpscaleError(
                "The network gave values that are not finite, in float32 too: the weights are damaged or are not "
                "those of this network; verify the weights file."
            )
        expected = (1, 3, window.shape[1] * self.scale, window.shape[2] * self.scale)
        if result.shape != expected:
            raise ValueError(f"expected the network to give {expected}, got {tuple(result.shape)}: is the scale right?")
        return result[0].float().clamp_(0, 1).cpu()

    @cached_property
    def _exact_network(self) -> nn.Module:
        return self._on_device(torch.float32)

    def _on_device(self, dtype: torch.dtype) -> nn.Module:
        return lower_precision(copy.deepcopy(self._original).to(self._device), dtype)

    def _halve_tile(self, failed: Tile) -> None:
        largest = max(len(failed.core_rows), len(failed.core_columns))
        if largest <= SMALLEST_TILE:
            mend = "close other programs or lower the overlap"
            raise UpscaleError(
                f"{self._device} has no memory even for a tile of {largest} pixels and its overlap of "
                f"{self._tile_pad}: {mend if self._device.type == 'cpu' else f'{mend}, or choose the CPU'}."
            )
        self.tile = max(SMALLEST_TILE, -(-largest // 2))
        _log.warning("Out of memory on %s: going on with tiles of %d pixels.", self._device, self.tile)


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(mark in str(error) for mark in _OUT_OF_MEMORY)


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
