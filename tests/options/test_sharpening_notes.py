"""Pictures that do not belong together are named, with what that cost in a pilot; all alike need no word."""

import pytest

from realesrgan_arch.options.load import load_options
from tests.options.files import GAN, NET, PAIRS

SCORED = [
    "val={val_freq: 5, metrics: {psnr: {type: calculate_psnr}}}",
    "datasets.val={type: SyntheticPairs, dataroot_gt: x}",
]


def about_sharpening(path, *overrides):
    notes = load_options(path, overrides=overrides).notes
    return [note for note in notes if "sharpened" in note]


def switches(lq, pixel, perceptual):
    values = {"lq_from_usm": lq, "l1_gt_usm": pixel, "percep_gt_usm": perceptual}
    return [f"{key}={str(value).lower()}" for key, value in values.items()]


def test_plain_everywhere_needs_no_word_even_where_it_is_scored():
    assert about_sharpening(GAN, *switches(False, False, False), *SCORED) == []


def test_sharpened_everywhere_is_said_where_the_plain_picture_scores():
    assert about_sharpening(GAN, *switches(True, True, True)) == []
    (note,) = about_sharpening(GAN, *switches(True, True, True), *SCORED)
    assert "PSNR and SSIM compare with the plain one" in note and "0.1 dB (all layers) to 0.3 dB" in note
    assert note.endswith("set lq_from_usm, l1_gt_usm and percep_gt_usm to false, or score psnr_usm as well")


def test_scores_that_need_no_ground_truth_do_not_disagree_with_it():
    overrides = ["val={val_freq: 5, metrics: {niqe: {type: calculate_niqe}}}", SCORED[1]]
    assert about_sharpening(GAN, *switches(True, True, True), *overrides) == []


def test_a_sharpened_target_for_plain_lq_costs_most():
    (note,) = about_sharpening(GAN, *switches(False, True, True))
    assert note.startswith("the LQ images are made from the plain ground truth, but L1 compares with the sharpened one")
    assert "0.9 dB" in note


def test_upstreams_pairs_are_such_a_case_and_load_all_the_same():
    (note,) = about_sharpening(PAIRS)
    assert note.startswith("the LQ images come with the plain ground truth, but L1")
    assert note.endswith("0.9 dB of PSNR; set l1_gt_usm and percep_gt_usm to false")


def test_plain_targets_for_sharpened_lq_teach_to_take_sharpness_away():
    (note,) = about_sharpening(GAN, *switches(True, False, False))
    assert "from the sharpened ground truth, but L1 compares with the plain one" in note and "0.02 of SSIM" in note


def test_without_l1_the_perceptual_loss_is_what_disagrees():
    overrides = ["train.pixel_opt=", *switches(False, False, True)]
    (note,) = about_sharpening(GAN, *overrides)
    assert "but the perceptual loss compares with the sharpened one" in note


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("pixel_opt={type: MSELoss}", "the squared error compares"),
        ("pixel_opt={type: CharbonnierLoss}", "the Charbonnier loss compares"),
        ("feature_opt={weights: perceptual}", "the feature loss compares"),
        ("amplitude_opt={}", "the amplitude loss compares"),
        ("low_frequency_opt={}", "the low-frequency loss compares"),
        ("ldl_opt={}", "LDL compares"),
    ],
)
def test_every_loss_on_pictures_disagrees_under_its_own_name(loss, words):
    overrides = ["train.pixel_opt=", f"train.{loss}", "train.perceptual_opt="]
    (note,) = about_sharpening(GAN, *overrides, *switches(False, True, True))
    assert f"but {words} with the sharpened one: in a pilot of L1 this cost 0.9 dB" in note


def test_losses_that_go_together_are_named_together():
    overrides = ["train.amplitude_opt={}", "train.low_frequency_opt={}"]
    (note,) = about_sharpening(GAN, *overrides, *switches(True, False, False))
    assert "but L1, the amplitude loss and the low-frequency loss compare with the plain one" in note


@pytest.mark.parametrize(("lq", "pixel", "expected"), [(True, True, "L1 compares"), (False, False, "the perceptual")])
def test_losses_that_pull_apart_are_named(lq, pixel, expected):
    (note,) = about_sharpening(GAN, *switches(lq, pixel, not pixel))
    assert note.startswith(expected) and "pull apart; the cost was not measured" in note


def test_the_model_with_one_switch_is_told_that_one():
    (note,) = about_sharpening(NET, "gt_usm=true", "datasets.val={type: SyntheticPairs, dataroot_gt: x}", SCORED[0])
    assert note.endswith("set gt_usm to false, or score psnr_usm as well")
    (note,) = about_sharpening(NET, "gt_usm=", "lq_from_usm=false", "l1_gt_usm=true")
    assert "0.9 dB" in note


def test_models_of_upstream_that_do_not_sharpen_and_options_for_testing_hear_nothing():
    assert about_sharpening(NET, "model_type=SRModel", *SCORED) == []
    assert about_sharpening(GAN, "train=", "network_d=", *switches(False, True, True)) == []
