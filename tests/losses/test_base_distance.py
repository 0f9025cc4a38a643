"""The distance to the base: in pictures and in weights, by hand."""

import pytest
import torch
from torch import Tensor, nn

from realesrgan_arch.losses.base_distance import BaseOutputDistance, BaseWeightDistance
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, SRResNetSpec

LQ = torch.linspace(0, 1, 2 * 3 * 64).view(2, 3, 8, 8)
GT = torch.zeros(2, 3, 32, 32)


def _compact() -> nn.Module:
    torch.manual_seed(0)
    return build_generator(CompactSpec(num_feat=4, num_conv=1))


def _last_bias(network: nn.Module) -> Tensor:
    return list(network.parameters())[-1]


def test_a_generator_that_adds_a_tenth_everywhere_is_a_tenth_away_from_its_base() -> None:
    network = _compact()
    loss = BaseOutputDistance(network, weight=3.0)
    assert loss(sr=network(LQ), gt=GT, lq=LQ).item() == 0
    with torch.no_grad():
        _last_bias(network).add_(0.1)
    assert loss(sr=network(LQ), gt=GT, lq=LQ).item() == pytest.approx(0.3, rel=1e-4)


def test_the_gradient_of_the_pictures_reaches_the_live_generator_only() -> None:
    network = _compact()
    loss = BaseOutputDistance(network)
    with torch.no_grad():
        _last_bias(network).add_(0.1)
    loss(sr=network(LQ), gt=GT, lq=LQ).backward()
    assert _last_bias(network).grad is not None
    assert all(value.grad is None and not value.requires_grad for value in loss.base.parameters())


def test_the_statistics_of_a_base_with_batch_norm_stand_still() -> None:
    network = build_generator(SRResNetSpec(num_feat=4, num_block=1)).train()
    loss = BaseOutputDistance(network)
    before = {name: value.clone() for name, value in loss.base.state_dict().items()}
    loss(sr=network(LQ), gt=GT, lq=LQ)
    assert not loss.base.training
    assert all(torch.equal(value, before[name]) for name, value in loss.base.state_dict().items())
    moved = network.state_dict()
    assert any(not torch.equal(value, moved[name]) for name, value in before.items())


def test_the_distance_of_weights_is_half_the_sum_of_the_squares_of_what_trains() -> None:
    network = nn.Linear(2, 2)
    network.bias.requires_grad_(False)
    loss = BaseWeightDistance(network, weight=0.5)
    with torch.no_grad():
        network.weight.add_(torch.tensor([[1.0, -2.0], [0.0, 3.0]]))
        network.bias.add_(100)
    found = loss(sr=GT, gt=GT, lq=LQ)
    assert found.item() == pytest.approx(0.25 * (1 + 4 + 9))
    found.backward()
    torch.testing.assert_close(network.weight.grad, 0.5 * torch.tensor([[1.0, -2.0], [0.0, 3.0]]))


def test_weights_that_have_not_moved_have_no_distance_and_no_gradient() -> None:
    network = nn.Linear(2, 2)
    found = BaseWeightDistance(network)(sr=GT, gt=GT, lq=LQ)
    found.backward()
    assert found.item() == 0
    assert network.weight.grad is not None and not network.weight.grad.any()


def test_held_to_its_details_a_generator_may_change_its_colours_but_not_its_texture() -> None:
    network = _compact()
    details = BaseOutputDistance(network, weight=2.0, sigma=1.5)
    same = network(LQ).detach()
    stripes = torch.tensor([0.1, -0.1]).repeat(16)
    assert details(sr=same + 0.1, gt=GT, lq=LQ).item() == pytest.approx(0, abs=1e-6)
    # A blur of 1.5 pixels leaves nothing of stripes of one pixel, so all of them are details.
    assert details(sr=same + stripes, gt=GT, lq=LQ).item() == pytest.approx(0.2, rel=0.02)
