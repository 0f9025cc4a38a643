"""Relativistic losses, their two players and their time: numbers by hand, and BasicSR's where it follows the paper."""

import math

import pytest
import torch
from torch import Tensor

import tests.shims  # noqa: F401
from realesrgan_arch.losses.adversarial import AdversarialLoss, adversarial_loss, relativistic_losses
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.losses.terms import Losses

REAL, FAKE = (2.0, 0.0), (1.0, -1.0)
"""Means 1 and 0: relative to the other side (2, 0) and (0, -2)."""
LOGITS = torch.tensor([-2.0, 0.0, 0.5, 3.0])


def _logits() -> tuple[Tensor, Tensor]:
    return torch.tensor(REAL, requires_grad=True), torch.tensor(FAKE, requires_grad=True)


def _softplus(value: float) -> float:
    return math.log1p(math.exp(value))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize(
    ("gan_type", "of_real", "of_fake"),
    [
        ("vanilla", (_softplus(-2) + _softplus(0)) / 4, (_softplus(0) + _softplus(-2)) / 4),
        ("lsgan", ((2 - 1) ** 2 + (0 - 1) ** 2) / 4, (0**2 + (-2) ** 2) / 4),
        ("hinge", (0 + 1) / 4, (1 + 0) / 4),
    ],
)
def test_a_discriminators_relativistic_halves_are_those_of_the_paper(gan_type, of_real, of_fake) -> None:
    found = AdversarialLoss(gan_type, weight=7.0, relativistic=True).for_discriminator_on_both(*_logits())
    assert [half.item() for half in found] == pytest.approx([of_real, of_fake], rel=1e-6)


@pytest.mark.parametrize(
    ("gan_type", "expected"),
    [
        ("vanilla", (_softplus(2) + _softplus(0)) / 4 + (_softplus(0) + _softplus(2)) / 4),
        ("lsgan", (2**2 + 0**2) / 4 + ((0 - 1) ** 2 + (-2 - 1) ** 2) / 4),
        ("hinge", (3 + 1) / 4 + (1 + 3) / 4),
    ],
)
def test_a_generators_relativistic_loss_swaps_the_labels_and_is_weighted(gan_type, expected) -> None:
    real, fake = _logits()
    found = AdversarialLoss(gan_type, weight=0.5, relativistic=True).for_generator(fake, real.detach())
    assert found.item() == pytest.approx(0.5 * expected, rel=1e-6)


def test_a_discriminators_gradient_flows_through_both_sides_and_both_means() -> None:
    real, fake = _logits()
    sum(AdversarialLoss(relativistic=True).for_discriminator_on_both(real, fake)).backward()
    through_the_mean = (_sigmoid(0) + _sigmoid(-2)) / 2 / 4
    expected = [-_sigmoid(-relative) / 4 - through_the_mean for relative in (2, 0)]
    assert real.grad.tolist() == pytest.approx(expected, rel=1e-5)
    assert fake.grad.tolist() == pytest.approx([_sigmoid(x) / 4 + through_the_mean for x in (0, -2)], rel=1e-5)


def test_a_generators_gradient_flows_through_the_results_and_their_mean() -> None:
    real, fake = _logits()
    AdversarialLoss(weight=1.0, relativistic=True).for_generator(fake, real.detach()).backward()
    through_the_mean = (_sigmoid(2) + _sigmoid(0)) / 2 / 4
    assert real.grad is None
    assert fake.grad.tolist() == pytest.approx([-_sigmoid(-x) / 4 - through_the_mean for x in (0, -2)], rel=1e-5)


@pytest.mark.parametrize("gan_type", ["vanilla", "lsgan"])
@pytest.mark.parametrize("labels", [(1.0, 0.0), (0.9, 0.1)])
def test_relativistic_losses_equal_those_of_basicsr_esrgan_model(gan_type: str, labels: tuple[float, float]) -> None:
    from basicsr.losses.gan_loss import GANLoss

    real, fake = torch.randn(2, 1, 5, 5), torch.randn(2, 1, 5, 5)
    theirs = GANLoss(gan_type, *labels, loss_weight=0.3)
    ours = AdversarialLoss(gan_type, 0.3, *labels, relativistic=True)
    of_generator = theirs(real - fake.mean(), False, is_disc=False) + theirs(fake - real.mean(), True, is_disc=False)
    assert ours.for_generator(fake, real).item() == pytest.approx(of_generator.item() / 2, rel=1e-5)
    of_real, of_fake = ours.for_discriminator_on_both(real, fake)
    assert of_real.item() == pytest.approx(theirs(real - fake.mean(), True, is_disc=True).item() / 2, rel=1e-5)
    assert of_fake.item() == pytest.approx(theirs(fake - real.mean(), False, is_disc=True).item() / 2, rel=1e-5)


def test_relativistic_losses_of_16_bits_are_computed_in_32() -> None:
    real, fake = (torch.randn(64) for _ in range(2))
    halves = relativistic_losses(real.bfloat16(), fake.bfloat16(), real_target=1.0, fake_target=0.0)
    exact = relativistic_losses(real.bfloat16().float(), fake.bfloat16().float(), real_target=1.0, fake_target=0.0)
    assert halves[0].dtype == torch.float32
    assert halves[0].item() == exact[0].item()


@pytest.mark.parametrize("gan_type", ["wgan", "wgan_softplus"])
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("for_discriminator", [True, False])
def test_wasserstein_losses_equal_basicsr(gan_type: str, real: bool, for_discriminator: bool) -> None:
    from basicsr.losses.gan_loss import GANLoss

    ours = adversarial_loss(LOGITS, target=float(real), gan_type=gan_type, for_discriminator=for_discriminator)
    theirs = GANLoss(gan_type)(LOGITS, real, is_disc=for_discriminator)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_a_critic_gains_by_telling_apart_and_a_generator_by_its_mean() -> None:
    loss = AdversarialLoss("wgan", weight=1.0)
    assert loss.for_discriminator(LOGITS, real=True).item() == -0.375
    assert loss.for_discriminator(LOGITS, real=False).item() == 0.375
    assert loss.for_generator(LOGITS).item() == -0.375


def test_smoothed_labels_move_the_best_logit_and_not_the_side() -> None:
    at_best = torch.tensor([math.log(9)], requires_grad=True)
    AdversarialLoss(real_label=0.9).for_discriminator(at_best, real=True).backward()
    assert at_best.grad.item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("gan_type", ["hinge", "wgan", "wgan_softplus"])
@pytest.mark.parametrize("real", [True, False])
def test_losses_of_sides_do_not_read_the_labels(gan_type: str, real: bool) -> None:
    plain, odd = AdversarialLoss(gan_type), AdversarialLoss(gan_type, real_label=0.4, fake_label=0.6)
    assert odd.for_discriminator(LOGITS, real=real).item() == plain.for_discriminator(LOGITS, real=real).item()
    assert odd.for_generator(LOGITS).item() == plain.for_generator(LOGITS).item()


def test_the_weight_grows_from_the_first_step_of_the_game_to_the_end_of_the_ramp() -> None:
    loss = AdversarialLoss(weight=0.5, start_step=10, ramp_steps=4)
    assert loss.at(10) is None
    assert [loss.at(step).weight for step in (11, 12, 13, 14, 15, 500)] == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]
    assert AdversarialLoss(weight=0.5).at(1).weight == 0.5


def test_before_the_game_the_other_losses_stay() -> None:
    losses = Losses(PixelLoss(weight=3.0), None, AdversarialLoss(start_step=2))
    assert losses.at(2) == Losses(PixelLoss(weight=3.0), None, None)
    assert losses.at(3) == losses
