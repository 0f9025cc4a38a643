"""How large a tile may be, from the memory that is free."""

import math

from realesrgan_arch.devices import DeviceError, free_memory
from realesrgan_arch.upscaling.backends.interface import Backend
from realesrgan_arch.upscaling.tiling import STEP, Cutter

SMALLEST_TILE = 32
_LARGEST_TILE = 512
"""Beyond it nothing is gained: the margin is already a sixth of the work."""
_UNKNOWN = 256
"""Where the system does not say how much memory is free."""
_SHARE = 0.5
"""Of the free memory: the estimate is one, and reading and writing pictures need some too."""
_MOST_AT_ONCE = 8
_STRIP_BYTES = 2**27
"""About three strips are in memory at once: the one that is computed, one that waits and one that is written."""


def free_room(backend: Backend) -> int | None:
    """Return the bytes that batches may take on the backend's device now; None where the system does not say."""
    try:
        return int(free_memory(backend.device) * _SHARE)
    except DeviceError:
        return None


def choose_tile(backend: Backend, *, room: int | None, tile_pad: int) -> int:
    """Return the largest side of a core whose window `backend` can compute in `room` bytes, see `free_room`.

    It is a multiple of 32 from 32 to 512.
    """
    if room is None:
        return _UNKNOWN
    margin = Cutter(_UNKNOWN, tile_pad, backend.multiple).margin
    core = math.isqrt(room // backend.bytes_per_pixel()) - margin
    return min(max(core // STEP * STEP, SMALLEST_TILE), _LARGEST_TILE)


def choose_height(tile: int, *, row_bytes: int) -> int:
    """Return how many rows a core of at most `tile` columns may have, so that a strip of the result stays small.

    `row_bytes`: of the result that one row of the picture makes. At least 32 rows; 0, the whole picture, stays 0.
    """
    return min(tile, max(_STRIP_BYTES // row_bytes // STEP * STEP, SMALLEST_TILE))


def choose_batch(backend: Backend, *, room: int | None, window_pixels: int) -> int:
    """Return how many windows to compute at once: 1 on a CPU, elsewhere as many small ones as one large tile has."""
    if backend.device.type == "cpu":
        return 1
    fitting = 1 if room is None else room // (backend.bytes_per_pixel() * window_pixels)
    return max(1, min(_LARGEST_TILE**2 // window_pixels, fitting, _MOST_AT_ONCE))
