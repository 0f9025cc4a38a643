"""What goes wrong while a picture is magnified: memory that runs out at any tile, values that are not finite."""

import logging

import numpy as np
import pytest
import torch

from realesrgan_arch.upscaling import engine
from realesrgan_arch.upscaling import windows as windows_module
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import UpscaleError, Upscaler
from tests.upscaling.backends_for_tests import CPU, Chooser

PAD = 3
"""As far as the backend looks."""


def _pixels(height, width):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8, endpoint=True)


def _whole(upscaler, pixels):
    return np.concatenate(list(upscaler.upscale_strips(pixels)))


def _out_of_memory(_=None):
    raise OutOfDeviceMemoryError("injected")


def _above(side):
    """No memory for windows with a side of more than `side` pixels."""
    return lambda calls: _out_of_memory() if max(calls[-1][2:]) > side else None


def _at(*indices):
    """No memory at these calls, counted from 0."""
    return lambda calls: _out_of_memory() if len(calls) - 1 in indices else None


PIXELS = _pixels(200, 210)
EXPECTED = _whole(Upscaler(Chooser(), tile=0), PIXELS)


@pytest.mark.parametrize("fault", range(9))
def test_memory_that_runs_out_at_any_tile_changes_no_pixel(fault):
    backend = Chooser(fault=_at(fault))
    upscaler = Upscaler(backend, tile=64, tile_pad=PAD)
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert upscaler.tile == 32
    assert all(shape.numel() < backend.calls[fault].numel() for shape in backend.calls[fault + 1 :])


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("first", range(5))
def test_memory_that_runs_out_twice_changes_no_pixel(first, batch):
    for second in range(first + 1, first + 6):
        upscaler = Upscaler(Chooser(fault=_at(first, second)), tile=80, tile_pad=PAD, batch=batch)
        assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)


def test_the_tile_is_halved_until_it_fits_and_the_smaller_one_holds(caplog):
    backend = Chooser(fault=_above(60))
    upscaler = Upscaler(backend, tile=0, tile_pad=PAD)
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert upscaler.tile == 32
    assert [record.message for record in caplog.records] == [
        "Out of memory on cpu: going on with tiles of 128 pixels.",
        "Out of memory on cpu: going on with tiles of 64 pixels.",
        "Out of memory on cpu: going on with tiles of 32 pixels.",
    ]
    assert len({shape for shape in backend.calls if max(shape) > 60}) == 3
    backend.calls.clear()
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert all(max(shape) <= 60 for shape in backend.calls), "the smaller tile must hold for the next picture"


def test_a_whole_picture_without_memory_comes_in_small_strips():
    strips = Upscaler(Chooser(fault=_above(60)), tile=0, tile_pad=PAD).upscale_strips(PIXELS)
    assert max(map(len, strips)) <= 2 * (32 + 8)


def test_the_smaller_tile_holds_for_a_tile_that_was_chosen_by_the_free_memory_too():
    backend = Chooser(fault=_above(60))
    upscaler = Upscaler(backend, tile_pad=PAD)
    _whole(upscaler, PIXELS)
    assert upscaler.tile == 32


def test_finished_tiles_are_kept():
    # Three tiles of 64 in a row; the third has no memory: it is made of four of 32, and no other is made again.
    backend = Chooser(fault=_at(2))
    Upscaler(backend, tile=64, tile_pad=PAD).upscale(torch.zeros(3, 64, 200))
    assert len(backend.calls) == 2 + 1 + 4 * 1
    # The first one of the second row: the row is cut again, the strip above stays.
    backend = Chooser(fault=_at(3))
    strips = Upscaler(backend, tile=64, tile_pad=PAD).upscale_strips(_pixels(136, 200))
    first = next(strips)
    assert len(backend.calls) == 3
    assert np.array_equal(first, _whole(Upscaler(Chooser(), tile=0), _pixels(136, 200))[: len(first)])
    assert sum(map(len, strips)) + len(first) == 272
    assert len(backend.calls) == 3 + 1 + 2 * 6


def test_a_batch_is_halved_before_the_tile():
    backend = Chooser(fault=lambda calls: _out_of_memory() if calls[-1][0] > 1 else None)
    upscaler = Upscaler(backend, tile=32, tile_pad=PAD, batch=4)
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert upscaler.tile == 32
    assert [shape[0] for shape in backend.calls[:4]] == [4, 2, 1, 1]
    assert all(shape[0] == 1 for shape in backend.calls[2:])


