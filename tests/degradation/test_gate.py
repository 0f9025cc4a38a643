"""The gate: whole degradations by probability, drawn for a batch, and nothing else than before behind it."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from realesrgan_arch.degradation.gate import GateName, build_gate
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.recipe import Recipe, draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings
from realesrgan_arch.resampling import resize_bicubic
from realesrgan_arch.seeding import Stream
from tests.degradation.pictures import smooth_picture

OWN = DegradationSettings(first=StageSettings(blur_sigma_range=(1.0, 1.5), jpeg_quality_range=(50.0, 60.0)))
SHARES: dict[GateName, float] = {"clean": 0.05, "mild": 0.2, "one_order": 0.3, "two_orders": 0.45}
MIXED = build_gate(SHARES, OWN)


def drawn(settings, step, **changes):
    return draw_recipe(settings, **{"seed": 3, "step": step, "batch_size": 2, **changes})


def test_branches_come_as_often_as_their_probabilities_say():
    counts = Counter(drawn(MIXED, step, batch_size=1).gate for step in range(2000))
    for name, share in SHARES.items():
        four_deviations = 4 * (share * (1 - share) / 2000) ** 0.5
        assert counts[name] / 2000 == pytest.approx(share, abs=four_deviations)


def test_behind_the_gate_a_batch_is_drawn_as_without_it():
    settings = {branch.name: branch.settings for branch in MIXED.branches}
    for step in range(40):
        recipe = drawn(MIXED, step)
        assert replace(recipe, gate="") == drawn(settings[recipe.gate], step)


@pytest.mark.parametrize(
    ("name", "settings"), [("mild", PRESETS["mild"]), ("full", PRESETS["full"]), ("clean", PRESETS["bicubic"])]
)
def test_a_gate_with_one_branch_is_its_preset_bit_for_bit(name, settings):
    recipes = [drawn(build_gate({name: 1.0}, OWN), step) for step in range(20)]
    assert recipes == [drawn(settings, step) for step in range(20)]
    assert not any("gate" in recipe.to_dict() for recipe in recipes)


def test_two_orders_alone_is_the_file_as_it_was():
    gate = build_gate({"two_orders": 1.0, "full": 0.0}, OWN)
    assert [drawn(gate, step) for step in range(20)] == [drawn(OWN, step) for step in range(20)]


def test_one_order_is_the_files_first_pass_and_a_resize():
    gate = build_gate({"one_order": 1.0}, OWN)
    for step in range(20):
        recipe, two = drawn(gate, step), drawn(OWN, step)
        assert recipe.first.samples[0].kernel == two.first.samples[0].kernel and recipe.first.use_jpeg
        assert 50 <= recipe.first.samples[0].jpeg_quality <= 60
        second = recipe.second
        assert (second.use_blur, second.noise, second.use_jpeg, second.resize_factor) == (False, "none", False, 1.0)
        assert {kernel.kind for kernel in recipe.final_kernels} == {"pulse"}


def test_clean_is_matlabs_bicubic_and_nothing_else():
    gt = smooth_picture(2, 96, 80, seed=2)
    lq = degrade(gt, drawn(build_gate({"clean": 1.0}, OWN), 0), scale=4)
    assert torch.equal(lq, resize_bicubic(gt, scale=0.25).mul(255).round().clamp(0, 255) / 255)


def test_samples_keep_their_recipes_when_the_batch_grows_and_in_the_slices_of_ranks():
    for step in range(20):
        small, large = (drawn(MIXED, step, batch_size=size) for size in (2, 6))
        later = drawn(MIXED, step, first_sample=2, batch_size=2)
        assert small.gate == large.gate == later.gate
        assert small.first.samples == large.first.samples[:2] and later.first.samples == large.first.samples[2:4]


def test_training_validation_and_frozen_sets_pass_the_gate_by_draws_of_their_own():
    streams = (Stream.RECIPE, Stream.VALIDATION, Stream.FROZEN)
    gates = {stream: tuple(drawn(MIXED, step, stream=stream).gate for step in range(30)) for stream in streams}
    assert len(set(gates.values())) == 3


def test_a_recipe_says_its_branch_and_comes_back_from_plain_numbers():
    recipes = [drawn(MIXED, step) for step in range(20)]
    assert len({recipe.gate for recipe in recipes}) == 4
    for recipe in recipes:
        assert Recipe.from_dict(recipe.to_dict()) == recipe
        assert f"gate {recipe.gate}; " in str(recipe)
