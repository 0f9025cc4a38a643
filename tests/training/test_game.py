"""Steps of both networks with the losses that change the shape of a step."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.gradient_penalty import GradientPenalty
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.training.game import Game
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.players import StepRules
from realesrgan_arch.training.schedule import ConstantSchedule
from realesrgan_arch.training.steps import Targets
from tests.training.builders import batch, player, small_model, tensors

RELATIVISTIC = AdversarialLoss(relativistic=True)
PENALISED = AdversarialLoss("wgan", penalty=GradientPenalty(10.0, seed=5))
KINDS = {
    "relativistic": RELATIVISTIC,
    "relativistic hinge": AdversarialLoss("hinge", relativistic=True),
    "penalty": PENALISED,
    "both": AdversarialLoss(relativistic=True, penalty=GradientPenalty(1.0)),
    "softplus": AdversarialLoss("wgan_softplus"),
    "late": AdversarialLoss(start_step=2, ramp_steps=3),
    "smoothed": AdversarialLoss(real_label=0.9, fake_label=0.1),
}


def _losses(adversarial: AdversarialLoss) -> Losses:
    return Losses(PixelLoss(), None, adversarial)


class _Judge(nn.Module):
    """Curved, so that its gradient changes from image to image, and without statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.Softplus(), nn.Conv2d(6, 1, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def _game(adversarial: AdversarialLoss, *, dtype: torch.dtype = torch.float32, **rules: int) -> Game:
    torch.manual_seed(0)
    return Game(
        generator=player(nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.PixelShuffle(4)), "all"),
        discriminator=player(_Judge(), "all"),
        losses=_losses(adversarial),
        rules=StepRules(ConstantSchedule(), base_rate_g=1e-3, base_rate_d=1e-3, **rules),
        device=torch.device("cpu"),
        dtype=dtype,
    )


def _model(root: Path, **chosen: object) -> FineTuneModel:
    """On pairs, which cost no degradation."""
    return small_model(root, paired=True, **chosen)


def _run(model: FineTuneModel, first: int, last: int) -> None:
    for step in range(first, last + 1):
        gt = batch(step, side=32)["gt"]
        model.update_learning_rate(step)
        model.feed_data({"gt": gt, "lq": gt[:, :, ::4, ::4].contiguous()})
        model.optimize_parameters(step)


def _play(game: Game, *, step: int = 1, size: int = 4):
    torch.manual_seed(step)
    lq, gt = torch.rand(size, 3, 4, 4), torch.rand(size, 3, 16, 16)
    return game.play(lq, Targets(gt, gt, gt), step=step)


def test_a_relativistic_step_compares_each_side_with_the_mean_of_the_other(tmp_path) -> None:
    model = _model(tmp_path, losses=_losses(RELATIVISTIC))
    judged: list[torch.Tensor] = []
    model.discriminator.network.register_forward_hook(lambda module, inputs, logits: judged.append(logits))
    _run(model, 1, 1)
    for_real, for_fake, real, fake = judged
    assert [logits.requires_grad for logits in judged] == [False, True, True, True]
    log = model.get_current_log()
    softplus = torch.nn.functional.softplus
    l_d_real = softplus(-(real - fake.mean())).mean() / 2
    l_d_fake = softplus(fake - real.mean()).mean() / 2
    l_g_gan = (softplus(for_real - for_fake.mean()).mean() + softplus(-(for_fake - for_real.mean())).mean()) / 2
    assert log["l_d_real"] == pytest.approx(l_d_real.item(), rel=1e-5)
    assert log["l_d_fake"] == pytest.approx(l_d_fake.item(), rel=1e-5)
    assert log["l_g_gan"] == pytest.approx(0.1 * l_g_gan.item(), rel=1e-5)
    assert log["out_d_real"] == pytest.approx(real.mean().item(), rel=1e-5)
    assert log["out_d_fake"] == pytest.approx(fake.mean().item(), rel=1e-5)


def test_the_relativistic_gradient_of_the_discriminator_is_that_of_one_graph() -> None:
    game = _game(RELATIVISTIC)
    torch.manual_seed(1)
    lq, gt = torch.rand(4, 3, 4, 4), torch.rand(4, 3, 16, 16)
    weights = list(game.discriminator.network.parameters())
    real, fake = game.discriminator.network(gt), game.discriminator.network(game.generator.network(lq).detach())
    softplus = torch.nn.functional.softplus
    loss = (softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()) / 2
    expected = torch.autograd.grad(loss, weights)
    game.play(lq, Targets(gt, gt, gt), step=1)
    for weight, gradient in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_makes_the_same_steps_to_the_bit(tmp_path, kind: str) -> None:
    straight, first, second = (_model(tmp_path, losses=_losses(KINDS[kind])) for _ in range(3))
    _run(straight, 1, 4)
    _run(first, 1, 2)
    torch.manual_seed(1234)
    second.resume_training(first.state())
    _run(second, 3, 4)
    wanted, found = tensors(straight), tensors(second)
    assert [name for name in wanted if not torch.equal(wanted[name], found[name])] == []
    assert straight.get_current_log() == second.get_current_log()


