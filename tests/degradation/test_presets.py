"""Named degradations: each does what its name says, and the ones in use keep their numbers."""

import hashlib
import json

import pytest
import torch

from realesrgan_arch.degradation.jpeg import jpeg
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.recipe import Recipe, draw_recipe
from realesrgan_arch.degradation.settings import RESIZE_MODES, DegradationSettings
from realesrgan_arch.resampling import resize_bicubic
from tests.degradation.pictures import smooth_picture


def recipe_of(name, step=0):
    return draw_recipe(PRESETS[name], seed=5, step=step, batch_size=1)


def lq_of(name, step=0):
    gt = smooth_picture(1, 96, 80, seed=2)
    return gt, degrade(gt, recipe_of(name, step), scale=4)


def test_full_is_real_esrgans_and_draws_what_it_always_drew():
    """The hash is of the first version of `draw_recipe`, which knew neither presets nor a pass without JPEG."""
    recipes = [draw_recipe(PRESETS["full"], seed=5, step=step, batch_size=2).to_dict() for step in range(50)]
    assert all(recipe[name].pop("use_jpeg") for recipe in recipes for name in ("first", "second"))
    digest = hashlib.sha256(json.dumps(recipes, sort_keys=True).encode()).hexdigest()
    assert digest == "bf553b4023fec00152088475b7200852b15526dbc073e2af4fd1d04a3aeddd28"
    assert PRESETS["full"] == DegradationSettings()


def test_bicubic_is_matlabs_and_nothing_else():
    for step in range(5):
        gt, lq = lq_of("bicubic", step)
        assert torch.equal(lq, resize_bicubic(gt, scale=0.25).mul(255).round().clamp(0, 255) / 255)


def test_camera_jpeg_is_one_antialiased_resize_and_one_jpeg():
    qualities = []
    for step in range(20):
        gt, lq = lq_of("camera-jpeg", step)
        qualities.append(recipe_of("camera-jpeg", step).second.samples[0].jpeg_quality)
        expected = jpeg(resize_bicubic(gt, scale=0.25), torch.tensor(qualities[-1:]))
        assert torch.equal(lq, expected.mul(255).round() / 255)
    assert 60 <= min(qualities) < 70 and 85 < max(qualities) <= 95


def test_mild_resizes_and_compresses_twice_without_blur_noise_or_ringing():
    recipes = [recipe_of("mild", step) for step in range(100)]
    stages = [stage for recipe in recipes for stage in (recipe.first, recipe.second)]
    assert not any(stage.use_blur for stage in stages) and all(stage.use_jpeg for stage in stages)
    assert {stage.noise for stage in stages} == {"none"}
    assert {recipe.final_kernels[0].kind for recipe in recipes} == {"pulse"}
    assert {stage.resize_mode for stage in stages} == set(RESIZE_MODES)
    assert 0.4 <= min(recipe.first.resize_factor for recipe in recipes) < 0.5
    assert 75 <= min(stage.samples[0].jpeg_quality for stage in stages) < 80


def test_medium_has_stablesrs_ranges_and_kernels():
    recipes = [recipe_of("medium", step) for step in range(200)]
    first = [recipe.first.samples[0] for recipe in recipes]
    second = [recipe.second.samples[0] for recipe in recipes]
    assert {sample.kernel.size for sample in first} == {3, 5, 7, 9, 11, 13, 15, 17, 19}
    assert {sample.kernel.size for sample in second} == {3, 5, 7, 9}
    assert 14 < max(sample.noise_sigma_255 for sample in first) <= 15
    assert 60 <= min(sample.jpeg_quality for sample in first) < max(sample.jpeg_quality for sample in first) <= 95
    assert 95 < max(sample.jpeg_quality for sample in second) <= 100


def test_presets_go_from_harsh_to_harmless():
    """Mean distance of the LQ to the bicubic one, over 16 recipes; gray, as half the colour resolution blurs most."""
    gray = smooth_picture(1, 128, 96, seed=2).mean(1, keepdim=True).expand(-1, 3, -1, -1).contiguous()
    bicubic = degrade(gray, recipe_of("bicubic"), scale=4)
    distances = [
        sum(float((degrade(gray, recipe_of(name, step), scale=4) - bicubic).abs().mean()) for step in range(16))
        for name in ("full", "medium", "mild", "camera-jpeg", "bicubic")
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] == 0


@pytest.mark.parametrize("name", PRESETS)
def test_recipes_of_every_preset_survive_json_and_print(name):
    recipe = recipe_of(name)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert str(recipe).startswith("seed 5, step 0:")


def test_a_recipe_from_before_there_was_a_pass_without_jpeg_is_still_read():
    values = recipe_of("full").to_dict()
    del values["first"]["use_jpeg"], values["second"]["use_jpeg"]
    assert Recipe.from_dict(values) == recipe_of("full")


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("height", "width"), [(67, 49), (6, 5)])
def test_matlab_bicubic_reaches_sizes_that_are_no_multiple(scale, height, width):
    lq = degrade(smooth_picture(1, height, width), recipe_of("bicubic"), scale=scale)
    assert lq.shape == (1, 3, height // scale, width // scale)
