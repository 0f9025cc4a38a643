"""Bicubic magnification equals MATLAB's, and so do the published numbers that rest on it."""

import pytest
import torch

import tests.shims  # noqa: F401

# isort: split
from basicsr.utils.matlab_functions import imresize

from realesrgan_arch.evaluation.metrics import psnr, ssim
from realesrgan_arch.images import read_rgb, to_tensor
from realesrgan_arch.resampling import magnify_bicubic


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(9, 7), (2, 12)])
def test_magnifying_equals_matlab_imresize(size, scale):
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(scale))
    expected = imresize(image, scale).clamp(0, 1)
    assert torch.allclose(magnify_bicubic(image, scale=scale), expected, atol=1e-5)


def test_a_single_pixel_stays_its_colour():
    image = torch.tensor([0.2, 0.5, 0.9]).reshape(3, 1, 1)
    assert torch.allclose(magnify_bicubic(image, scale=4), image.expand(3, 4, 4))


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "db", "similarity"), [("Set5", 28.432, 0.8113), ("Set14", 26.093, 0.7049)])
def test_bicubic_x4_has_the_known_scores(shared_data, name, db, similarity):
    truths, magnified = [], []
    for path in sorted(shared_data(f"data/benchmarks/{name}/HR").iterdir()):
        truths.append(to_tensor(read_rgb(path)))
        magnified.append(magnify_bicubic(to_tensor(read_rgb(path.parents[1] / "LR_bicubic_x4" / path.name)), scale=4))
    pairs = list(zip(magnified, truths, strict=True))
    mean_psnr = sum(psnr(*pair, border=4, y_channel=True) for pair in pairs) / len(pairs)
    mean_ssim = sum(ssim(*pair, border=4, y_channel=True) for pair in pairs) / len(pairs)
    assert mean_psnr == pytest.approx(db, abs=0.005)
    assert mean_ssim == pytest.approx(similarity, abs=0.0005)
