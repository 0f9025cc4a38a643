"""Recipes follow the settings' probabilities and ranges, and depend on (seed, step, i) alone."""

import dataclasses
import json
import math

import numpy as np
import pytest

from realesrgan_arch.degradation.recipe import PULSE, Recipe, draw_recipe
from realesrgan_arch.degradation.settings import KERNEL_SIZES, KERNEL_TYPES, DegradationSettings

SETTINGS = DegradationSettings()
NUM_DRAWS = 2000


@pytest.fixture(scope="module")
def recipes():
    return [draw_recipe(SETTINGS, seed=11, step=step, batch_size=1) for step in range(NUM_DRAWS)]


def check_share(events, prob):
    """Four standard errors of a binomial share: a right draw fails once in 16,000 such checks."""
    events = list(events)
    tolerance = 4 * math.sqrt(prob * (1 - prob) / len(events))
    assert abs(np.mean(events) - prob) <= tolerance


def check_uniform(values, low, high):
    """All inside [low, high), and every tenth of it met as often as the others."""
    values = np.array(list(values))
    assert low <= values.min() and values.max() <= high
    for tenth in range(10):
        edges = low + (high - low) * np.array([tenth, tenth + 1]) / 10
        check_share((edges[0] <= values) & (values < edges[1]), 0.1)


STAGES = pytest.mark.parametrize("name", ["first", "second"])


def stages_and_samples(recipes, name):
    stages = [getattr(recipe, name) for recipe in recipes]
    return stages, [stage.samples[0] for stage in stages], getattr(SETTINGS, name)


@STAGES
def test_batch_choices_follow_their_probabilities(recipes, name):
    stages, _, settings = stages_and_samples(recipes, name)
    check_share((stage.use_blur for stage in stages), settings.blur_prob)
    check_share((stage.noise == "gaussian" for stage in stages), settings.gaussian_noise_prob)
    factors = np.array([stage.resize_factor for stage in stages])
    for happened, prob in zip((factors > 1, factors < 1, factors == 1), settings.resize_probs, strict=True):
        check_share(happened, prob)
    check_uniform(factors[factors > 1], 1, settings.resize_range[1])
    check_uniform(factors[factors < 1], settings.resize_range[0], 1)
    for mode in ("area", "bilinear", "bicubic"):
        check_share((stage.resize_mode == mode for stage in stages), 1 / 3)


@STAGES
def test_kernels_follow_their_probabilities_and_ranges(recipes, name):
    _, samples, settings = stages_and_samples(recipes, name)
    kernels = [sample.kernel for sample in samples]
    check_share((kernel.kind == "sinc" for kernel in kernels), settings.sinc_prob)
    for kind, prob in zip(KERNEL_TYPES, settings.kernel_probs, strict=True):
        check_share((kernel.kind == kind for kernel in kernels), prob * (1 - settings.sinc_prob))
    for size in KERNEL_SIZES:
        check_share((kernel.size == size for kernel in kernels), 1 / 8)
    bells = [kernel for kernel in kernels if kernel.kind != "sinc"]
    check_uniform((kernel.sigma_x for kernel in bells), *settings.blur_sigma_range)
    turned = [kernel for kernel in bells if kernel.kind.endswith("aniso")]
    check_uniform((kernel.sigma_y for kernel in turned), *settings.blur_sigma_range)
    check_uniform((kernel.rotation for kernel in turned), -math.pi, math.pi)
    assert all(k.sigma_x == k.sigma_y and k.rotation == 0 for k in bells if k not in turned)


def kernels_of(**changes):
    """Return 2,000 first-pass kernels under changed settings."""
    settings = dataclasses.replace(SETTINGS, first=dataclasses.replace(SETTINGS.first, **changes))
    samples = draw_recipe(settings, seed=12, step=0, batch_size=NUM_DRAWS).first.samples
    return [sample.kernel for sample in samples]


def test_sinc_cutoffs_are_lower_only_for_kernels_of_13_and_more():
    kernels = kernels_of(sinc_prob=1.0)
    assert {kernel.kind for kernel in kernels} == {"sinc"}
    for size in KERNEL_SIZES:
        cutoffs = [kernel.cutoff for kernel in kernels if kernel.size == size]
        check_uniform(cutoffs, math.pi / 3 if size < 13 else math.pi / 5, math.pi)
        assert size < 13 or min(cutoffs) < math.pi / 3