def test_before_its_start_the_game_has_one_player(tmp_path) -> None:
    model = _model(tmp_path, losses=_losses(AdversarialLoss(start_step=2)), discriminator_every=2)
    before = tensors(model)
    for step in (1, 2):
        _run(model, step, step)
        assert set(model.get_current_log()) == {"l_g_pix"}
    after = tensors(model)
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("d."))
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("g."))
    _run(model, 3, 3)
    assert set(model.get_current_log()) == {"l_d_real", "l_d_fake", "out_d_real", "out_d_fake"}
    _run(model, 4, 4)
    assert {"l_g_pix", "l_g_gan", "l_d_real", "l_d_fake"} <= set(model.get_current_log())


def test_the_generators_wait_is_counted_from_the_start_of_the_game(tmp_path) -> None:
    model = _model(tmp_path, losses=_losses(AdversarialLoss(start_step=2)), discriminator_first=2)
    moved = []
    for step in range(1, 7):
        before = tensors(model)
        _run(model, step, step)
        after = tensors(model)
        names = [name for name in before if not torch.equal(before[name], after[name])]
        moved.append("".join(sorted({name[0] for name in names} - {"e"})))
    assert moved == ["g", "g", "d", "d", "dg", "dg"]


def test_the_ramp_weighs_the_generators_loss_and_not_the_discriminators() -> None:
    plain, ramped = _game(AdversarialLoss(weight=0.4)), _game(AdversarialLoss(weight=0.4, ramp_steps=4))
    wanted, found = _play(plain).losses, _play(ramped).losses
    assert found["l_g_gan"].item() == pytest.approx(wanted["l_g_gan"].item() / 4, rel=1e-6)
    assert found["l_d_real"].item() == wanted["l_d_real"].item()


def test_a_run_that_goes_back_to_before_the_game_leaves_the_discriminator_alone() -> None:
    game = _game(AdversarialLoss(start_step=2))
    _play(game, step=3)
    before = [value.clone() for value in game.discriminator.network.parameters()]
    numbers = _play(game, step=2)
    assert all(torch.equal(*pair) for pair in zip(before, game.discriminator.network.parameters(), strict=True))
    assert set(numbers.norms) == {"network_g"}


def test_the_penalty_is_added_to_the_discriminators_loss() -> None:
    penalised, plain = _game(PENALISED), _game(replace(PENALISED, penalty=None))
    found, without = _play(penalised), _play(plain)
    assert found.losses["l_d_penalty"].item() > 0
    assert found.losses["l_d_real"].item() == without.losses["l_d_real"].item()
    assert found.norms["network_d"].item() != pytest.approx(without.norms["network_d"].item(), rel=1e-2)
    torch.testing.assert_close(found.norms["network_g"], without.norms["network_g"])


@pytest.mark.parametrize("kind", ["penalty", "softplus"])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(kind: str) -> None:
    whole, parts = _game(KINDS[kind]), _game(KINDS[kind], accumulate=4)
    wanted, found = _play(whole), _play(parts)
    assert wanted.losses.keys() == found.losses.keys()
    for name, value in wanted.losses.items():
        torch.testing.assert_close(found.losses[name], value, rtol=1e-4, atol=1e-6)
    for one, other in zip(
        whole.discriminator.network.parameters(), parts.discriminator.network.parameters(), strict=True
    ):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["relativistic", "both", "penalty"])
def test_gradients_of_16_bits_have_their_true_size(kind: str, dtype: torch.dtype) -> None:
    exact, rough = _play(_game(KINDS[kind])), _play(_game(KINDS[kind], dtype=dtype))
    assert bool(rough.finite)
    for name in ("network_g", "network_d"):
        assert rough.norms[name].item() == pytest.approx(exact.norms[name].item(), rel=0.03)


def test_ranks_mix_their_own_samples(monkeypatch) -> None:
    drawn = []
    monkeypatch.setattr(GradientPenalty, "draw_shares", lambda self, **asked: drawn.append(asked) or torch.rand(4))
    game = _game(PENALISED)
    game.ranks = replace(game.ranks, rank=2)
    _play(game, step=9)
    assert drawn == [{"step": 9, "count": 4, "first_sample": 8}]


def test_a_frozen_discriminator_still_compares_both_sides(tmp_path) -> None:
    model = _model(tmp_path, train_d="none", losses=_losses(RELATIVISTIC))
    _run(model, 1, 1)
    assert set(model.get_current_log()) == {"l_g_pix", "l_g_gan"}
