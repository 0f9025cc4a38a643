"""A discriminator that is blind or overpowering is said once, a healthy one never."""

import json
import math

import pytest
import torch
from torch import nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.training.adversary_watch import AdversaryWatch, Bounds, bounds_of
from realesrgan_arch.training.players import SharpenedTargets
from realesrgan_arch.training.step_numbers import StepNumbers
from tests.training.builders import batch, player, small_model

VANILLA = Bounds(2 * math.log(2), 0.0)


def _numbers(real: float, fake: float, *, finite: bool = True) -> StepNumbers:
    """The cross-entropies of two logits."""
    losses = {
        "out_d_real": real,
        "out_d_fake": fake,
        "l_d_real": math.log1p(math.exp(-real)),
        "l_d_fake": math.log1p(math.exp(fake)),
    }
    return StepNumbers({name: torch.tensor(value) for name, value in losses.items()}, {}, torch.tensor(finite))


def _watch(logits, *, patience: int = 20, watch: AdversaryWatch | None = None) -> tuple[AdversaryWatch, list[str]]:
    watch, said = watch or AdversaryWatch(VANILLA, patience_steps=patience), []
    for step, pair in enumerate(logits, start=1):
        watch.note(_numbers(*pair))
        if step % 10 == 0:
            said += watch.judge(step)
    return watch, said


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        (0.7, -0.7),  # the sum of the losses is 0.81, as in a run that upstream's author calls fine
        (0.2, -0.2),  # 86 % of guessing: weak, but it tells them apart
        (2.0, -2.0),  # 18 % of guessing: strong, but not sure of everything
    ],
)
def test_a_discriminator_that_teaches_is_not_talked_about(real: float, fake: float) -> None:
    assert _watch([(real, fake)] * 3000)[1] == []


@pytest.mark.parametrize(("real", "fake"), [(0.0, 0.0), (0.01, -0.01), (2.0, 2.0), (-0.3, 0.3)])
def test_a_blind_discriminator_is_said_once_after_its_patience(real: float, fake: float) -> None:
    watch, said = _watch([(real, fake)] * 200)
    assert watch.balance == "blind"
    assert len(said) == 1
    assert said[0].startswith("step 30: the discriminator is blind")


def test_a_fresh_discriminator_may_be_blind_for_its_first_steps() -> None:
    assert _watch([(0.0, 0.0)] * 500 + [(0.7, -0.7)] * 2000, patience=1000)[1] == []


def test_an_overpowering_discriminator_is_said_once_when_the_generator_does_not_gain() -> None:
    watch, said = _watch([(6.0, -6.0 - step / 50) for step in range(300)])
    assert watch.balance == "overpowering"
    assert len(said) == 1
    assert "overpowers the generator" in said[0]


def test_a_sure_discriminator_on_which_the_generator_gains_is_not_talked_about() -> None:
    assert _watch([(9.0, -9.0 + step / 50) for step in range(200)])[1] == []


def test_balance_that_comes_back_is_said_and_a_second_fall_too() -> None:
    healthy, blind = [(0.7, -0.7)] * 600, [(0.0, 0.0)] * 600
    said = _watch([*blind, *healthy, *blind])[1]
    assert [words.partition(": ")[2][:32] for words in said] == [
        "the discriminator is blind: it h", "the discriminator is in balance ", "the discriminator is blind: it h",
    ]  # fmt: skip


def test_a_step_that_was_skipped_does_not_enter_the_means() -> None:
    watch = AdversaryWatch(VANILLA)
    watch.note(_numbers(math.nan, math.nan, finite=False))
    assert watch.means() is None
    watch.note(_numbers(1.0, -1.0))
    watch.note(_numbers(math.inf, math.nan, finite=False))
    watch.note(_numbers(50.0, -50.0, finite=False))
    assert watch.means().real == 1.0


def test_the_mean_is_that_of_about_the_last_hundred_steps() -> None:
    watch, _ = _watch([(0.0, 0.0)] + [(1.0, 0.0)] * 100)
    assert watch.means().real == pytest.approx(1 - 0.99**100, rel=1e-4)


def test_a_resume_in_between_changes_nothing() -> None:
    logits = [(0.01, 0.0)] * 25
    straight, said = _watch(logits)
    stopped, before = _watch(logits[:20])
    resumed = AdversaryWatch(VANILLA, patience_steps=20)
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    for pair in logits[20:]:
        resumed.note(_numbers(*pair))
    assert resumed.state_dict() == straight.state_dict()
    assert before == said == []
    assert resumed.judge(30) == straight.judge(30) != []


