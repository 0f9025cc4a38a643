"""The peak of this process, and of no other."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.training.peak_memory import peak_rss_bytes

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")


@linux
def test_a_peak_stays_after_the_memory_is_given_back() -> None:
    before = peak_rss_bytes()
    array = np.ones(max(before, 300 * 2**20), np.uint8)
    held = array.nbytes
    del array
    assert peak_rss_bytes() >= held


@linux
def test_a_child_does_not_inherit_the_peak_of_its_parent() -> None:
    array = np.ones(600 * 2**20, np.uint8)
    source = Path(__file__).parents[2] / "realesrgan_arch/training/peak_memory.py"
    code = (
        "import sys, types; sys.modules['torch'] = types.SimpleNamespace(device=object)\n"
        f"exec(open({str(source)!r}).read()); print(peak_rss_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200 * 2**20 < array.nbytes
