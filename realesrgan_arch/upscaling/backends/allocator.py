"""Keep large tensors of the CPU out of `mmap`."""

import ctypes
import sys
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Of glibc's `malloc.h`; see `man 3 mallopt`."""
_LARGEST = 2**31 - 1


@cache
def reuse_large_blocks() -> bool:
    """Let this process keep large blocks of freed memory and use them again; return whether it can (glibc only).

    glibc takes every block above 32 MB fresh from the system and returns it when it is freed, so the system clears each
    tensor of a large tile page by page before a convolution writes it: measured up to half of the time of a bfloat16
    RRDBNet (docs/upscaling_speed.md). The process then holds its peak until it ends. Only the main arena can grow that
    far, so all threads share it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    wanted = ((_M_MMAP_THRESHOLD, _LARGEST), (_M_TRIM_THRESHOLD, _LARGEST), (_M_ARENA_MAX, 1))
    return all(mallopt(setting, value) for setting, value in wanted)