@pytest.mark.parametrize(
    ("loss", "half"),
    [
        (AdversarialLoss("vanilla"), math.log(2)),
        (AdversarialLoss("lsgan"), 0.25),
        (AdversarialLoss("hinge"), 1.0),
        (AdversarialLoss("wgan_softplus"), math.log(2)),
        (AdversarialLoss("vanilla", real_label=0.9), 0.6881388),  # the entropy of 0.45
        (AdversarialLoss("vanilla", relativistic=True), math.log(2) / 2),
        (AdversarialLoss("lsgan", relativistic=True), 0.25),
        (AdversarialLoss("hinge", relativistic=True), 0.5),
    ],
)
def test_guessing_costs_what_each_loss_asks_for_it(loss: AdversarialLoss, half: float) -> None:
    watch = AdversaryWatch(bounds_of(loss), patience_steps=1)
    assert 2 * half == pytest.approx(bounds_of(loss).guessing)
    for step in (1, 2):
        losses = {"out_d_real": 0.0, "out_d_fake": 0.0, "l_d_real": half, "l_d_fake": half}
        watch.note(StepNumbers({name: torch.tensor(value) for name, value in losses.items()}))
        said = watch.judge(step)
    assert "blind" in said[0]


@pytest.mark.parametrize(
    "loss",
    [
        AdversarialLoss("vanilla", real_label=0.9, fake_label=0.2),
        AdversarialLoss("lsgan"),
        AdversarialLoss("vanilla", real_label=0.9, relativistic=True),
        AdversarialLoss("lsgan", relativistic=True),
        AdversarialLoss("lsgan", real_label=0.9, fake_label=-1.0, relativistic=True),
    ],
)
def test_the_least_loss_is_the_one_that_the_best_logits_get(loss: AdversarialLoss) -> None:
    real, fake = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    descent = torch.optim.LBFGS([real, fake], max_iter=100, line_search_fn="strong_wolfe")

    def both() -> torch.Tensor:
        descent.zero_grad()
        if loss.relativistic:
            value = torch.stack(loss.for_discriminator_on_both(real, fake)).sum()
        else:
            value = loss.for_discriminator(real, real=True) + loss.for_discriminator(fake, real=False)
        value.backward()
        return value

    descent.step(both)
    assert both().item() == pytest.approx(bounds_of(loss).certain, abs=1e-4)


def test_a_smoothed_label_hides_no_overpowering_discriminator() -> None:
    watch = AdversaryWatch(bounds_of(AdversarialLoss(real_label=0.9)), patience_steps=10)
    floor = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    for step in range(1, 40):
        losses = {"out_d_real": math.log(9), "out_d_fake": -9.0, "l_d_real": floor, "l_d_fake": 1e-4}
        watch.note(StepNumbers({name: torch.tensor(value) for name, value in losses.items()}))
        watch.judge(step)
    assert watch.balance == "overpowering"


@pytest.mark.parametrize("drift", [0.02, -0.02])
def test_a_drift_of_both_logits_is_no_gain_where_only_their_distance_counts(drift: float) -> None:
    watch = AdversaryWatch(bounds_of(AdversarialLoss(relativistic=True)), patience_steps=10)
    for step in range(1, 40):
        losses = {"out_d_real": 6 + drift * step, "out_d_fake": -6 + drift * step, "l_d_real": 1e-5, "l_d_fake": 1e-5}
        watch.note(StepNumbers({name: torch.tensor(value) for name, value in losses.items()}))
        watch.judge(step)
    assert watch.balance == "overpowering"


def test_a_critic_without_bounds_is_not_judged() -> None:
    assert bounds_of(AdversarialLoss("wgan")) is None


def _play(root, steps: int, *, train_g: str, rate_d: float, light: int = 0) -> list[str]:
    """Train on one pair, its ground truth lighter than its LQ by `light`; the discriminator is a single layer."""
    model = small_model(root, train_g=train_g, paired=True)
    model.sharpened = SharpenedTargets(pixel=False, perceptual=False, adversarial=False)
    model.game.discriminator = player(nn.Conv2d(3, 1, 3), "all", rate=rate_d)
    lq = batch(1, side=16)["gt"][:, :, ::4, ::4] // 2
    gt = (lq + light).repeat_interleave(4, 2).repeat_interleave(4, 3)
    watch, said = AdversaryWatch(VANILLA, patience_steps=10), []
    for step in range(1, steps + 1):
        model.feed_data({"gt": gt, "lq": lq})
        model.optimize_parameters(step)
        watch.note(model.numbers)
        said += watch.judge(step)
    return said


def test_a_discriminator_that_does_not_learn_is_found_blind_in_a_run(tmp_path) -> None:
    said = _play(tmp_path, 15, train_g="all", rate_d=0.0)
    assert len(said) == 1
    assert "blind" in said[0]


def test_a_discriminator_against_a_frozen_generator_is_found_overpowering_in_a_run(tmp_path) -> None:
    said = _play(tmp_path, 300, train_g="none", rate_d=0.1, light=120)
    assert any("overpowers" in words for words in said)


def test_a_run_that_goes_back_begins_to_look_again_there() -> None:
    watch, said = _watch([(0.7, -0.7)] * 30 + [(0.0, 0.0)] * 1000, patience=1000)
    assert said == []
    watch.go_back()
    assert watch.means() is None
    found = []
    for step in range(21, 1200):
        watch.note(_numbers(0.0, 0.0))
        found += watch.judge(step)
    assert [words.partition(":")[0] for words in found] == ["step 1021"]
