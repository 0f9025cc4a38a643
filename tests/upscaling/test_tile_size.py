"""Tiles and batches by the free memory: numbers that fit, steps, bounds, and where nothing is known."""

import pytest
import torch

from realesrgan_arch.devices import DeviceError
from realesrgan_arch.upscaling import tile_size
from realesrgan_arch.upscaling.tile_size import choose_batch, choose_height, choose_tile, free_room
from tests.upscaling.backends_for_tests import Chooser


@pytest.fixture
def free(monkeypatch):
    """Return a function that says how much memory is free from then on."""
    return lambda count: monkeypatch.setattr(tile_size, "free_memory", lambda device: count)


@pytest.mark.parametrize(
    ("count", "tile"),
    [
        (2 * 1000 * 552**2, 512),  # exactly the window of a core of 512: 8 of zone and twice 16 of context
        (2 * 1000 * 552**2 - 2, 480),
        (10**15, 512),
        (2 * 1000 * 200**2, 160),
        (1, 32),
    ],
)
def test_the_largest_step_is_taken_whose_window_needs_half_of_the_free_memory(free, count, tile):
    free(count)
    backend = Chooser()
    assert choose_tile(backend, room=free_room(backend), tile_pad=16) == tile


@pytest.mark.parametrize(
    ("columns", "tile", "rows"), [(1000, 512, 512), (10_000, 512, 256), (20_000, 512, 128), (500_000, 512, 32)]
)
def test_wide_pictures_have_lower_tiles_so_that_a_strip_of_8_bits_at_x4_takes_128_mib(columns, tile, rows):
    row_bytes = columns * 16 * 3
    assert choose_height(tile, row_bytes=row_bytes) == rows
    assert rows == 32 or rows * row_bytes <= 2**27


def test_tiles_that_were_named_are_never_made_higher_and_a_whole_picture_stays_whole():
    assert choose_height(20, row_bytes=1) == choose_height(20, row_bytes=10**9) == 20
    assert choose_height(0, row_bytes=10**9) == 0


def test_where_the_system_says_nothing_the_tile_is_256_and_one_at_once(monkeypatch):
    def unknown(device):
        raise DeviceError("unknown")

    monkeypatch.setattr(tile_size, "free_memory", unknown)
    backend = Chooser()
    assert free_room(backend) is None
    assert choose_tile(backend, room=None, tile_pad=16) == 256
    backend.device = torch.device("cuda")
    assert choose_batch(backend, room=None, window_pixels=64**2) == 1


@pytest.mark.parametrize(
    ("device", "count", "side", "batch"),
    [
        ("cpu", 10**15, 64, 1),
        ("cuda", 10**15, 552, 1),
        ("cuda", 10**15, 200, 6),
        ("cuda", 10**15, 64, 8),
        ("cuda", 2 * 3000 * 64**2, 64, 3),
        ("cuda", 1, 64, 1),
    ],
)
def test_only_small_tiles_and_only_on_other_devices_than_cpus_are_computed_together(free, device, count, side, batch):
    backend = Chooser()
    backend.device = torch.device(device)
    assert choose_batch(backend, room=count // 2, window_pixels=side**2) == batch
