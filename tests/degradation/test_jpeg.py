"""JPEG equals DiffJPEG of basicsr, sample by sample."""

import pytest
import torch

import tests.shims  # noqa: F401  isort: skip
from basicsr.utils import DiffJPEG

from realesrgan_arch.degradation.jpeg import jpeg
from tests.degradation.pictures import rough_picture, smooth_picture


@pytest.mark.parametrize("picture", [smooth_picture, rough_picture])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (67, 61), (16, 1)])
def test_equals_upstream_at_every_size_and_quality(picture, height, width):
    image, quality = picture(4, height, width), torch.tensor([30.3, 42.0, 50.0, 94.6])
    with torch.no_grad():  # Upstream overwrites its quality argument.
        expected = DiffJPEG(differentiable=False)(image, quality=quality.clone())
    torch.testing.assert_close(jpeg(image, quality), expected, atol=1e-4, rtol=0)


def test_quality_belongs_to_its_sample():
    image, quality = smooth_picture(3, 32, 40), torch.tensor([31.0, 60.0, 90.0])
    alone = torch.cat([jpeg(image[i : i + 1], quality[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(jpeg(image, quality), alone, atol=1e-6, rtol=0)
    errors = (jpeg(image, quality) - image).square().mean(dim=(1, 2, 3))
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("picture", [smooth_picture, rough_picture])
def test_quality_100_keeps_what_the_halved_colours_allow(picture):
    image, quality = picture(1, 32, 32).mean(dim=1, keepdim=True).expand(1, 3, 32, 32), torch.tensor([100.0])
    torch.testing.assert_close(jpeg(image, quality), image, atol=0.1 / 255, rtol=0)
    assert jpeg(picture(1, 32, 32), quality).isfinite().all()


def test_clamps_what_it_is_given_and_leaves_it_alone():
    image = smooth_picture(1, 16, 16) * 3 - 1
    before = image.clone()
    torch.testing.assert_close(jpeg(image, torch.tensor([80.0])), jpeg(image.clamp(0, 1), torch.tensor([80.0])))
    assert torch.equal(image, before)
