"""Cheap scores of layers at the base."""

import math

import pytest
import torch

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.layer_study import crop_gradients
from realesrgan_arch.layer_study.block_scores import (
    TensorScores,
    block_of,
    score_tensors,
    spearman,
)
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.layer_study.crop_gradients import CropGradients, draw_crops
from realesrgan_arch.layer_study.journal import Journal
from realesrgan_arch.layer_study.scoring import open_judge
from realesrgan_arch.losses.amplitude import amplitude_distance
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.types import UsmSettings
from realesrgan_arch.training.assembly import load_base_generator
from tests.layer_study.probes import probe_options


@pytest.mark.parametrize(("name", "block"), [
    ("body.3.rdb1.conv1.weight", "body.3"),
    ("body.66.bias", "body.66"),
    ("conv_last.weight", "conv_last"),
])  # fmt: skip
def test_parameters_belong_to_blocks(name, block) -> None:
    assert block_of(name) == block


@pytest.mark.parametrize("sharpens", [True, False])
def test_scores_are_those_of_plain_gradients(tmp_path, sharpens) -> None:
    options = parse_options(probe_options(tmp_path) | {"gt_usm": sharpens})
    pairs = open_judge(options).pairs
    found = score_tensors(CropGradients.of(options, pairs, crops=3))
    network = load_base_generator(options)
    weight = network.get_parameter("body.6.weight")
    sums, fisher = [torch.zeros_like(weight), torch.zeros_like(weight)], 0.0
    for lq, gt in draw_crops(pairs, crops=3, side=32, scale=4):
        sr, target = network(lq[None]), usm_sharpen(gt[None]) if sharpens else gt[None]
        losses = (sr - target).abs().mean(), amplitude_distance(sr, target)
        one, two = (torch.autograd.grad(loss, weight, retain_graph=True)[0] for loss in losses)
        sums = [sums[0] + one / 3, sums[1] + two / 3]
        fisher += float((one + two).square().sum()) / 3
    score = found.of("last", ["body.6.weight"])
    cosine = torch.cosine_similarity(sums[0].flatten(), sums[1].flatten(), dim=0)
    assert score.agreement == pytest.approx(float(cosine), abs=1e-4)
    assert score.gradient_ratio == pytest.approx(float((sums[0] + sums[1]).norm() / weight.detach().norm()), rel=1e-4)
    assert score.fisher == pytest.approx(fisher, rel=1e-4)
    assert found.perception == "Fourier amplitude"
    assert list(found.blocks) == [f"body.{place}" for place in range(7)]
    assert sum(found.of(name, own).parameters for name, own in found.blocks.items()) == sum(
        value.numel() for value in network.parameters()
    )


def test_scores_come_back_from_their_record(tmp_path) -> None:
    options = parse_options(probe_options(tmp_path))
    found = score_tensors(CropGradients.of(options, open_judge(options).pairs, crops=1))
    Journal(tmp_path).keep_record("cheap", found.record())
    record = Journal(tmp_path).find_record("cheap")
    assert record is not None
    assert TensorScores.from_record(record) == found


def test_fidelity_and_perception_each_have_their_own_target(monkeypatch) -> None:
    monkeypatch.setattr(crop_gradients, "usm_sharpen", lambda gt: gt + 1)
    gt = torch.zeros(1, 3, 4, 4)
    for pixel, perceptual in ((True, False), (False, True), (False, False)):
        switches = UsmSettings(lq=False, pixel=pixel, perceptual=perceptual, adversarial=True)
        found = crop_gradients._targets(gt, switches)
        assert (float(found.pixel.mean()), float(found.perceptual.mean())) == (pixel, perceptual)


def test_a_block_with_a_planted_shift_has_the_largest_relative_gradient(tmp_path) -> None:
    mapping = probe_options(tmp_path)
    options = parse_options(mapping)
    network = load_base_generator(options)
    small = network.get_parameter("body.4.weight")
    small.data *= 0.01  # what is too small is what a relative gradient names
    path = tmp_path / "planted.pth"
    torch.save({"params": network.state_dict()}, path)
    mapping["path"]["pretrain_network_g"] = str(path)
    planted = parse_options(mapping)
    found = score_tensors(CropGradients.of(planted, open_judge(planted).pairs, crops=2))
    assert max(found.blocks, key=lambda name: found.of(name, found.blocks[name]).gradient_ratio) == "body.4"


def test_crops_of_odd_pictures_have_sides_that_the_network_takes(tmp_path) -> None:
    mapping = probe_options(tmp_path)
    mapping |= {"scale": 2, "gt_size": 32}
    mapping["network_g"] = {"type": "RRDBNet", "scale": 2, "num_feat": 4, "num_block": 1, "num_grow_ch": 2}
    mapping["datasets"]["val"]["max_size"] = 26  # a low-quality side of 13
    options = parse_options(mapping)
    pairs = open_judge(options).pairs
    assert min(pairs[0].lq.shape[1:]) % 2
    assert score_tensors(CropGradients.of(options, pairs, crops=2)).blocks
    assert draw_crops(pairs, crops=1, side=32, scale=2, multiple=4)[0][0].shape[1:] == (12, 12)
    with pytest.raises(StudyError, match="expected sides of at least 14 pixels"):
        draw_crops(pairs, crops=1, side=32, scale=2, multiple=14)


def test_rank_correlation_has_the_interval_of_bonett_and_wright() -> None:
    found = spearman([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 6, 5, 8, 7])
    assert found.rho == pytest.approx(0.904762, abs=1e-6)
    reach = 1.959964 * math.sqrt((1 + found.rho**2 / 2) / 5)
    assert found.low == pytest.approx(math.tanh(math.atanh(found.rho) - reach), abs=1e-5)
    assert found.high == pytest.approx(math.tanh(math.atanh(found.rho) + reach), abs=1e-5)


def test_rank_correlation_of_too_few_or_of_equals_is_not_made_up() -> None:
    assert math.isnan(spearman([1, 2, 3], [1, 2, 3]).low)
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]).low < 0  # four in order prove nothing
    assert math.isnan(spearman([1, 1, 1, 1], [1, 2, 3, 4]).rho)
    assert spearman([1, math.nan, 2, 3, 4], [1, 5, 2, 3, 4]).count == 4
