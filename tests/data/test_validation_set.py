from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

import tests.shims  # noqa: F401  isort: skip
from basicsr.utils.matlab_functions import imresize

from realesrgan_arch.data.assembly import build_whole_images
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.frozen_lq import make_frozen_lq
from realesrgan_arch.data.validation_set import SyntheticPairs, WholePairs
from realesrgan_arch.degradation.plain import PlainSettings, draw_plain_recipe
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.evaluation.data_choice import open_data
from realesrgan_arch.options.datasets import ValDataset
from realesrgan_arch.options.load import load_options
from tests.data.pictures import noise, write_noise, write_truncated

BICUBIC = PlainSettings()
OPTIONS = Path(__file__).parents[2] / "options"


def pairs(paths, settings=BICUBIC, seed=0, max_size=None) -> SyntheticPairs:
    return SyntheticPairs(paths, scale=4, settings=settings, seed=seed, max_size=max_size)


def test_bicubic_pairs_equal_basicsrs_matlab_resize(tmp_path):
    sample = pairs([write_noise(tmp_path / "a.png", seed=0, height=48, width=60)])[0]
    assert np.array_equal(sample["gt"].permute(1, 2, 0).numpy(), noise(0, 48, 60))
    expected = imresize(noise(0, 48, 60).astype(np.float32) / 255, 0.25).clip(0, 1) * 255
    difference = np.abs(sample["lq"].permute(1, 2, 0).numpy() - expected)
    assert sample["lq"].dtype == torch.uint8 and difference.max() < 0.501