@pytest.mark.parametrize(("kind", "bounds"), [("generalized_aniso", (0.5, 4.0)), ("plateau_iso", (1.0, 2.0))])
def test_shapes_lie_below_and_above_1_equally_often(kind, bounds):
    kernels = kernels_of(sinc_prob=0.0, kernel_types=(kind,), kernel_probs=(1.0,))
    shapes = np.array([kernel.beta for kernel in kernels])
    # With the default plateau range (1, 2) upstream's lower half is the single value 1.
    check_share(shapes > 1, 0.5)
    check_uniform(shapes[shapes > 1], 1, bounds[1])
    assert bounds[0] <= shapes.min() <= bounds[0] + 0.01


def test_plain_gaussians_have_no_shape_to_draw():
    assert {kernel.beta for kernel in kernels_of(sinc_prob=0.0, kernel_types=("iso",), kernel_probs=(1.0,))} == {1.0}


@STAGES
def test_noise_and_jpeg_follow_their_ranges(recipes, name):
    _, samples, settings = stages_and_samples(recipes, name)
    check_uniform((sample.noise_sigma_255 for sample in samples), *settings.noise_sigma_255_range)
    check_uniform((sample.poisson_scale for sample in samples), *settings.poisson_scale_range)
    check_uniform((sample.jpeg_quality for sample in samples), *settings.jpeg_quality_range)
    check_share((sample.is_gray for sample in samples), settings.gray_noise_prob)


def test_the_last_steps_follow_their_probabilities(recipes):
    check_share((recipe.is_jpeg_last for recipe in recipes), 0.5)
    finals = [recipe.final_kernels[0] for recipe in recipes]
    check_share((final != PULSE for final in finals), SETTINGS.final_sinc_prob)
    check_uniform((final.cutoff for final in finals if final != PULSE), math.pi / 3, math.pi)
    check_uniform((recipe.crop_top for recipe in recipes), 0, 1)
    check_uniform((recipe.crop_left for recipe in recipes), 0, 1)


def test_the_same_numbers_give_the_same_recipe_and_others_another():
    draws = [
        draw_recipe(SETTINGS, seed=seed, step=step, batch_size=2) for seed, step in ((1, 5), (1, 5), (2, 5), (1, 6))
    ]
    assert draws[0] == draws[1]
    for other in draws[2:]:
        assert other.first.samples[0] != draws[0].first.samples[0]
        assert other.crop_top != draws[0].crop_top


def test_a_sample_keeps_its_numbers_when_the_batch_grows():
    small, large = (draw_recipe(SETTINGS, seed=7, step=3, batch_size=size) for size in (2, 5))
    assert large.first.samples[:2] == small.first.samples
    assert large.second.samples[:2] == small.second.samples
    assert large.final_kernels[:2] == small.final_kernels
    without_samples = {"samples": ()}
    assert dataclasses.replace(large.first, **without_samples) == dataclasses.replace(small.first, **without_samples)
    assert (large.crop_top, large.final_mode) == (small.crop_top, small.final_mode)


def test_no_two_streams_are_the_same():
    recipe = draw_recipe(SETTINGS, seed=0, step=0, batch_size=8)
    seeds = [sample.noise_seed for stage in (recipe.first, recipe.second) for sample in stage.samples]
    assert len(set(seeds)) == 16
    assert len({sample.jpeg_quality for sample in recipe.first.samples}) == 8
    assert recipe.crop_top not in {sample.jpeg_quality for sample in recipe.first.samples}


def test_a_recipe_survives_json():
    recipe = draw_recipe(SETTINGS, seed=3, step=1, batch_size=3)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_recipe_prints_one_line_per_sample_and_pass():
    lines = str(draw_recipe(SETTINGS, seed=3, step=1, batch_size=3)).splitlines()
    assert lines[0].startswith("seed 3, step 1:")
    assert sum("JPEG" in line and line.startswith("    [") for line in lines) == 6


def test_weights_need_not_sum_to_1():
    kernels = kernels_of(kernel_types=("iso", "aniso"), kernel_probs=(1.0, 4.0), sinc_prob=0.0)
    check_share((kernel.kind == "aniso" for kernel in kernels), 0.8)


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.9), (1.2, 2.0)])
def test_ranges_on_one_side_of_1_are_drawn_from_as_upstream_does(low, high):
    """Up is between 1 and `high`, down between `low` and 1, whichever of them is the larger."""
    stage = dataclasses.replace(SETTINGS.first, resize_range=(low, high), betag_range=(low, high), sinc_prob=0.0)
    settings = dataclasses.replace(SETTINGS, first=stage)
    stages = [draw_recipe(settings, seed=1, step=step, batch_size=1).first for step in range(300)]
    factors = [stage.resize_factor for stage in stages]
    betas = [stage.samples[0].kernel.beta for stage in stages if "generalized" in stage.samples[0].kernel.kind]
    for drawn in (factors, betas):
        assert min(low, 1) <= min(drawn) < max(drawn) <= max(high, 1)
    assert max(factors) - min(factors) > 0.4
