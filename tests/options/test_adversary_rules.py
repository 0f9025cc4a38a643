"""Rules and notes of `train.gan_opt`: one sentence each, and none where all is well."""

# ruff: noqa: E501 - the tables hold whole sentences

import pytest

from realesrgan_arch.options.load import load_options
from tests.options.files import GAN, with_override

ESRGAN = "model_type=ESRGANModel"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.gan_opt.relativistic=true", "train.gan_opt.gan_type=wgan"],
         "train.gan_opt.gan_type: expected vanilla, lsgan or hinge, as relativistic is true, got wgan; or set "
         "train.gan_opt.relativistic: false"),
        ([ESRGAN, "train.gan_opt.gan_type=wgan_softplus"],
         "train.gan_opt.gan_type: expected vanilla, lsgan or hinge, as ESRGANModel is relativistic, got wgan_softplus; or "
         "set train.gan_opt.relativistic: false"),
        (["train.gan_opt.real_label_val=1.1"],
         "train.gan_opt.real_label_val: expected 0 to 1, as the loss vanilla takes labels for probabilities, got 1.1"),
        (["train.gan_opt.fake_label_val=-0.1"],
         "train.gan_opt.fake_label_val: expected 0 to 1, as the loss vanilla takes labels for probabilities, got -0.1"),
        (["train.gan_opt.gan_type=lsgan", "train.gan_opt.real_label_val=-1"],
         "train.gan_opt.real_label_val: expected more than fake_label_val (0), got -1"),
        (["train.gan_opt.start_iter=10", "train.total_iter=10"],
         "train.gan_opt.start_iter: expected less than train.total_iter (10), got 10; without adversary, leave network_d and "
         "train.gan_opt out"),
        (["train.gan_opt.start_iter=5", "train.trainable.network_g=none"],
         "train.gan_opt.start_iter: expected 0, as the generator is frozen and nothing would learn before, got 5"),
        (["train.gan_opt.start_iter=5", "train.pixel_opt=", "train.perceptual_opt="],
         "train.gan_opt.start_iter: expected 0 without pixel_opt, perceptual_opt, lpips_opt, dists_opt and feature_opt, as there is no other "
         "loss before, got 5"),
        (["train.gan_opt.gradient_penalty=10", "train.compile=default"],
         "train.compile: expected none with train.gan_opt.gradient_penalty, which derives twice, got default"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_said_once_and_alone(overrides: list[str], message: str) -> None:
    assert with_override(*overrides) == [message]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], False),
        (["train.gan_opt.relativistic=true"], True),
        ([ESRGAN], True),
        ([ESRGAN, "train.gan_opt.relativistic=false", "train.gan_opt.gan_type=wgan"], False),
    ],
)
def test_the_loss_is_relativistic_where_the_key_or_the_model_says_so(overrides: list[str], expected: bool) -> None:
    assert load_options(GAN, overrides=overrides).options.is_relativistic is expected


@pytest.mark.parametrize(
    ("overrides", "note"),
    [
        (["train.gan_opt.ramp_iter=400000", "train.gan_opt.start_iter=200000", "train.total_iter=400000"],
         "train.gan_opt.ramp_iter: the run ends 200000 steps after start_iter, at 50% of loss_weight"),
        (["train.net_d_init_iters=500000", "train.total_iter=400000"],
         "train.net_d_init_iters: the generator waits for 500000 steps of the game, and the run has 400000"),
        (["train.gan_opt.gradient_penalty=10", "train.trainable.network_d=none", "train.optim_d="],
         "train.gan_opt.gradient_penalty has no effect: no discriminator is trained"),
        (["train.gan_opt.gradient_penalty=10", "network_d={type: VGGStyleDiscriminator, input_size: 256}"],
         "train.gan_opt.gradient_penalty: VGGStyleDiscriminator has batch norm"),
        (["train.gan_opt.gan_type=hinge", "train.gan_opt.real_label_val=0.9"],
         "train.gan_opt.real_label_val has no effect: the loss hinge reads no labels"),
        (["train.gan_opt.relativistic=true", "train.accumulate=4"],
         "train.accumulate: the relativistic loss compares each part of a batch with the mean of that part only, as "
         "each of several ranks does, so 4 parts"),
        (["train.gan_opt.relativistic=true", "train.accumulate=auto"],
         "train.accumulate: the relativistic loss compares each part of a batch with the mean of that part only, as "
         "each of several ranks does, so several parts"),
        (["train.gan_opt.gan_type=wgan", "network_d={type: SRGANDiscriminator, input_size: 256}"],
         "train.gan_opt.gan_type: nothing bounds SRGANDiscriminator under wgan without gradient_penalty; 10 would do"),
        *((["train.trainable.network_g=none", f"train.{key}={{}}"], f"train.{key} has no effect: the generator is frozen")
          for key in ("ldl_opt", "lpips_opt", "dists_opt", "amplitude_opt", "low_frequency_opt", "base_opt")),
        (["train.trainable.network_g=none", "train.feature_opt={weights: x}"], "train.feature_opt has no effect: the "
         "generator is frozen"),
        (["train.feature_opt={weights: x}", "val={metrics: {like: {type: calculate_lpips_like, weights: x}}}"],
         "val.metrics: calculate_lpips_like reads the features that train.feature_opt trains on"),
    ],
)  # fmt: skip
def test_what_may_surprise_is_said_once(overrides: list[str], note: str) -> None:
    notes = load_options(GAN, overrides=overrides).notes
    assert len([text for text in notes if text.startswith(note)]) == 1, notes


@pytest.mark.parametrize(
    "overrides",
    [
        ["train.gan_opt.relativistic=true"],
        ["train.gan_opt.gan_type=wgan", "train.gan_opt.gradient_penalty=10"],
        ["train.gan_opt.gan_type=wgan"],
        ["train.ldl_opt={}", "train.lpips_opt={}", "train.dists_opt={}", "train.base_opt={}"],
        ["train.gan_opt.start_iter=100", "train.gan_opt.ramp_iter=100", "train.net_d_init_iters=100"],
        ["train.gan_opt.real_label_val=0.9", "train.gan_opt.fake_label_val=0.1"],
        ["train.gan_opt.gan_type=lsgan", "train.gan_opt.fake_label_val=-1"],
    ],
)
def test_a_game_as_in_its_paper_needs_no_word(overrides: list[str]) -> None:
    assert load_options(GAN, overrides=overrides).notes == ()
