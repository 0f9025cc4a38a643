"""The upscaler: tiled equals whole, strips equal the whole, bytes equal upstream's, odd sizes."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from realesrgan_arch.images import from_tensor, read_rgb, to_tensor
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.weights.load import load_generator
from tests.upscaling.backends.networks import deep_rrdbnet
from tests.upscaling.backends_for_tests import CPU, Chooser

RADIUS = 3
"""Receptive radius of `TinyNet` in input pixels: one for each 3x3 convolution before the magnification."""
SIDES = st.integers(1, 40)


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


def _image(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def _pixels(height, width, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (height, width, 3), dtype, endpoint=True)


def _backend(network, dtype=torch.float32):
    return TorchBackend(network, scale=network.scale, device=CPU, dtype=dtype)


def _upscaler(network, *, dtype=torch.float32, tile=0, **settings_):
    return Upscaler(_backend(network, dtype), tile=tile, **settings_)


def _whole(upscaler, pixels, **settings_):
    return np.concatenate(list(upscaler.upscale_strips(pixels, **settings_)))


@settings(deadline=None, max_examples=40)
@given(height=SIDES, width=SIDES, scale=st.sampled_from([1, 2, 4]), tile=st.integers(1, 20), extra=st.integers(0, 4))
def test_tiled_equals_whole_when_the_overlap_holds_the_receptive_field(height, width, scale, tile, extra):
    image, network = _image(height, width), TinyNet(scale)
    whole = _upscaler(network).upscale(image)
    tiled = _upscaler(network, tile=tile, tile_pad=RADIUS + extra).upscale(image)
    assert whole.shape == (3, height * scale, width * scale)
    assert torch.allclose(tiled, whole, atol=1e-6)


@settings(deadline=None, max_examples=120)
@given(
    size=st.tuples(SIDES, SIDES),
    tile=st.integers(1, 20),
    extra=st.integers(0, 4),
    radius=st.integers(0, 3),
    scale=st.sampled_from([1, 2, 4]),
    multiple=st.sampled_from([1, 2, 4]),
    pre_pad=st.sampled_from([0, 0, 5]),
    batch=st.integers(1, 3),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
def test_tiled_bytes_and_floats_equal_whole_ones(size, tile, extra, radius, scale, multiple, pre_pad, batch, dtype):
    backend, pixels = Chooser(scale, radius=radius, multiple=multiple), _pixels(*size, dtype)
    whole = Upscaler(backend, tile=0, pre_pad=pre_pad)
    tiled = Upscaler(backend, tile=tile, tile_pad=backend.reach + extra, pre_pad=pre_pad, batch=batch)
    expected = _whole(whole, pixels)
    assert expected.dtype == dtype
    assert expected.shape == (size[0] * scale, size[1] * scale, 3)
    assert np.array_equal(_whole(tiled, pixels), expected)
    assert torch.equal(tiled.upscale(to_tensor(pixels)), whole.upscale(to_tensor(pixels)))
    assert torch.equal(tiled.upscale(to_tensor(pixels)), to_tensor(expected))


def test_tiled_differs_from_whole_when_the_overlap_is_too_small():
    image, network = _image(60, 60), TinyNet(2)
    whole = _upscaler(network).upscale(image)
    assert not torch.allclose(_upscaler(network, tile=16, tile_pad=0).upscale(image), whole, atol=1e-4)


@pytest.mark.parametrize("dim", [1, 2])
def test_a_seam_between_tiles_that_disagree_is_no_step(dim):
    class Slope(Chooser):
        """Gives the place in the window, so that neighbours disagree by a whole tile."""

        def run(self, batch):
            return torch.linspace(0, 1, max(batch.shape)).reshape_as(batch[:, :1]).expand_as(batch)

    image = torch.zeros(3, 1, 72).swapaxes(2, dim)
    line = Upscaler(Slope(1), tile=32, tile_pad=0).upscale(image)[0].flatten()
    steps = line.diff()
    assert steps.abs().max() < 1 / 8 + 0.03
    assert (steps[32:39] < 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bytes_are_those_of_upstreams_formula(dtype):
    network, pixels = TinyNet(4).eval(), _pixels(17, 23, dtype)
    with torch.no_grad():
        network.last.weight *= 8
    most = np.iinfo(dtype).max
    image = torch.from_numpy((pixels.astype(np.float32) / most).transpose(2, 0, 1))
    output = _backend(network).run(image[None])[0]
    assert output.min() < 0 < 1 < output.max()
    expected = (output.float().clamp(0, 1).numpy().transpose(1, 2, 0) * float(most)).round().astype(dtype)
    assert np.array_equal(_whole(_upscaler(network), pixels), expected)


def test_strips_are_one_row_of_tiles_each_and_gray_ones_have_one_channel():
    upscaler, pixels = Upscaler(Chooser(2), tile=32, tile_pad=3), _pixels(100, 50)
    assert [strip.shape for strip in upscaler.upscale_strips(pixels)] == [(64, 100, 3)] * 2 + [(72, 100, 3)]
    gray = _whole(upscaler, pixels, gray=True)
    luma = to_tensor(_whole(upscaler, pixels)).mul(torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)).sum(0)
    assert np.abs(gray[..., 0] - 255.0 * luma.numpy()).max() <= 0.51


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
    network, image = RRDBNet(scale=scale, num_feat=4, num_block=1, num_grow_ch=4), _image(5, 251)
    whole = _upscaler(network).upscale(image)
    tiled = _upscaler(network, tile=23, tile_pad=pad).upscale(image)
    assert torch.allclose(tiled, whole, atol=1e-6)


def test_tiled_rrdbnet_is_within_one_level_of_whole_with_the_default_overlap():
    pixels = _pixels(70, 100)
    network = deep_rrdbnet(to_tensor(pixels)[None], num_block=12, num_feat=16)
    assert _most_levels(network, pixels) <= 1
    assert _most_levels(network, pixels, tile_pad=2) > 1, "or the test sees no overlap that is too small"


@pytest.mark.shared_data
def test_the_released_compact_model_tiled_is_within_one_level_of_whole(shared_data):
    network, _ = load_generator(str(shared_data("weights/generators/realesr-general-x4v3.pth")))
    photo = read_rgb(next(iter(sorted(shared_data("data/photos").rglob("*.jpg")))))
    assert _most_levels(network, photo[:100, :120]) <= 1


def _most_levels(network, pixels, **settings_):
    """By how many levels tiles of 32, with the default overlap unless it is named, differ from the whole picture."""
    whole, tiled = (_whole(_upscaler(network, tile=tile, **settings_), pixels).astype(int) for tile in (0, 32))
    return np.abs(whole - tiled).max()


@pytest.mark.parametrize("size", [(1, 1), (4, 30), (20, 20)])
def test_pre_pad_changes_no_size_and_no_inner_pixel(size):
    network = TinyNet(2)
    plain, padded = (_upscaler(network, pre_pad=pre_pad).upscale(_image(*size)) for pre_pad in (0, 10))
    assert padded.shape == plain.shape
    inner = [slice(0, max(side - RADIUS, 0) * 2) for side in size]
    assert torch.allclose(padded[:, inner[0], inner[1]], plain[:, inner[0], inner[1]], atol=1e-6)


def test_pictures_of_many_sizes_share_few_shapes():
    backend = Chooser(1)
    upscaler = Upscaler(backend, tile=64, tile_pad=4)
    for side in range(100, 260, 7):
        upscaler.upscale(torch.zeros(3, side, side + 20))
    assert len({tuple(shape) for shape in backend.calls}) <= 4


def test_tiles_of_a_row_are_computed_together_in_batches_of_about_one_size():
    backend = Chooser(1)
    Upscaler(backend, tile=32, tile_pad=0, batch=3).upscale(torch.zeros(3, 32, 32 * 4 + 8))
    assert [shape[0] for shape in backend.calls] == [2, 2]


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


def test_a_result_can_be_changed_by_its_owner():
    result = _upscaler(TinyNet(2)).upscale(_image(4, 4))
    assert result.add_(1).min() >= 1


@pytest.mark.parametrize("image", [torch.rand(1, 8, 8), torch.rand(1, 3, 8, 8), torch.zeros(3, 8, 8).byte()])
def test_anything_but_an_rgb_float_picture_is_refused(image):
    with pytest.raises(ValueError, match=r"RGB float picture \(3, H, W\)"):
        _upscaler(TinyNet(2)).upscale(image)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_anything_but_rgb_pixels_is_refused_before_the_first_strip(pixels):
    with pytest.raises(ValueError, match=r"RGB pixels \(H, W, 3\) of uint8 or uint16"):
        _upscaler(TinyNet(2)).upscale_strips(pixels)


def test_a_wrong_scale_is_refused():
    with pytest.raises(ValueError, match=r"expected the network to give \(1, 3, 32, 32\), got \(1, 3, 16, 16\)"):
        Upscaler(TorchBackend(TinyNet(2), scale=4, device=CPU)).upscale(_image(8, 8))


def test_a_negative_tile_and_an_empty_batch_are_refused():
    with pytest.raises(ValueError, match="tile, tile_pad, pre_pad >= 0"):
        _upscaler(TinyNet(2), tile=-1)
    with pytest.raises(ValueError, match="batch >= 1"):
        _upscaler(TinyNet(2), batch=0)


def test_pixels_become_the_floats_quantised():
    upscaler, pixels = _upscaler(TinyNet(2), tile=20), _pixels(50, 61)
    assert np.array_equal(_whole(upscaler, pixels), from_tensor(upscaler.upscale(to_tensor(pixels))))
