"""A recipe applied: equal to upstream's chain, on the 8-bit grid, and the same bytes each time."""

import dataclasses

import pytest
import torch

import tests.shims  # noqa: F401  isort: skip
from basicsr.utils import DiffJPEG
from basicsr.utils.img_process_util import filter2D
from torch.nn import functional as F

from realesrgan_arch.degradation.pipeline import build_kernels, crop_pair, degrade, noise_field
from realesrgan_arch.degradation.poisson import add_poisson_noise
from realesrgan_arch.degradation.recipe import draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings
from tests.degradation.pictures import smooth_picture

SETTINGS = DegradationSettings()


def recipe_for(seed=0, *, batch_size=2, step=0):
    return draw_recipe(SETTINGS, seed=seed, step=step, batch_size=batch_size)


def padded_kernels(draws):
    kernels = build_kernels(draws)
    return F.pad(kernels, ((21 - kernels.shape[-1]) // 2,) * 4)


def upstream_noise(image, stage):
    field = noise_field(stage, size=tuple(image.shape[-2:]), device=image.device)
    if stage.noise == "gaussian":
        sigma = torch.tensor([sample.noise_sigma_255 for sample in stage.samples]).view(-1, 1, 1, 1)
        return (image + field * sigma / 255).clamp(0, 1)
    scale = torch.tensor([sample.poisson_scale for sample in stage.samples])
    is_gray = torch.tensor([sample.is_gray for sample in stage.samples])
    return add_poisson_noise(image, field, scale=scale, is_gray=is_gray)


def upstream_jpeg(image, stage):
    quality = torch.tensor([sample.jpeg_quality for sample in stage.samples])
    # DiffJPEG returns channels-last strides, with which filter2D fails on the CPU of today's torch.
    return DiffJPEG(differentiable=False)(image.clamp(0, 1), quality=quality).contiguous()


@torch.no_grad()
def upstream_degrade(gt, recipe, scale):
    """The order of `RealESRGANModel.feed_data`, with the operators of basicsr and the recipe's numbers."""
    height, width = gt.shape[-2:]
    first, second = recipe.first, recipe.second
    image = filter2D(gt, padded_kernels([s.kernel for s in first.samples])) if first.use_blur else gt
    image = F.interpolate(image, scale_factor=first.resize_factor, mode=first.resize_mode)
    image = upstream_jpeg(upstream_noise(image, first), first)
    image = filter2D(image, padded_kernels([s.kernel for s in second.samples])) if second.use_blur else image
    size = (int(height / scale * second.resize_factor), int(width / scale * second.resize_factor))
    image = upstream_noise(F.interpolate(image, size=size, mode=second.resize_mode), second)
    last = (height // scale, width // scale)

    def finish(image):
        return filter2D(F.interpolate(image, size=last, mode=recipe.final_mode), padded_kernels(recipe.final_kernels))

    image = upstream_jpeg(finish(image), second) if recipe.is_jpeg_last else finish(upstream_jpeg(image, second))
    return (image * 255).round().clamp(0, 255) / 255


@pytest.mark.parametrize("seed", range(11))
def test_equals_upstreams_order_of_operations(seed):
    gt, recipe = smooth_picture(2, 120, 104, seed=seed), recipe_for(seed)
    levels_off = (degrade(gt, recipe, scale=4) - upstream_degrade(gt, recipe, 4)).abs() * 255
    # Usually not one pixel differs. A level or coefficient on a rounding edge may fall to the other side: its blocks
    # of 8 x 8 change then (1.4 % of this picture each), never the whole.
    assert (levels_off > 0.5).float().mean() < 0.05


def test_the_seeds_above_meet_every_branch():
    recipes = [recipe_for(seed) for seed in range(11)]
    assert {recipe.is_jpeg_last for recipe in recipes} == {True, False}
    assert {recipe.second.use_blur for recipe in recipes} == {True, False}
    assert {stage.noise for recipe in recipes for stage in (recipe.first, recipe.second)} == {"gaussian", "poisson"}


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (67, 49)])
def test_shape_and_grid(scale, height, width):
    lq = degrade(smooth_picture(2, height, width), recipe_for(scale), scale=scale)
    assert lq.shape == (2, 3, height // scale, width // scale)
    assert lq.dtype == torch.float32
    assert torch.equal(lq, (lq * 255).round() / 255)
    assert lq.min() >= 0 and lq.max() <= 1


def test_tiny_crops_work_although_they_are_smaller_than_the_kernels():
    for seed in range(10):
        assert degrade(smooth_picture(2, 24, 24), recipe_for(seed), scale=4).shape == (2, 3, 6, 6)


def test_the_same_recipe_gives_the_same_bytes_and_leaves_its_input_alone():
    gt, recipe = smooth_picture(2, 40, 40), recipe_for(4)
    before = gt.clone()
    assert torch.equal(degrade(gt, recipe, scale=4), degrade(gt, recipe, scale=4))
    assert torch.equal(gt, before)


def test_a_sample_is_degraded_alike_in_a_larger_batch():
    gt = smooth_picture(4, 48, 48)
    small = degrade(gt[:2], recipe_for(5, batch_size=2), scale=2)
    large = degrade(gt, recipe_for(5, batch_size=4), scale=2)
    assert ((large[:2] - small).abs() * 255 > 0.5).float().mean() < 0.05


def test_gray_noise_is_equal_in_all_channels_and_colour_noise_is_not():
    stage = recipe_for(1, batch_size=12).first
    field = noise_field(stage, size=(8, 9), device=torch.device("cpu"))
    for planes, sample in zip(field, stage.samples, strict=True):
        assert torch.equal(planes[0], planes[1]) == sample.is_gray
    assert {sample.is_gray for sample in stage.samples} == {True, False}


# Stored from the first version on the CPU, in 8-bit levels: red, top left 4 x 4 of a 32 x 32 picture at scale 2.
# The three recipes together meet Gaussian and Poisson noise, both orders of JPEG and sinc, and every resize mode.
STORED = {
    1: [[34, 40, 55, 66], [58, 65, 80, 91], [102, 110, 128, 143], [122, 131, 151, 172]],
    2: [[102, 99, 102, 102], [95, 93, 95, 96], [105, 104, 108, 111], [88, 88, 96, 103]],
    3: [[63, 72, 85, 61], [57, 64, 80, 69], [107, 111, 121, 127], [77, 81, 95, 111]],
}


@pytest.mark.parametrize("seed", sorted(STORED))
def test_stored_values(seed):
    lq = degrade(smooth_picture(1, 32, 32, seed=3), recipe_for(seed, batch_size=1, step=9), scale=2)
    torch.testing.assert_close(lq[0, 0, :4, :4] * 255, torch.tensor(STORED[seed]).float(), atol=1.01, rtol=0)


def test_a_crop_is_the_same_place_of_both():
    lq = torch.arange(12 * 10, dtype=torch.float32).view(1, 1, 12, 10).expand(2, 3, -1, -1)
    gt = lq.repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)
    recipe = dataclasses.replace(recipe_for(), crop_top=0.999, crop_left=0.5)
    gt_crop, lq_crop = crop_pair(gt, lq, gt_size=16, scale=4, recipe=recipe)
    assert gt_crop.shape == (2, 3, 16, 16) and lq_crop.shape == (2, 3, 4, 4)
    assert torch.equal(gt_crop[..., ::4, ::4], lq_crop)
    assert lq_crop[0, 0, 0, 0] == 8 * 10 + 3  # the last row and the fourth of seven columns


def test_a_crop_of_the_whole_picture_is_the_picture():
    gt, lq = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 8, 8)
    gt_crop, lq_crop = crop_pair(gt, lq, gt_size=16, scale=2, recipe=recipe_for())
    assert torch.equal(gt_crop, gt) and torch.equal(lq_crop, lq)


def test_wrong_sizes_are_told():
    with pytest.raises(ValueError, match="recipe is for 2 images but 3 came"):
        degrade(smooth_picture(3, 16, 16), recipe_for(), scale=4)
    with pytest.raises(ValueError, match="crop of 8 does not fit into an LQ image of 4 x 4"):
        crop_pair(torch.rand(1, 3, 16, 16), torch.rand(1, 3, 4, 4), gt_size=32, scale=4, recipe=recipe_for())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("seed", range(11))
def test_the_gpu_gives_what_the_cpu_gives(seed):
    gt, recipe = smooth_picture(2, 120, 104, seed=seed), recipe_for(seed)
    on_gpu = degrade(gt.cuda(), recipe, scale=4).cpu()
    assert ((on_gpu - degrade(gt, recipe, scale=4)).abs() * 255 > 0.5).float().mean() < 0.05
