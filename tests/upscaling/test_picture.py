"""Whole pictures: bit depth, gray, alpha, profile and any outscale survive; plain bytes equal upstream's arithmetic."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from realesrgan_arch.images import Metadata, Picture
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.picture import PictureUpscaler


class Repeat(nn.Module):
    """Repeats each pixel, so that what should come out is known exactly."""

    def forward(self, x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def _picture_upscaler(outscale=2.0, alpha_upsampler="bicubic"):
    upscaler = Upscaler(TorchBackend(Repeat(), scale=2, device=torch.device("cpu")))
    return PictureUpscaler(upscaler, outscale=outscale, alpha_upsampler=alpha_upsampler)


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


@pytest.mark.parametrize("outscale", [0.1, 1.5, 2.0, 3.7])
def test_any_outscale_gives_upstreams_size_and_pixels(outscale):
    picture = Picture(_pixels(np.uint8), alpha=_pixels(np.uint8, (5, 7)))
    upscaler = _picture_upscaler(outscale)
    result = upscaler.upscale(picture)
    size = (max(1, int(7 * outscale)), max(1, int(5 * outscale)))
    assert upscaler.output_size(picture) == size
    assert result.rgb.shape == (size[1], size[0], 3)
    assert result.alpha.shape == (size[1], size[0])
    expected = _twice(picture.rgb)
    if outscale != 2:
        expected = cv2.resize(expected, size, interpolation=cv2.INTER_LANCZOS4)
    assert np.array_equal(result.rgb, expected)
