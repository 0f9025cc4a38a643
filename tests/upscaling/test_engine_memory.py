"""The upscaler takes memory for a strip, however large the picture, and keeps the tile that was chosen by memory."""

import subprocess
import sys

import pytest
import torch

from realesrgan_arch.upscaling.engine import Upscaler
from tests.upscaling.backends_for_tests import Chooser

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")

_MEASURE = """
import sys
from pathlib import Path
import numpy as np
import torch
from realesrgan_arch.upscaling import tile_size
from realesrgan_arch.upscaling.engine import Upscaler

class Nearest:
    name, scale, multiple, device, dtype = "torch", 4, 1, torch.device("cpu"), torch.float32
    def run(self, batch):
        return batch.repeat_interleave(4, 2).repeat_interleave(4, 3)
    def bytes_per_pixel(self):
        return 400

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))

pixels = np.full((2400, 6000, 3), 7, np.uint8)
tile, *sizes = map(int, sys.argv[1:])
tile_size._STRIP_BYTES = 2**23
upscaler = Upscaler(Nearest(), tile=tile, pre_pad=10)
for height, width in zip(sizes[::2], sizes[1::2]):
    rows = sum(len(strip) for strip in upscaler.upscale_strips(pixels[:height, :width]))
    print(rows, peak())
"""


@linux_only
def test_memory_does_not_grow_with_the_height_of_a_picture():
    (low_rows, low), (high_rows, high) = _peaks(128, 600, 1000, 2400, 1000)
    assert (low_rows, high_rows) == (2400, 9600)
    # The result of the higher one has 115 megabytes, 86 more than the lower one's; as float32 461. Heaps vary.
    assert high - low < 60


@linux_only
def test_memory_hardly_grows_with_the_width_of_a_picture():
    (_, narrow), (rows, wide) = _peaks(512, 600, 3000, 600, 6000)
    assert rows == 2400
    # A row of tiles of 512 x 512 is 74 and 147 megabytes, of which several live; the seams, which are whole rows, grow.
    assert wide - narrow < 120


def _peaks(tile, *sizes):
    """The number of rows and the peak in megabytes after each of pictures of `sizes`, heights and widths."""
    command = [sys.executable, "-c", _MEASURE, *map(str, (tile, *sizes))]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [map(int, line.split()) for line in run.stdout.splitlines()]


def test_the_tile_is_chosen_by_the_free_memory_unless_it_is_named(monkeypatch):
    monkeypatch.setattr("realesrgan_arch.upscaling.tile_size.free_memory", lambda device: 2 * 1000 * 104**2)
    backend = Chooser(1)
    upscaler = Upscaler(backend)
    assert upscaler.tile is None
    upscaler.upscale(torch.zeros(3, 200, 200))
    assert max(max(shape) for shape in backend.calls) == 104
    assert upscaler.tile == 64


def test_the_tile_that_the_first_picture_had_holds_however_much_memory_is_free_later(monkeypatch):
    backend = Chooser(1)
    upscaler = Upscaler(backend)
    for count in (2 * 1000 * 104**2, 2 * 1000 * 72**2, 10**15):
        monkeypatch.setattr("realesrgan_arch.upscaling.tile_size.free_memory", lambda device, count=count: count)
        upscaler.upscale(torch.zeros(3, 200, 200))
        assert upscaler.tile == 64
    assert len(set(backend.calls)) == 1


def test_the_device_is_asked_for_its_free_memory_once_for_each_picture(monkeypatch):
    asked = []
    monkeypatch.setattr("realesrgan_arch.upscaling.tile_size.free_memory", lambda device: asked.append(device) or 10**9)
    upscaler = Upscaler(Chooser(1), tile=32)
    for _ in range(2):
        upscaler.upscale(torch.zeros(3, 200, 200))
    assert len(asked) == 2