def test_how_many_tiles_have_no_memory_together_is_kept_as_their_pixels(monkeypatch):
    monkeypatch.setattr(
        engine, "choose_batch", lambda backend, *, room, window_pixels: min(8, max(1, 5000 // window_pixels))
    )
    backend = Chooser(fault=_at(0))
    upscaler = Upscaler(backend, tile=32, tile_pad=PAD)

    def batches_of(height):
        backend.calls.clear()
        upscaler.upscale(torch.zeros(3, height, 8 * 32 + 8))
        return [shape[0] for shape in backend.calls]

    assert batches_of(8) == [8, 4, 4]
    backend.calls += [torch.Size((0, 0, 0, 0))]
    monkeypatch.setattr(backend, "_fault", lambda calls: None)
    assert batches_of(46) == [1] * 8, "four of these have more pixels than eight of those"
    assert batches_of(4) == [8], "and eight of these have as many as four of those"


def test_parts_of_a_tile_are_blended_as_they_came_and_clamped_at_the_end():
    class Steep(Chooser):
        """0 for the first tile, 2 for all that follow; no memory for the second one."""

        def run(self, batch):
            return torch.full_like(super().run(batch), 2.0 if len(self.calls) > 1 else 0.0)

    line = Upscaler(Steep(1, fault=_at(1)), tile=64, tile_pad=0).upscale(torch.zeros(3, 1, 128))[0, 0]
    assert line[64:72].tolist() == [min(1, 2 * (index + 0.5) / 8) for index in range(8)]


def test_no_memory_for_the_smallest_tile_is_said_and_the_next_picture_works():
    backend = Chooser(fault=_at(*range(3)))
    upscaler = Upscaler(backend, tile=64, tile_pad=PAD)
    with pytest.raises(UpscaleError, match="no memory even for a tile of 32 pixels and its overlap of 3: close other"):
        _whole(upscaler, PIXELS)
    assert len(backend.calls) == 2
    backend.calls += [torch.Size((0, 0, 0, 0))] * 3
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)


def test_a_small_picture_without_memory_is_not_tried_again_and_again():
    backend = Chooser(fault=_out_of_memory)
    with pytest.raises(UpscaleError, match="no memory even"):
        Upscaler(backend, tile=512).upscale(torch.zeros(3, 60, 72))
    assert len(backend.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("injected"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: Error code 12"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("FIND was unable to find an engine to execute this computation"),
        RuntimeError(
            "GET was unable to find an engine to execute this computation: Unable to find a valid cuDNN algorithm"
        ),
        RuntimeError("could not create a memory object"),
        RuntimeError("std::bad_alloc"),
        MemoryError("Unable to allocate 3.00 GiB for an array"),
    ],
)
def test_what_devices_say_when_memory_runs_out_gives_smaller_tiles(error):
    class Network(torch.nn.Module):
        def forward(self, x):
            if max(x.shape[2:]) > 60:
                raise error
            return Chooser().run(x)

    upscaler = Upscaler(TorchBackend(Network(), scale=2, device=CPU), tile=0, tile_pad=PAD)
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert upscaler.tile == 32


def test_memory_that_runs_out_on_the_way_to_the_device_gives_smaller_tiles(monkeypatch):
    def to_batch(windows, device):
        if max(windows[0].shape) > 60:
            raise RuntimeError("CUDA error: out of memory")
        return windows_module.to_batch(windows, device)

    monkeypatch.setattr(engine, "to_batch", to_batch)
    upscaler = Upscaler(Chooser(), tile=0, tile_pad=PAD)
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert upscaler.tile == 32


def test_any_other_error_is_raised_and_the_next_picture_is_whole():
    def fault(calls):
        if len(calls) == 3:
            raise RuntimeError("injected device fault")

    upscaler = Upscaler(Chooser(fault=fault), tile=64, tile_pad=PAD)
    with pytest.raises(RuntimeError, match="injected device fault"):
        _whole(upscaler, _pixels(200, 210)[::-1])
    assert upscaler.tile == 64
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)


class Overflowing(Chooser):
    """Gives no finite value for one pixel of some tiles; in float32 only with `damaged`."""

    def __init__(self, *tiles, damaged=False, value=torch.nan, dtype=torch.float16):
        super().__init__(dtype=dtype)
        self._tiles, self._damaged, self._value = tiles, damaged, value

    def run(self, batch):
        first, result = sum(shape[0] for shape in self.calls), super().run(batch)
        for index in range(len(batch)):
            if first + index in self._tiles:
                result[index, 1, 7, 5] = self._value
        return result

    def run_exactly(self, batch):
        assert batch.shape[0] == 1
        return torch.full_like(Chooser().run(batch), torch.inf) if self._damaged else Chooser().run(batch)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_tiles_that_are_not_finite_are_computed_again_in_float32_and_that_is_said_once(caplog, batch, value):
    upscaler = Upscaler(Overflowing(0, 4, 5, value=value), tile=64, tile_pad=PAD, batch=batch)
    assert np.array_equal(_whole(upscaler, PIXELS), EXPECTED)
    assert [record.message for record in caplog.records] == [
        "3 tiles were not finite in this precision and computed again in float32."
    ]


@pytest.mark.parametrize(
    "backend",
    [Overflowing(4, damaged=True), Overflowing(4, dtype=torch.float32), Overflowing(4, value=-torch.inf, damaged=True)],
)
def test_values_that_are_not_finite_in_float32_either_are_an_error(backend):
    with pytest.raises(UpscaleError, match="not finite, in float32 too"):
        _whole(Upscaler(backend, tile=64, tile_pad=PAD), PIXELS)


def test_tiles_of_a_batch_that_had_to_be_repeated_are_counted_once(caplog):
    class Broken(Chooser):
        """Never finite in its precision; no memory for the second tile in float32."""

        num_exact = 0

        def run(self, batch):
            return torch.full_like(super().run(batch), torch.nan)

        def run_exactly(self, batch):
            self.num_exact += 1
            return _out_of_memory() if self.num_exact == 2 else torch.zeros_like(Chooser.run(self, batch))

    Upscaler(Broken(dtype=torch.bfloat16), tile=64, tile_pad=PAD, batch=3).upscale(torch.zeros(3, 64, 200))
    assert caplog.messages == ["3 tiles were not finite in this precision and computed again in float32."]


def test_a_batch_in_lower_precision_is_looked_through_once(monkeypatch):
    looks = []
    monkeypatch.setattr(engine, "_not_finite", lambda results: looks.append(results) or [])
    backend = Chooser(dtype=torch.bfloat16)
    _whole(Upscaler(backend, tile=64, tile_pad=PAD), PIXELS)
    assert len(looks) == len(backend.calls)
