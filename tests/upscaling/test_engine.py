"""The upscaler: tiled equals whole, no stale tile, memory that runs out, values that are not finite, odd sizes."""

import copy
import logging

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import UpscaleError, Upscaler

CPU = torch.device("cpu")
RADIUS = 3
"""Receptive radius of `TinyNet` in input pixels: one for each 3x3 convolution before the magnification."""


class TinyNet(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        torch.manual_seed(scale)
        self.convs = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)])
        self.last = nn.Conv2d(8, 3 * scale**2, 3, padding=1)

    def forward(self, x):
        features = x.to(self.last.weight.dtype)
        for conv in self.convs:
            features = F.leaky_relu(conv(features), 0.1)
        return F.pixel_shuffle(self.last(features) + 0.5, self.scale).float()


class Faulty(TinyNet):
    """Does `fault(call number, input)` before it answers."""

    def __init__(self, fault, scale=2):
        super().__init__(scale)
        self.fault = fault
        self.sizes = []

    def __deepcopy__(self, memo):
        # The upscaler copies its network; the list of calls stays shared so that a test can read it.
        twin = Faulty(self.fault, self.scale)
        twin.sizes = self.sizes
        return twin

    def forward(self, x):
        self.sizes.append(tuple(x.shape[2:]))
        answer = self.fault(self, x)
        return super().forward(x) if answer is None else answer


def _image(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def _upscaler(network, *, dtype=torch.float32, **settings_):
    return Upscaler(TorchBackend(network, scale=network.scale, device=CPU, dtype=dtype), **settings_)


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    scale=st.sampled_from([1, 2, 4]),
    tile=st.integers(1, 20),
    extra=st.integers(0, 4),
)
def test_tiled_equals_whole_when_the_overlap_holds_the_receptive_field(height, width, scale, tile, extra):
    image, network = _image(height, width), TinyNet(scale)
    whole = _upscaler(network).upscale(image)
    tiled = _upscaler(network, tile=tile, tile_pad=RADIUS + extra).upscale(image)
    assert whole.shape == (3, height * scale, width * scale)
    assert torch.allclose(tiled, whole, atol=1e-6)


def test_tiled_differs_from_whole_when_the_overlap_is_too_small():
    image, network = _image(40, 40), TinyNet(2)
    whole = _upscaler(network).upscale(image)
    assert not torch.allclose(_upscaler(network, tile=16, tile_pad=0).upscale(image), whole, atol=1e-4)


def test_the_result_is_the_networks_clamped():
    image, network = _image(17, 23), TinyNet(4).eval()
    with torch.no_grad():
        network.last.weight *= 8
        expected = network(image[None])[0]
    assert expected.min() < 0
    assert expected.max() > 1
    assert torch.allclose(_upscaler(network).upscale(image), expected.clamp(0, 1), atol=1e-5)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 5), (21, 13)])
def test_rrdbnet_takes_any_size_and_any_tile(scale, size):
    torch.manual_seed(0)
    network = RRDBNet(scale=scale, num_feat=4, num_block=1, num_grow_ch=4)
    for tile in (0, 7):
        assert _upscaler(network, tile=tile).upscale(_image(*size)).shape == (3, size[0] * scale, size[1] * scale)


@pytest.mark.parametrize(("scale", "pad"), [(2, 41), (4, 21)])
def test_tiled_rrdbnet_equals_whole_when_the_overlap_holds_its_receptive_field(scale, pad):
    torch.manual_seed(0)
    network, image = RRDBNet(scale=scale, num_feat=4, num_block=1, num_grow_ch=4), _image(5, 151)
    whole = _upscaler(network).upscale(image)
    tiled = _upscaler(network, tile=23, tile_pad=pad).upscale(image)
    assert torch.allclose(tiled, whole, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (4, 30), (20, 20)])
def test_pre_pad_changes_no_size_and_no_inner_pixel(size):
    network = TinyNet(2)
    plain, padded = (_upscaler(network, pre_pad=pre_pad).upscale(_image(*size)) for pre_pad in (0, 10))
    assert padded.shape == plain.shape
    inner = [slice(0, max(side - RADIUS, 0) * 2) for side in size]
    assert torch.allclose(padded[:, inner[0], inner[1]], plain[:, inner[0], inner[1]], atol=1e-6)


def test_the_callers_network_is_left_alone_and_later_changes_are_not_seen():
    network = TinyNet(2).train()
    before = copy.deepcopy(network.state_dict())
    upscaler = _upscaler(network, dtype=torch.bfloat16)
    first = upscaler.upscale(_image(8, 8))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    nn.init.zeros_(network.last.weight)
    assert torch.equal(upscaler.upscale(_image(8, 8)), first)


def test_bfloat16_is_close_to_float32():
    network, image = TinyNet(2), _image(24, 24)
    exact, rounded = (_upscaler(network, dtype=dtype).upscale(image) for dtype in (torch.float32, torch.bfloat16))
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).abs().max() < 0.02


