"""A step whose numbers are not finite moves nothing; every other one moves what it moved before."""

import math

import pytest
import torch
from torch import nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.training.ema import Ema
from realesrgan_arch.training.step_numbers import all_finite, step_if
from tests.training.builders import player, run_steps, small_model


class _Sick:
    """A pixel loss that is not finite, or whose gradient is not, in the steps that are named."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        loss = (prediction - target).abs().mean()
        if self.kind == "loss":
            return loss + math.nan
        if self.kind == "gradient":  # the value is 0, the slope is infinite
            return loss + (prediction - prediction.detach()).abs().sum().sqrt()
        return loss


class _SickAdversary(AdversarialLoss):
    """The discriminator's side alone is not finite."""

    def for_discriminator(self, logits: torch.Tensor, *, real: bool) -> torch.Tensor:
        return super().for_discriminator(logits, real=real) * math.inf


def _everything(model) -> dict[str, torch.Tensor]:
    """Weights, buffers, averages and what the optimisers remember."""
    found = {}
    for name, network in (
        ("g", model.generator.network),
        ("d", model.discriminator.network),
        ("ema", model.ema.network),
    ):
        found |= {f"{name}.{key}": value.clone() for key, value in network.state_dict().items()}
    for player_ in model.game.players():
        for index, values in player_.optimizer.state_dict()["state"].items():
            found |= {f"{id(player_)}.{index}.{key}": torch.as_tensor(value).clone() for key, value in values.items()}
    return found


def _same(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> list[str]:
    assert before.keys() == after.keys()
    return [name for name in before if torch.equal(before[name], after[name])]


def _with_batch_norm(root):
    """Two networks whose statistics move in every forward pass, as SRGAN's do."""
    model = small_model(root)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.BatchNorm2d(48), nn.PixelShuffle(4))
    judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(), nn.Conv2d(4, 1, 3))
    model.game.generator, model.game.discriminator = player(network, "all"), player(judge, "all")
    model.ema = Ema(network, trainable=model.generator.plan.trainable, decay=0.9)
    return model


def _fuse(model) -> None:
    for each in model.game.players():
        parameters = each.plan.trainable_parameters(each.network)
        each.optimizer = torch.optim.AdamW(parameters, lr=1e-3, fused=True)


@pytest.mark.parametrize("build", [small_model, _with_batch_norm])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("sick", ["loss", "gradient", "discriminator"])
def test_a_step_that_is_not_finite_moves_nothing_of_either_network(tmp_path, build, fused: bool, sick: str) -> None:
    model = build(tmp_path)
    if fused:
        _fuse(model)
    run_steps(model, 1, 2)
    before, healthy = _everything(model), model.game.losses
    if sick == "discriminator":
        model.game.losses = Losses(healthy.pixel, None, _SickAdversary())
    else:
        model.game.losses = Losses(_Sick(sick), None, healthy.adversarial)
    run_steps(model, 3, 3)
    assert not model.numbers.finite
    after = _everything(model)
    assert _same(before, after) == list(before)
    model.game.losses = healthy
    run_steps(model, 4, 4)
    assert model.numbers.finite
    still = _same(after, _everything(model))
    assert not [name for name in still if name.endswith(("exp_avg", "step", "weight_u", "running_mean"))]


@pytest.mark.parametrize("fused", [False, True])
def test_after_a_skipped_step_the_run_goes_on_as_if_it_had_not_been(tmp_path, fused: bool) -> None:
    models = [small_model(tmp_path, pool=0), small_model(tmp_path, pool=0)]
    for model, sick in zip(models, (False, True), strict=True):
        if fused:
            _fuse(model)
        run_steps(model, 1, 2)
        if sick:
            healthy, model.game.losses = model.game.losses, Losses(_Sick("loss"), None, model.game.losses.adversarial)
            run_steps(model, 3, 3)
            model.game.losses = healthy
        run_steps(model, 4, 6)
    straight, skipped = (model.state() for model in models)
    for part in ("generator", "discriminator", "ema"):
        assert all(torch.equal(value, skipped[part][name]) for name, value in straight[part].items())


def test_a_first_step_may_be_skipped(tmp_path) -> None:
    model = small_model(tmp_path)
    before = {name: value.clone() for name, value in model.generator.network.state_dict().items()}
    model.game.losses = Losses(_Sick("loss"), None, model.game.losses.adversarial)
    run_steps(model, 1, 1)
    assert all(torch.equal(value, before[name]) for name, value in model.generator.network.state_dict().items())


