"""The penalty equals what one derives by hand, and its mixtures follow from counters alone."""

import pytest
import torch
from torch import Tensor, nn

from realesrgan_arch.losses.gradient_penalty import GradientPenalty

HALF = torch.full((2,), 0.5)


class _HalfSquare(nn.Module):
    """Its gradient is its input, so the penalty shows the mixture."""

    def forward(self, x: Tensor) -> Tensor:
        return (x**2).flatten(1).sum(dim=1, keepdim=True) / 2


def _linear(weight: float) -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
    nn.init.constant_(network[1].weight, weight)
    return network


def _images(*values: float) -> Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def test_a_linear_discriminator_pays_for_the_distance_of_its_slope_from_one() -> None:
    # Twelve weights of 0.5: the norm is the root of 3.
    found = GradientPenalty(weight=10.0)(_linear(0.5), _images(0.1, 0.9), _images(0.3, 0.2), shares=HALF)
    assert found.item() == pytest.approx(10 * (3**0.5 - 1) ** 2, rel=1e-5)


def test_the_penalty_lies_at_the_share_of_the_photograph_and_is_the_mean_of_each_images_own() -> None:
    real, fake = _images(1.0, 1.0), _images(0.0, 0.5)
    found = GradientPenalty(weight=2.0)(_HalfSquare(), real, fake, shares=torch.tensor([0.25, 0.5]))
    norms = [12**0.5 * 0.25, 12**0.5 * 0.75]
    assert found.item() == pytest.approx(2 * sum((norm - 1) ** 2 for norm in norms) / 2, rel=1e-5)


def test_of_a_map_of_logits_the_mean_over_an_image_counts() -> None:
    network = nn.Conv2d(3, 1, 1)
    nn.init.constant_(network.weight, 4.0)
    # Each of 12 values has the slope 4 / 4 pixels.
    found = GradientPenalty(weight=1.0)(network, _images(0.1), _images(0.3), shares=HALF[:1])
    assert found.item() == pytest.approx((12**0.5 - 1) ** 2, rel=1e-5)


def test_its_gradient_reaches_the_weights_and_neither_picture() -> None:
    network = _linear(0.5)
    real, fake = _images(0.1).requires_grad_(), _images(0.3).requires_grad_()
    GradientPenalty(weight=1.0)(network, real, fake, shares=HALF[:1]).backward()
    # d/dw of (|w| - 1)^2 is 2 (|w| - 1) w / |w|.
    expected = 2 * (3**0.5 - 1) * 0.5 / 3**0.5
    torch.testing.assert_close(network[1].weight.grad, torch.full((1, 12), expected), rtol=1e-5, atol=0)
    assert real.grad is None
    assert fake.grad is None


def test_it_is_computed_in_32_bits_under_autocast() -> None:
    network, seen = _linear(0.3), []
    network.register_forward_hook(lambda module, inputs, logits: seen.append(logits.dtype))
    images = _images(0.1, 0.7), _images(0.3, 0.2)
    exact = GradientPenalty()(network, *images, shares=HALF)
    with torch.autocast("cpu", torch.bfloat16):
        found = GradientPenalty()(network, images[0].bfloat16().float(), images[1], shares=HALF)
    assert seen == [torch.float32] * 2
    assert found.item() == pytest.approx(exact.item(), rel=1e-6)


def test_shares_follow_from_seed_step_and_sample_alone() -> None:
    penalty = GradientPenalty(seed=3)
    state = torch.get_rng_state()
    whole = penalty.draw_shares(step=7, count=6)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(99)
    assert torch.equal(whole[4:], penalty.draw_shares(step=7, count=2, first_sample=4))
    assert not torch.equal(whole, penalty.draw_shares(step=8, count=6))
    assert not torch.equal(whole, GradientPenalty(seed=4).draw_shares(step=7, count=6))
    many = penalty.draw_shares(step=1, count=2000)
    assert 0 <= many.min() < 0.01 and 0.99 < many.max() < 1
    assert many.mean().item() == pytest.approx(0.5, abs=0.03)
