"""Magnify one picture with a network, tile by tile, and never show a pixel that was not computed for its place.

Memory is bounded by the tile and by one row of tiles, whose height falls where the picture is wide: neither the picture
as floating-point numbers nor its result is ever held whole, unless the caller keeps the rows.
"""

import logging
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from realesrgan_arch.errors import UserError
from realesrgan_arch.images import Pixels
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.backends.interface import Backend, OutOfDeviceMemoryError
from realesrgan_arch.upscaling.backends.torch_backend import is_out_of_memory
from realesrgan_arch.upscaling.strip import Finish, Strip, keep_clamped, keep_float, quantise
from realesrgan_arch.upscaling.tile_size import SMALLEST_TILE, choose_batch, choose_height, choose_tile, free_room
from realesrgan_arch.upscaling.tiling import STEP, Cutter, Piece, Span, rounded_up
from realesrgan_arch.upscaling.windows import Windows, to_batch

_log = logging.getLogger(__name__)


class UpscaleError(UserError):
    """A picture that the network could not magnify."""


class _CutAgainError(Exception):
    """The device has no memory for the first tile of a row: nothing is lost when the row is cut into smaller ones."""


@dataclass
class _Work:
    """One picture on its way.

    `size` of its tiles may fall. `room`: bytes for batches. `pixel_bytes`: of a pixel of the result. `repeated`: tiles
    that were computed again in float32.
    """

    windows: Windows
    size: int
    room: int | None
    pixel_bytes: int
    repeated: int = 0