def test_a_step_that_raises_leaves_the_buffers_as_they_were(tmp_path) -> None:
    model = _with_batch_norm(tmp_path)
    run_steps(model, 1, 1)
    before = _everything(model)

    def no_memory(logits, *, real):
        raise torch.OutOfMemoryError("CUDA out of memory")

    adversary = AdversarialLoss()
    object.__setattr__(adversary, "for_discriminator", no_memory)
    model.game.losses = Losses(model.game.losses.pixel, None, adversary)
    with pytest.raises(torch.OutOfMemoryError):
        run_steps(model, 2, 2)
    assert _same(before, _everything(model)) == list(before)
    assert model.step == 2
    assert model.last_whole_step == 1


def test_the_pool_goes_on_through_a_skipped_step(tmp_path) -> None:
    """Its pairs are pictures in 8 bits, and what it deals out depends on the seed and the step only."""
    models = [small_model(tmp_path), small_model(tmp_path)]
    models[1].game.losses = Losses(_Sick("loss"), None, models[1].game.losses.adversarial)
    for model in models:
        run_steps(model, 1, 5)
    assert not models[1].numbers.finite
    pools = [model.state()["pool"] for model in models]
    assert all(torch.equal(pools[0][key], pools[1][key]) for key in ("lq", "gt"))


@pytest.mark.parametrize("limit", [1e-3, 1e3])
def test_gradients_are_cut_to_the_longest_that_is_allowed_and_told_in_full(tmp_path, limit: float) -> None:
    free, clipped = small_model(tmp_path), small_model(tmp_path, clip_norm=limit)
    for model in (free, clipped):
        run_steps(model, 1, 1)
    for name, network in (("network_g", "generator"), ("network_d", "discriminator")):
        whole = float(free.numbers.norms[name])
        assert float(clipped.numbers.norms[name]) == pytest.approx(whole, rel=1e-5)
        gradients = [p.grad for p in getattr(clipped, network).network.parameters() if p.grad is not None]
        assert float(torch.nn.utils.get_total_norm(gradients)) == pytest.approx(min(whole, limit), rel=1e-3)


def test_a_network_that_waits_has_no_norm(tmp_path) -> None:
    model = small_model(tmp_path, discriminator_first=1)
    run_steps(model, 1, 1)
    assert set(model.numbers.norms) == {"network_d"}
    run_steps(model, 2, 2)
    assert set(model.numbers.norms) == {"network_g", "network_d"}


def test_the_rate_factor_halves_what_the_schedule_says(tmp_path) -> None:
    model = small_model(tmp_path)
    model.rate_factor = 0.5
    model.update_learning_rate(1)
    assert model.get_current_learning_rate() == [5e-4, 5e-4]


def test_fp16_unscales_before_it_judges_and_lets_its_scale_fall(tmp_path) -> None:
    model, plain = small_model(tmp_path), small_model(tmp_path)
    model.game.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for each in (model, plain):
        run_steps(each, 1, 1)
    for name, norm in plain.numbers.norms.items():
        assert float(model.numbers.norms[name]) == pytest.approx(float(norm), rel=1e-4)
    before = _everything(model)
    model.game.losses = Losses(_Sick("gradient"), None, model.game.losses.adversarial)
    run_steps(model, 2, 2)
    assert _same(before, _everything(model)) == list(before)
    assert model.game.scaler.get_scale() == 2.0**9


def test_mean_logits_may_be_anything_and_no_numbers_are_finite() -> None:
    device = torch.device("cpu")
    assert all_finite({"out_d_real": torch.tensor(math.inf)}, {}, device=device)
    assert not all_finite({"l_g_pix": torch.tensor(math.inf)}, {}, device=device)
    assert not all_finite({}, {"network_g": torch.tensor(math.nan)}, device=device)


def test_a_fused_optimiser_is_never_asked_to_wait_for_the_flag() -> None:
    """The flag lives on the meta device, where reading it would raise."""
    weight = torch.nn.Parameter(torch.ones(2))
    seen = []

    class _Fused(torch.optim.SGD):
        def step(self):
            seen.append(self.found_inf)

    optimizer = _Fused([weight], lr=0.1)
    optimizer.defaults["fused"] = True
    step_if(optimizer, torch.ones((), dtype=torch.bool, device="meta"))
    assert seen[0].device.type == "meta"
    assert not hasattr(optimizer, "found_inf")
