"""The most memory that this process has held."""

import os
import re
from pathlib import Path

import psutil
import torch

_STATUS = Path("/proc/self/status")


def peak_rss_bytes() -> int:
    """Return the high water mark of the resident memory of this process; what it holds now where none is kept.

    Not `ru_maxrss`: Linux hands that down to a child at `exec`, so that a small program begins with the peak of the
    large one that started it (`man 2 getrusage`); `VmHWM` is of this process alone.
    """
    if _STATUS.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii", errors="replace"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    memory = psutil.Process().memory_info()
    return getattr(memory, "peak_wset", memory.rss) if os.name == "nt" else memory.rss


def peak_bytes(device: torch.device) -> int:
    """Return the peak memory of a CUDA device as torch allocated it, of this process on others."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_rss_bytes()