class Upscaler:
    """Magnifies pictures with a backend.

    When the device runs out of memory the tile is halved, finished tiles are kept, and the smaller `tile` holds for the
    pictures that follow. One picture at a time: it is not for several threads.

    `tile`: the one in use. Where it is chosen by the free memory it is None before the first picture, and what was
    chosen then holds for all that follow, so that bytes do not depend on what else is in memory meanwhile.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        tile: int | None = None,
        tile_pad: int = 16,
        pre_pad: int = 0,
        batch: int | None = None,
    ) -> None:
        """Take a backend.

        Args:
            backend: what computes; a tile that its precision cannot hold is computed again in float32.
            tile: largest side of a tile in input pixels, without its overlap; 0 computes the picture whole, None
                chooses by the free memory. In wide pictures tiles are less high, see `choose_height`.
            tile_pad: context on each side in input pixels. Equal to the whole picture's result where this is at least
                the receptive radius of the network; RRDBNet's is some 350, so there it is an approximation.
            pre_pad: pixels of reflection added at the bottom and the right while computing.
            batch: most tiles to compute at once; None: 1 on a CPU, elsewhere several small ones as memory allows.
        """
        if (tile is not None and tile < 0) or tile_pad < 0 or pre_pad < 0:
            raise ValueError(f"expected tile, tile_pad, pre_pad >= 0, got {tile}, {tile_pad}, {pre_pad}")
        if batch is not None and batch < 1:
            raise ValueError(f"expected batch >= 1, got {batch}")
        self.scale = backend.scale
        self.tile = tile
        self._batch = batch
        self._most_pixels = sys.maxsize
        self._backend = backend
        self._tile_pad = tile_pad
        self._pre_pad = pre_pad

    def upscale(self, image: Tensor) -> Tensor:
        """Return RGB float32 (3, H * scale, W * scale) in [0, 1] on the CPU for `image`, RGB (3, H, W) in [0, 1].

        Raises:
            ValueError: wrong shape.
            UpscaleError: out of memory with the smallest tile, or values that are not finite even in float32.
        """
        if image.ndim != 3 or image.shape[0] != 3 or min(image.shape[1:]) < 1 or not image.is_floating_point():
            raise ValueError(f"expected an RGB float picture (3, H, W), got {image.dtype} {tuple(image.shape)}")
        _, height, width = image.shape
        output = torch.empty(3, height * self.scale, width * self.scale)
        top = 0
        for strip in self._upscale(image.detach().float().cpu().permute(1, 2, 0).numpy(), keep_clamped):
            output[:, top : top + len(strip)] = torch.from_numpy(strip).permute(2, 0, 1)
            top += len(strip)
        return output

    def upscale_strips(self, pixels: Pixels, *, gray: bool = False) -> Iterator[Pixels]:
        """Return the rows of the result from top to bottom, one row of tiles at a time.

        Args:
            pixels: RGB (H, W, 3), uint8 or uint16.
            gray: make one channel of the network's three, their luma.

        Returns:
            Strips (h, W * scale, 3), with `gray` (h, W * scale, 1), of the same dtype, whose h sum to H * scale.

        Raises:
            ValueError: wrong shape or dtype.
            UpscaleError: while the rows are taken: see `upscale`.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size or pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"expected RGB pixels (H, W, 3) of uint8 or uint16, got {pixels.dtype} {pixels.shape}")
        return self._upscale(pixels, partial(quantise, bits=8 * pixels.dtype.itemsize, gray=gray))

    def _upscale(self, pixels: Pixels, finish: Finish) -> Iterator[Pixels]:
        windows = Windows(pixels, pre_pad=self._pre_pad, multiple=self._backend.multiple)
        room = free_room(self._backend)
        if self.tile is None:
            self.tile = choose_tile(self._backend, room=room, tile_pad=self._tile_pad)
        work = _Work(windows, self.tile, room, pixel_bytes=3 * pixels.dtype.itemsize)
        height, width = pixels.shape[:2]
        yield from self._strips(work, Span(0, height), Span(0, width), finish)
        if work.repeated:
            tiles = count_of(work.repeated, "tile was", "tiles were")
            _log.warning("%s not finite in this precision and computed again in float32.", tiles)

    def _strips(self, work: _Work, rows: Span, columns: Span, finish: Finish) -> Iterator[Pixels]:
        """Yield the result of one part of the picture; the rest of it is only looked at.

        When the tile becomes smaller, all rows that are left are cut again.
        """
        above: Tensor | None = None
        start = rows.start
        row_bytes = len(columns) * self.scale**2 * work.pixel_bytes
        while start < rows.stop:
            size = work.size
            across = self._cutter(size).pieces(columns, work.windows.width)
            down = self._cutter(choose_height(size, row_bytes=row_bytes))
            for row in down.pieces(Span(start, rows.stop), work.windows.height):
                strip = Strip((len(row.core) * self.scale, len(columns) * self.scale), above=above, finish=finish)
                try:
                    for column, tile in zip(across, self._tiles(work, row, across), strict=True):
                        strip.add(tile, shared=column.zone * self.scale)
                except _CutAgainError:
                    break
                yield strip.pixels
                start, above = row.core.stop, strip.below
                if work.size != size:
                    break

    def _tiles(self, work: _Work, row: Piece, columns: Sequence[Piece]) -> Iterator[Tensor]:
        """Yield what each tile of a row shows, from left to right, float (3, h, w) on the device.

        When the device has no memory for a later one than the first, this and those to its right are put together from
        smaller ones.

        Raises:
            _CutAgainError: it has none for the first one.
        """
        size = work.size
        waiting = deque(columns)
        while waiting:
            if work.size != size:
                yield self._in_parts(work, row.shown, waiting.popleft().shown)
                continue
            together = [waiting[index] for index in range(self._count_at_once(work, row, waiting))]
            results = self._attempt(work, row, together)
            if results is not None:
                for result in results:
                    yield self._shown(result, row, waiting.popleft())
            elif len(together) > 1:
                self._most_pixels = len(together) // 2 * _window_pixels(row, together[0])
            else:
                self._shrink(work, row, together[0])
                if len(waiting) == len(columns):
                    raise _CutAgainError

    def _in_parts(self, work: _Work, rows: Span, columns: Span) -> Tensor:
        parts = list(self._strips(work, rows, columns, keep_float))
        return torch.from_numpy(np.concatenate(parts)).permute(2, 0, 1).to(self._backend.device)

    def _shown(self, result: Tensor, row: Piece, column: Piece) -> Tensor:
        """The part of a window's result (3, h, w) that is shown."""
        rows = row.shown.scaled(self.scale, origin=row.window.start)
        return result[:, rows, column.shown.scaled(self.scale, origin=column.window.start)]

    def _count_at_once(self, work: _Work, row: Piece, waiting: Sequence[Piece]) -> int:
        """How many of the `waiting` tiles to compute at once: in as few batches as may be, of about one size."""
        pixels = _window_pixels(row, waiting[0])
        most = self._batch
        if most is None:
            most = choose_batch(self._backend, room=work.room, window_pixels=pixels)
        most = max(1, min(most, self._most_pixels // pixels))
        return -(-len(waiting) // -(-len(waiting) // most))

    def _attempt(self, work: _Work, row: Piece, columns: Sequence[Piece]) -> Tensor | None:
        """The magnified windows, or None when the device has no memory for them."""
        try:
            return self._compute(work, [work.windows.cut(row.window, column.window) for column in columns])
        except (OutOfDeviceMemoryError, RuntimeError, MemoryError) as error:
            if not isinstance(error, OutOfDeviceMemoryError) and not is_out_of_memory(error):
                raise
        # Only here: the error held what the failed batch had in memory.
        if self._backend.device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    @torch.inference_mode()
    def _compute(self, work: _Work, windows: Sequence[Pixels]) -> Tensor:
        batch = to_batch(windows, self._backend.device)
        results = self._backend.run(batch)
        count, _, height, width = batch.shape
        expected = (count, 3, height * self.scale, width * self.scale)
        if results.shape != expected:
            raise ValueError(
                f"expected the network to give {expected}, got {tuple(results.shape)}: is the scale right?"
            )
        self._mend(work, batch, results)
        return results

    def _mend(self, work: _Work, batch: Tensor, results: Tensor) -> None:
        """Compute again in float32 what is not finite in a lower precision."""
        broken = _not_finite(results)
        if broken and self._backend.dtype != torch.float32:
            for index in broken:
                results[index] = self._backend.run_exactly(batch[index : index + 1])[0]
            work.repeated += len(broken)
            broken = _not_finite(results[broken])
        if broken:
            raise UpscaleError(
                "The network gave values that are not finite, in float32 too: the weights are damaged or are not "
                "those of this network; verify the weights file."
            )

    def _shrink(self, work: _Work, row: Piece, column: Piece) -> None:
        """Halve the tile, as large as the one that failed really was."""
        largest = max(len(row.window), len(column.window)) - self._cutter(work.size).margin
        device = self._backend.device
        if largest <= SMALLEST_TILE:
            mend = "close other programs or lower the overlap"
            raise UpscaleError(
                f"{device} has no memory even for a tile of {SMALLEST_TILE} pixels and its overlap of "
                f"{self._tile_pad}: {mend if device.type == 'cpu' else f'{mend}, or choose the CPU'}."
            )
        work.size = self.tile = rounded_up(-(-largest // 2), STEP)
        _log.warning("Out of memory on %s: going on with tiles of %d pixels.", device, work.size)

    def _cutter(self, size: int) -> Cutter:
        return Cutter(size, self._tile_pad, self._backend.multiple)


def _window_pixels(row: Piece, column: Piece) -> int:
    return len(row.window) * len(column.window)


def _not_finite(results: Tensor) -> list[int]:
    """Which of the results (B, 3, h, w) hold a value that is not finite; a sum is much faster than looking at each."""
    sums = results.sum(dim=(1, 2, 3))
    return torch.nonzero(~torch.isfinite(sums)).flatten().tolist()
