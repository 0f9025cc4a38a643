"""Whole pictures: bit depth, gray, alpha, profile and any outscale survive; plain bytes equal upstream's arithmetic."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from realesrgan_arch.images import Metadata, Picture
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.picture import PictureUpscaler, fill_hidden_colours


class Repeat(nn.Module):
    """Repeats each pixel, so that what should come out is known exactly."""

    def forward(self, x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def _picture_upscaler(outscale=2.0, alpha_upsampler="bicubic", **size):
    upscaler = Upscaler(TorchBackend(Repeat(), scale=2, device=torch.device("cpu")), tile=32)
    return PictureUpscaler(upscaler, outscale=outscale, alpha_upsampler=alpha_upsampler, **size)


def _pixels(dtype, shape=(5, 7, 3), most=None):
    most = np.iinfo(dtype).max if most is None else most
    return np.random.default_rng(0).integers(0, most, shape, endpoint=True).astype(dtype)


def _twice(pixels):
    return pixels.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_pass_unchanged_in_their_depth_and_the_profile_is_kept(dtype):
    picture = Picture(_pixels(dtype), metadata=Metadata(icc=b"profile"))
    result = _picture_upscaler().upscale(picture)
    assert result.rgb.dtype == dtype
    assert np.array_equal(result.rgb, _twice(picture.rgb))
    assert result.metadata.icc == b"profile"
    assert result.alpha is None


def test_a_dark_16_bit_picture_stays_dark():
    picture = Picture(_pixels(np.uint16, most=200))
    assert np.array_equal(_picture_upscaler().upscale(picture).rgb, _twice(picture.rgb))


def test_gray_stays_gray_even_if_the_network_colours_it():
    class Tinted(Repeat):
        def forward(self, x):
            return super().forward(x) * torch.tensor([1.0, 0.5, 0.0]).reshape(1, 3, 1, 1)

    upscaler = Upscaler(TorchBackend(Tinted(), scale=2, device=torch.device("cpu")))
    gray = np.full((4, 4, 3), 200, np.uint8)
    result = PictureUpscaler(upscaler, outscale=2).upscale(Picture(gray, is_gray=True))
    assert result.is_gray
    assert np.unique(result.rgb).tolist() == [round(200 * (0.299 + 0.587 * 0.5))]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_magnified_by_bicubic_or_by_the_network(dtype):
    picture = Picture(_pixels(dtype), alpha=_pixels(dtype, (5, 7)))
    cubic = _picture_upscaler().upscale(picture).alpha
    assert np.array_equal(cubic, cv2.resize(picture.alpha, (14, 10), interpolation=cv2.INTER_CUBIC))
    network = _picture_upscaler(alpha_upsampler="network").upscale(picture).alpha
    assert np.abs(network.astype(int) - _twice(picture.alpha)).max() <= 1


@pytest.mark.parametrize("outscale", [1.0, 1.5, 2.0, 3.7])
def test_any_outscale_gives_upstreams_size_and_pixels(outscale):
    picture = Picture(_pixels(np.uint8), alpha=_opaque(np.uint8))
    upscaler = _picture_upscaler(outscale)
    result = upscaler.upscale(picture)
    size = (max(1, int(7 * outscale)), max(1, int(5 * outscale)))
    assert upscaler.output_size((7, 5)) == size
    assert result.rgb.shape == (size[1], size[0], 3)
    assert result.alpha.shape == (size[1], size[0])
    expected = _twice(picture.rgb)
    if outscale != 2:
        expected = cv2.resize(expected, size, interpolation=cv2.INTER_LANCZOS4)
    assert np.array_equal(result.rgb, expected)


def test_a_result_of_less_than_half_is_made_by_areas_for_lanczos_would_alias():
    # The period of the stripes is 1.2 pixels of the result, which can hold 2 and more.
    stripes = np.zeros((60, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    result = _picture_upscaler(0.6).upscale(Picture(stripes)).rgb
    lanczos = cv2.resize(_twice(stripes), (72, 36), interpolation=cv2.INTER_LANCZOS4)
    assert result.shape == (36, 72, 3)
    assert lanczos.std() > 100
    assert result.std() < 30
    assert abs(result.mean() - 127.5) < 1


def test_sizes_by_width_and_by_longest_side():
    picture = Picture(_pixels(np.uint8, (20, 30, 3)))
    assert _picture_upscaler(width=45).upscale(picture).rgb.shape == (30, 45, 3)
    assert _picture_upscaler(max_side=45).upscale(picture).rgb.shape == (30, 45, 3)
    assert _picture_upscaler(max_side=450).upscale(picture).rgb.shape == (40, 60, 3)


def _opaque(dtype, shape=(5, 7)):
    return np.full(shape, np.iinfo(dtype).max, dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("is_gray", "has_alpha", "channels"), [(0, 0, 3), (1, 0, 1), (0, 1, 4), (1, 1, 4)])
@pytest.mark.parametrize("alpha_upsampler", ["bicubic", "network"])
def test_strips_are_the_rows_of_the_whole_result(dtype, is_gray, has_alpha, channels, alpha_upsampler):
    rgb = _pixels(dtype, (100, 40, 3))
    rgb = np.repeat(rgb[..., :1], 3, axis=2) if is_gray else rgb
    alpha = np.minimum(_pixels(dtype, (100, 40)), 200) * (np.arange(40) > 9) if has_alpha else None
    picture = Picture(rgb, alpha=None if alpha is None else alpha.astype(dtype), is_gray=bool(is_gray))
    upscaler = _picture_upscaler(alpha_upsampler=alpha_upsampler)
    strips = list(upscaler.upscale_strips(picture))
    assert len(strips) > 1
    rows, whole = np.concatenate(strips), upscaler.upscale(picture)
    assert rows.dtype == dtype
    assert rows.shape == (200, 80, channels)
    assert np.array_equal(rows[..., :3], whole.rgb[..., : min(channels, 3)])
    assert not has_alpha or np.array_equal(rows[..., 3], whole.alpha)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_alpha_by_bicubic_is_the_same_in_strips_and_whole(dtype, scale):
    class Same(Repeat):
        def forward(self, x):
            return x.repeat_interleave(scale, 2).repeat_interleave(scale, 3)

    engine = Upscaler(TorchBackend(Same(), scale=scale, device=torch.device("cpu")), tile=0)
    alpha = np.maximum(_pixels(dtype, (200, 31)), 1)
    picture = Picture(_pixels(dtype, (200, 31, 3)), alpha=alpha)
    (rows,) = PictureUpscaler(engine, outscale=scale).upscale_strips(picture)
    expected = cv2.resize(alpha, (31 * scale, 200 * scale), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(rows[..., 3], expected)


def test_alpha_may_come_in_strips_of_other_heights_when_memory_runs_out_for_one_of_both():
    class Tight(TorchBackend):
        """No memory for tiles of more than 80 pixels after the second batch."""

        num_runs = 0

        def run(self, batch):
            self.num_runs += 1
            if self.num_runs > 2 and max(batch.shape) > 80:
                raise OutOfDeviceMemoryError
            return super().run(batch)

    rgb, alpha = _pixels(np.uint8, (300, 50, 3)), np.maximum(_pixels(np.uint8, (300, 50)), 1)
    upscaler = Upscaler(Tight(Repeat(), scale=2, device=torch.device("cpu")), tile=64)
    strips = PictureUpscaler(upscaler, outscale=2, alpha_upsampler="network").upscale_strips(Picture(rgb, alpha=alpha))
    rows = np.concatenate(list(strips))
    assert upscaler.tile == 32
    assert np.array_equal(rows[..., :3], _twice(rgb))
    assert np.abs(rows[..., 3].astype(int) - _twice(alpha)).max() <= 1


@pytest.mark.parametrize(("outscale", "can_stream"), [(2, True), (1.99, False), (4, False)])
def test_only_results_of_the_networks_size_can_be_streamed(outscale, can_stream):
    upscaler, picture = _picture_upscaler(outscale), Picture(_pixels(np.uint8, (50, 70, 3)))
    assert upscaler.can_stream(picture) == can_stream
    if not can_stream:
        with pytest.raises(ValueError, match="network's size"):
            upscaler.upscale_strips(picture)


class Blur(Repeat):
    """Mixes neighbours, as networks do."""

    def forward(self, x):
        return super().forward(torch.nn.functional.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha_upsampler", ["bicubic", "network"])
def test_a_red_disc_on_transparent_green_gets_no_green_fringe(dtype, alpha_upsampler):
    most = np.iinfo(dtype).max
    rows, columns = np.mgrid[:40, :40]
    inside = (rows - 20) ** 2 + (columns - 20) ** 2 < 150
    rgb = np.where(inside[..., None], [most, 0, 0], [0, most, 0]).astype(dtype)
    picture = Picture(rgb, alpha=np.where(inside, most, 0).astype(dtype))
    upscaler = Upscaler(TorchBackend(Blur(), scale=2, device=torch.device("cpu")))
    result = PictureUpscaler(upscaler, outscale=2, alpha_upsampler=alpha_upsampler).upscale(picture)
    seen = result.rgb[result.alpha > 0]
    assert len(seen) > 1800
    assert seen[:, 1].max() == 0
    assert seen[:, 0].min() == most
    # The network itself would give green where the disc is half seen.
    plain = PictureUpscaler(upscaler, outscale=2).upscale(Picture(rgb)).rgb[result.alpha > most // 2]
    assert plain[:, 1].max() > most // 3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_hidden_colours_become_those_of_the_nearest_visible_pixel_and_visible_ones_stay(dtype):
    rgb, alpha = _pixels(dtype, (9, 12, 3)), np.zeros((9, 12), dtype)
    alpha[2, 3], alpha[6, 9] = 1, 7
    before = rgb.copy()
    filled = fill_hidden_colours(rgb, alpha)
    assert np.array_equal(rgb, before)
    rows, columns = np.mgrid[:9, :12]
    first, second = np.hypot(rows - 2, columns - 3), np.hypot(rows - 6, columns - 9)
    clear = np.abs(first - second) > 0.5  # OpenCV's distances are within some hundredths.
    expected = np.where((first < second)[..., None], rgb[2, 3], rgb[6, 9])
    assert np.array_equal(filled[clear], expected[clear])


def test_with_nothing_hidden_or_nothing_visible_the_colours_stay():
    rgb = _pixels(np.uint8)
    for alpha in (np.zeros((5, 7), np.uint8), np.ones((5, 7), np.uint8)):
        assert fill_hidden_colours(rgb, alpha) is rgb
