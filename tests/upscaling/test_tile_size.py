"""Tiles and batches by the free memory: numbers that fit, steps, bounds, and where nothing is known."""

import pytest
import torch

from realesrgan_arch.devices import DeviceError
from realesrgan_arch.upscaling import tile_size
from realesrgan_arch.upscaling.tile_size import choose_batch, choose_tile
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
    backend.device = torch.device("cuda")
    assert choose_tile(backend, tile_pad=16) == tile


def test_on_a_cpu_the_tile_is_at_most_384(free):
    free(10**15)
    assert choose_tile(Chooser(), tile_pad=16) == 384


def test_where_the_system_says_nothing_the_tile_is_256_and_one_at_once(monkeypatch):
    def unknown(device):
        raise DeviceError("unknown")

    monkeypatch.setattr(tile_size, "free_memory", unknown)
    backend = Chooser()
    assert choose_tile(backend, tile_pad=16) == 256
    backend.device = torch.device("cuda")
    assert choose_batch(backend, window_pixels=64**2) == 1


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
    free(count)
    backend = Chooser()
    backend.device = torch.device(device)
    assert choose_batch(backend, window_pixels=side**2) == batch