def _no_memory_above(side):
    def fault(_, x):
        if max(x.shape[2:]) > side:
            raise torch.OutOfMemoryError("injected")

    return fault


def test_out_of_memory_halves_the_tile_and_gives_the_result_of_small_tiles(caplog):
    image, network = _image(100, 150), Faulty(_no_memory_above(60))
    expected = _upscaler(TinyNet(2), tile=32, tile_pad=RADIUS).upscale(image)
    upscaler = _upscaler(network, tile=0, tile_pad=RADIUS)
    with caplog.at_level(logging.WARNING):
        assert torch.allclose(upscaler.upscale(image), expected, atol=1e-6)
    assert upscaler.tile == 38
    assert [record.message for record in caplog.records] == [
        "Out of memory on cpu: going on with tiles of 75 pixels.",
        "Out of memory on cpu: going on with tiles of 38 pixels.",
    ]
    calls = len(network.sizes)
    upscaler.upscale(image)
    assert all(max(size) <= 60 for size in network.sizes[calls:]), "the smaller tile must hold for the next picture"


@pytest.mark.parametrize(
    "message",
    [
        "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: Error code 12",
        "MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)",
    ],
)
def test_devices_that_run_out_of_memory_with_a_plain_runtime_error_get_smaller_tiles_too(message):
    def fault(_, x):
        if max(x.shape[2:]) > 60:
            raise RuntimeError(message)

    image, upscaler = _image(64, 64), _upscaler(Faulty(fault), tile_pad=RADIUS)
    assert torch.allclose(upscaler.upscale(image), _upscaler(TinyNet(2)).upscale(image), atol=1e-6)
    assert upscaler.tile == 32


def test_finished_tiles_are_kept_when_memory_runs_out():
    def fault(network, x):
        if len(network.sizes) == 3:
            raise torch.OutOfMemoryError("injected once")

    network, image = Faulty(fault), _image(64, 128)
    result = _upscaler(network, tile=64, tile_pad=RADIUS).upscale(image)
    assert torch.allclose(result, _upscaler(TinyNet(2)).upscale(image), atol=1e-6)
    network.sizes.clear()
    image = _image(64, 192)
    _upscaler(network, tile=64, tile_pad=RADIUS).upscale(image)
    # Two whole tiles, the one that failed, and its four quarters.
    assert len(network.sizes) == 2 + 1 + 4


def test_no_memory_for_the_smallest_tile_is_said_and_the_next_picture_works():
    network = Faulty(lambda net, x: _no_memory_above(0)(net, x) if len(net.sizes) < 5 else None)
    upscaler = _upscaler(network, tile=64)
    with pytest.raises(UpscaleError, match="no memory even for a tile of 32 pixels"):
        upscaler.upscale(_image(64, 64))
    network.sizes += [(0, 0)] * 5
    assert upscaler.upscale(_image(8, 8)).shape == (3, 16, 16)


def test_any_other_error_is_raised_and_no_stale_tile_is_shown():
    def fault(network, x):
        if len(network.sizes) == 3:
            raise RuntimeError("injected device fault")

    upscaler = _upscaler(Faulty(fault), tile=16)
    with pytest.raises(RuntimeError, match="injected device fault"):
        upscaler.upscale(_image(32, 32))
    assert upscaler.tile == 16


def test_a_tile_that_is_not_finite_is_computed_again_in_float32(caplog):
    def fault(network, x):
        if network.last.weight.dtype != torch.float32:
            return torch.full((1, 3, x.shape[2] * 2, x.shape[3] * 2), torch.nan)
        return None

    image = _image(32, 32)
    result = _upscaler(Faulty(fault), dtype=torch.float16, tile=16, tile_pad=RADIUS).upscale(image)
    assert torch.allclose(result, _upscaler(TinyNet(2)).upscale(image), atol=1e-6)
    assert "computed again in float32" in caplog.text


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_values_that_are_not_finite_in_float32_either_are_an_error(dtype):
    network = TinyNet(2)
    nn.init.constant_(network.last.bias, torch.inf)
    with pytest.raises(UpscaleError, match="not finite"):
        _upscaler(network, dtype=dtype).upscale(_image(8, 8))


@pytest.mark.parametrize("image", [torch.rand(1, 8, 8), torch.rand(1, 3, 8, 8), torch.zeros(3, 8, 8).byte()])
def test_anything_but_an_rgb_float_picture_is_refused(image):
    with pytest.raises(ValueError, match=r"RGB float picture \(3, H, W\)"):
        _upscaler(TinyNet(2)).upscale(image)


def test_a_wrong_scale_is_refused():
    with pytest.raises(ValueError, match=r"expected the network to give \(1, 3, 32, 32\), got \(1, 3, 16, 16\)"):
        Upscaler(TorchBackend(TinyNet(2), scale=4, device=CPU)).upscale(_image(8, 8))


def test_a_negative_tile_is_refused():
    with pytest.raises(ValueError, match="tile, tile_pad, pre_pad >= 0"):
        _upscaler(TinyNet(2), tile=-1)