@pytest.mark.parametrize(
    ("max_size", "shape", "corner"), [(None, (40, 60), (0, 1)), (32, (32, 32), (4, 15)), (30, (28, 28), (6, 17))]
)
def test_the_middle_is_a_multiple_of_the_scale_and_no_larger_than_asked(tmp_path, max_size, shape, corner):
    path = write_noise(tmp_path / "a.png", seed=0, height=41, width=62)
    sample = pairs([path], max_size=max_size)[0]
    assert sample["gt"].shape == (3, *shape) and sample["lq"].shape == (3, shape[0] // 4, shape[1] // 4)
    top, left = corner
    expected = noise(0, 41, 62)[top : top + shape[0], left : left + shape[1]]
    assert np.array_equal(sample["gt"].permute(1, 2, 0).numpy(), expected)
    assert (sample["gt_path"], sample["failed_path"]) == (str(path), "")


def test_degraded_pairs_have_the_lq_of_a_frozen_set_wherever_they_stand_in_theirs(tmp_path):
    paths = [write_noise(tmp_path / f"{i}.png", seed=i, height=65, width=64) for i in range(3)]
    settings = DegradationSettings()
    dataset = pairs(paths, settings, seed=7)
    lqs = [dataset[i]["lq"] for i in range(3)]
    assert dataset[1]["lq"].equal(lqs[1])
    assert not lqs[0].equal(lqs[1])
    assert not pairs(paths, settings, seed=8)[1]["lq"].equal(lqs[1])
    assert pairs(paths[1:], settings, seed=7)[0]["lq"].equal(lqs[1])
    frozen, _ = make_frozen_lq(noise(1, 65, 64)[:64], settings, seed=7, scale=4)
    assert np.array_equal(lqs[1].permute(1, 2, 0).numpy(), frozen)


@pytest.mark.parametrize("preset", ["full", "medium", "mild", "camera-jpeg"])
def test_a_set_of_an_option_file_has_the_lq_that_evaluate_makes(tmp_path, preset):
    """`full` comes from the file's own ranges, which in those that are shipped are the preset's."""
    write_noise(tmp_path / "a.png", seed=0, height=64, width=72)
    file = load_options(OPTIONS / "finetune_x4v3_architecture.yml").options
    options = ValDataset(name="x", type="SyntheticPairs", dataroot_gt=tmp_path, degradation=preset, seed=3, max_size=64)
    ours = build_whole_images(options, scale=4, degradation=file.passes())[0]
    (theirs,) = open_data(str(tmp_path), preset=preset, seed=3, max_size=64).pairs
    assert torch.equal(ours["lq"].float() / 255, theirs.lq)
    assert torch.equal(ours["gt"].float() / 255, theirs.gt)


def test_blurred_pairs_have_a_sigma_of_their_own_which_training_never_draws(tmp_path):
    settings = PlainSettings((0.2, 3.0))
    dataset = pairs(
        [write_noise(tmp_path / f"{i}.png", seed=0, height=64, width=64) for i in range(3)], settings, seed=7
    )
    sigmas = [dataset.blur_sigma(index) for index in range(3)]
    assert len(set(sigmas)) == 3 and all(0.2 <= sigma <= 3 for sigma in sigmas)
    trainings = [draw_plain_recipe(settings, seed=7, step=step, batch_size=1).blur_sigmas[0] for step in range(3)]
    assert not set(sigmas) & set(trainings)
    blurred = gaussian_filter(noise(0, 64, 64).astype(np.float64) / 255, (sigmas[1], sigmas[1], 0), radius=10)
    expected = imresize(blurred.astype(np.float32), 0.25).clip(0, 1) * 255
    difference = np.abs(dataset[1]["lq"].permute(1, 2, 0).numpy() - expected)[4:-4, 4:-4]
    assert difference.max() < 0.51


def test_unreadable_images_are_marked_and_never_replaced_and_too_small_ones_are_errors(tmp_path):
    small = write_noise(tmp_path / "small.png", seed=0, height=3, width=20)
    broken = write_truncated(tmp_path / "broken.png")
    sample = pairs([broken, small])[0]
    assert sample["failed_path"] == str(broken)
    assert sample["gt"].shape == sample["lq"].shape == (3, 0, 0)
    with pytest.raises(DataError, match=r"small.png to be at least 4 pixels a side, got 20 x 3"):
        pairs([broken, small])[1]


def large_and_small(tmp_path, height=43):
    gt = write_noise(tmp_path / "gt.png", seed=0, height=height, width=82)
    return gt, write_noise(tmp_path / "lq.png", seed=1, height=10, width=20)


def whole(pair, max_size=None):
    return WholePairs([pair], scale=4, max_size=max_size)


def test_the_gt_of_a_pair_is_cut_to_the_lq_at_the_right_and_below_as_upstream_does(tmp_path):
    gt, lq = large_and_small(tmp_path)
    sample = whole((gt, lq))[0]
    assert np.array_equal(sample["gt"].permute(1, 2, 0).numpy(), noise(0, 43, 82)[:40, :80])
    assert np.array_equal(sample["lq"].permute(1, 2, 0).numpy(), noise(1, 10, 20))
    assert (sample["gt_path"], sample["lq_path"], sample["failed_path"]) == (str(gt), str(lq), "")


def test_the_middle_of_a_large_pair_is_the_same_place_of_both(tmp_path):
    sample = whole(large_and_small(tmp_path), max_size=25)[0]
    assert np.array_equal(sample["lq"].permute(1, 2, 0).numpy(), noise(1, 10, 20)[2:8, 7:13])
    assert np.array_equal(sample["gt"].permute(1, 2, 0).numpy(), noise(0, 43, 82)[8:32, 28:52])


def test_a_gt_that_is_smaller_than_its_lq_asks_for_names_both_files(tmp_path):
    with pytest.raises(DataError, match=r"gt.png to be at least 4 times as large as .*lq.png, got 82 x 39 and 20 x 10"):
        whole(large_and_small(tmp_path, height=39))[0]


def test_a_pair_that_cannot_be_read_is_marked(tmp_path):
    gt, lq = large_and_small(tmp_path)
    sample = whole((gt, write_truncated(tmp_path / "broken.png")))[0]
    assert sample["failed_path"] == str(tmp_path / "broken.png")
    assert sample["lq"].shape == (3, 0, 0)
    assert whole((write_truncated(tmp_path / "broken.png"), lq))[0]["failed_path"] == str(tmp_path / "broken.png")
