"""Crops fit the discriminators of whole crops, and batch norm sees more than one image."""

import pytest

from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.notes import write_notes
from tests.options.files import GAN, with_override

NO_JUDGE = ["network_d=", "train.gan_opt=", "model_type=RealESRNetModel"]
SRRESNET = "network_g={type: SRResNet}"
WHY = "because the batch norm of {} learns from the statistics of "


def _srgan(size: int) -> str:
    return f"network_d={{type: SRGANDiscriminator, input_size: {size}}}"


def _vgg(size: int) -> str:
    return f"network_d={{type: VGGStyleDiscriminator, input_size: {size}}}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([_srgan(96)], "expected the side of the crops, gt_size (256), which SRGANDiscriminator sees whole, got 96"),
        ([_vgg(128)], "expected the side of the crops, gt_size (256), which VGGStyleDiscriminator sees whole, got 128"),
        ([_srgan(100), "gt_size=100"], "expected a multiple of 16 for SRGANDiscriminator, got 100"),
        ([_vgg(96), "gt_size=96"], "expected 128 or 256 for VGGStyleDiscriminator, got 96"),
    ],
)
def test_a_discriminator_of_whole_crops_takes_the_crops_of_the_run_only(overrides, message) -> None:
    assert with_override(*overrides) == [f"network_d.input_size: {message}"]


@pytest.mark.parametrize(
    "overrides", [[_srgan(256)], [_vgg(256)], [_vgg(128), "gt_size=128"], [_srgan(96), "gt_size=96"]]
)
def test_crops_of_its_own_size_are_taken(overrides) -> None:
    load_options(GAN, overrides=overrides)


def test_srresnet_has_the_scale_of_the_run() -> None:
    text = "network_g.upscale: expected 2 (the `scale` at the top), got 4"
    assert with_override(SRRESNET, "scale=2") == [text]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([SRRESNET, "datasets.train.batch_size_per_gpu=1"], "datasets.train.batch_size_per_gpu: expected at least 2, "
         f"{WHY.format('network_g')}a batch, got 1; or freeze its layers (train.trainable.network_g)"),
        ([SRRESNET, "train.accumulate=12"], "train.accumulate: expected at most 6, "
         f"{WHY.format('network_g')}each part of the batch of 12, got 12"),
        ([_vgg(256), "train.accumulate=12"], "train.accumulate: expected at most 6, "
         f"{WHY.format('network_d')}each part of the batch of 12, got 12"),
    ],
)  # fmt: skip
def test_batch_norm_does_not_learn_from_one_image(overrides, message) -> None:
    assert with_override(*overrides) == [message]


@pytest.mark.parametrize(
    "overrides",
    [
        [SRRESNET, "train.accumulate=6"],
        [SRRESNET, "datasets.train.batch_size_per_gpu=1", "train.trainable.network_g=[conv_last]"],
        [_srgan(256), "datasets.train.batch_size_per_gpu=1", "train.trainable.network_d=none"],
        ["datasets.train.batch_size_per_gpu=1"],
        [SRRESNET, "datasets.train.batch_size_per_gpu=1", "dist_params.sync_batch_norm=true"],
    ],
)
def test_two_images_or_a_frozen_batch_norm_are_enough(overrides) -> None:
    load_options(GAN, overrides=overrides)


def test_statistics_are_shared_by_nccl() -> None:
    text = "dist_params.backend: expected nccl with sync_batch_norm, got gloo"
    assert with_override("dist_params={backend: gloo, sync_batch_norm: true}") == [text]


PENALISED = ["dist_params.sync_batch_norm=true", "train.gan_opt.gradient_penalty=10"]


def test_shared_statistics_are_not_derived_twice() -> None:
    text = "dist_params.sync_batch_norm: expected false with train.gan_opt.gradient_penalty, which derives the batch "
    assert with_override(*PENALISED, _vgg(256)) == [f"{text}norm of network_d twice, got true"]


@pytest.mark.parametrize("other", [[SRRESNET], [_vgg(256), "train.trainable.network_d=none"]])
def test_a_penalty_on_a_judge_without_batch_norm_or_one_that_stands_still_is_taken(other) -> None:
    load_options(GAN, overrides=[*PENALISED, *other])


def _notes(*overrides: str) -> str:
    options = load_options(GAN, overrides=overrides).options
    return " | ".join(write_notes(options, options.model_dump(mode="python")))


def test_parts_of_a_batch_have_statistics_of_their_own_and_a_note_says_so() -> None:
    said = "the batch norm of network_g and network_d learns from the 6 images of one part of the batch at a time"
    assert said in _notes(SRRESNET, _vgg(256), "train.accumulate=2")
    assert "the batch norm of network_g learns from one part" in _notes(SRRESNET, "train.accumulate=auto")
    assert "batch norm" not in _notes(SRRESNET)
    assert "batch norm" not in _notes("train.accumulate=2")


def test_sharing_what_no_network_has_is_said_to_have_no_effect() -> None:
    said = "sync_batch_norm has no effect: no network that trains has batch norm"
    assert said in _notes("dist_params.sync_batch_norm=true")
    assert said not in _notes("dist_params.sync_batch_norm=true", SRRESNET)
