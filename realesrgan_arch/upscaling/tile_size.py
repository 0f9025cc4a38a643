"""How large a tile may be, from the memory that is free."""

import math

from realesrgan_arch.devices import DeviceError, free_memory
from realesrgan_arch.upscaling.backends.interface import Backend
from realesrgan_arch.upscaling.tiling import STEP, Cutter

SMALLEST_TILE = 32
_LARGEST_TILE = 512
"""Beyond it nothing is gained: the margin is already a sixth of the work."""
_LARGEST_ON_CPU = 384
"""With 512 the compact model took 1.3 times the CPU time a pixel, RRDBNet the same (bfloat16): glibc gives blocks of
more than 32 MiB back at once, and has them cleared again. Where it was told to keep them there was no difference."""
_UNKNOWN = 256
"""Where the system does not say how much memory is free."""
_SHARE = 0.5
"""Of the free memory: the estimate is one, and reading and writing pictures need some too."""
_MOST_AT_ONCE = 8


def choose_tile(backend: Backend, *, tile_pad: int) -> int:
    """Return the largest side of a core whose window `backend` has room for.

    It is a multiple of 32 from 32 to 512, on a CPU to 384.
    """
    room = _room(backend)
    if room is None:
        return _UNKNOWN
    margin = Cutter(_UNKNOWN, tile_pad, backend.multiple).margin
    core = math.isqrt(room // backend.bytes_per_pixel()) - margin
    largest = _LARGEST_ON_CPU if backend.device.type == "cpu" else _LARGEST_TILE
    return min(max(core // STEP * STEP, SMALLEST_TILE), largest)


def choose_batch(backend: Backend, *, window_pixels: int) -> int:
    """Return how many windows to compute at once: 1 on a CPU, elsewhere as many small ones as one large tile has."""
    if backend.device.type == "cpu":
        return 1
    room = _room(backend)
    fitting = 1 if room is None else room // (backend.bytes_per_pixel() * window_pixels)
    return max(1, min(_LARGEST_TILE**2 // window_pixels, fitting, _MOST_AT_ONCE))


def _room(backend: Backend) -> int | None:
    try:
        return int(free_memory(backend.device) * _SHARE)
    except DeviceError:
        return None
