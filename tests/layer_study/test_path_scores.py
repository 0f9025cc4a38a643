"""FAIG: what a short training changed, and through which layers."""

import copy
import math

import pytest
import torch
from torch import nn

from realesrgan_arch.layer_study.crop_gradients import CropGradients
from realesrgan_arch.layer_study.journal import Journal
from realesrgan_arch.layer_study.path_scores import PathScores, score_path
from realesrgan_arch.layer_study.scoring import open_judge
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.types import UsmSettings
from realesrgan_arch.training.steps import Targets
from tests.layer_study.probes import probe_options

_PLAIN = UsmSettings(lq=False, pixel=False, perceptual=False, adversarial=False)


class _Gain(nn.Module):
    """A picture times a number, plus one."""

    def __init__(self, gain: float, more: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.more = nn.Parameter(torch.tensor(more))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gain * x + self.more


def test_scores_are_the_integral_worked_out_by_hand() -> None:
    lq, gt = torch.full((3, 4, 4), 0.5), torch.full((3, 4, 4), 0.25)
    base = _Gain(1.0, 0.5)

    def squared(sr: torch.Tensor, targets: Targets, lq: torch.Tensor) -> torch.Tensor:
        del lq
        return (sr - targets.perceptual).square().mean()

    found = score_path(CropGradients(base, "squared", ((lq, gt),), squared, _PLAIN), _Gain(3.0, 0.25))
    # L1: its gradient is (0.5, 1) all along, as what comes out stays above the truth; changes are (2, -0.25).
    assert found.fidelity == pytest.approx({"gain": 1.0, "more": 0.25})
    # Squared: 2 (out - truth) (0.5, 1), whose mean along a straight line is that in its middle, 1.125.
    assert found.perception == pytest.approx({"gain": 2 * 1.125, "more": 0.25 * 2 * 1.125})
    assert found.shares(frozenset({"more"})) == pytest.approx((0.2, 0.2))
    assert (base.gain.item(), base.more.item()) == (1.0, 0.5)


def test_of_one_layer_the_sum_is_at_least_the_change_of_the_loss_and_its_share_is_all(tmp_path) -> None:
    options = parse_options(probe_options(tmp_path))
    gradients = CropGradients.of(options, open_judge(options).pairs, crops=2)
    trained = copy.deepcopy(gradients.network)
    with torch.no_grad():
        trained.get_parameter("body.6.bias").add_(0.02)
    losses = [
        sum((net(lq[None]) - gt[None]).abs().mean().item() for lq, gt in gradients.crops) / 2
        for net in (gradients.network, trained)
    ]
    before = {name: value.clone() for name, value in gradients.network.state_dict().items()}
    found = score_path(gradients, trained)
    assert found.fidelity["body.6.bias"] >= 0.99 * abs(losses[1] - losses[0]) > 0
    assert found.shares(frozenset({"body.6.bias"})) == (1.0, 1.0)
    assert all(torch.equal(value, before[name]) for name, value in gradients.network.state_dict().items())


def test_nothing_that_moved_has_no_shares_and_scores_come_back_from_their_record(tmp_path) -> None:
    options = parse_options(probe_options(tmp_path))
    gradients = CropGradients.of(options, open_judge(options).pairs, crops=1)
    found = score_path(gradients, copy.deepcopy(gradients.network))
    assert all(map(math.isnan, found.shares(frozenset({"body.6.bias"}))))
    Journal(tmp_path).keep_record("path", found.record())
    record = Journal(tmp_path).find_record("path")
    assert record is not None
    assert PathScores.from_record(record) == found
