import numpy as np
import pytest
import torch

import tests.shims  # noqa: F401  isort: skip
from basicsr.utils.matlab_functions import imresize

from realesrgan_arch.images import read_rgb, to_tensor, to_uint8
from realesrgan_arch.resampling import resize_bicubic


def noise(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((3, height, width), np.float32))


@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 1 / 2, 0.7, 1.5, 2, 4])
@pytest.mark.parametrize("size", [(24, 36), (25, 38), (40, 24)])
def test_it_equals_basicsrs_copy_of_matlab(scale, size):
    image = noise(*size)
    expected = imresize(image, scale)
    resized = resize_bicubic(image, scale=scale)
    assert resized.shape == expected.shape
    assert (resized - expected).abs().max() < 5e-6


def test_torch_differs_at_the_border_by_more_than_a_level_so_that_it_is_no_substitute():
    image = noise(64, 64)
    by_torch = torch.nn.functional.interpolate(image[None], scale_factor=0.25, mode="bicubic", antialias=True)[0]
    difference = (by_torch - resize_bicubic(image, scale=0.25)).abs() * 255
    assert difference[:, 2:-2, 2:-2].max() < 0.01
    assert difference.max() > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2)])
def test_tiny_images_and_constant_ones_keep_their_level(size):
    for scale in (0.25, 4):
        resized = resize_bicubic(torch.full((3, *size), 0.6), scale=scale)
        assert torch.allclose(resized, torch.full_like(resized, 0.6), atol=1e-6)


def test_batches_and_dtypes_are_kept():
    image = noise(16, 16)
    assert torch.equal(resize_bicubic(image.expand(2, 3, 16, 16), scale=0.5)[1], resize_bicubic(image, scale=0.5))
    assert resize_bicubic(image.double(), scale=0.5).dtype == torch.float64


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["Set5/HR/img_001.png", "Set14/HR/img_003.png", "Set14/HR/img_014.png"])
def test_it_reproduces_the_published_images_within_one_level_away_from_the_border(name, shared_data):
    names = (name, name.replace("/HR/", "/LR_bicubic_x4/"))
    hr_path, lr_path = (shared_data(f"data/benchmarks/{path}") for path in names)
    hr, lr = read_rgb(hr_path), read_rgb(lr_path)
    height, width = (side // 4 * 4 for side in hr.shape[:2])
    made = to_uint8(resize_bicubic(to_tensor(hr[:height, :width]), scale=0.25))
    # Those files were made with the edge pixel repeated, and rounded and clipped to 8 bits between the two axes.
    inside = np.abs(made.astype(int) - lr)[2:-2, 2:-2]
    assert (inside <= 1).mean() > 0.995 and inside.mean() < 0.12
