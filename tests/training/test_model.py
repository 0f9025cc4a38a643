"""One step does what the papers say, and moves nothing that it should not."""

import copy

import pytest
import torch

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.recipe import draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.players import SharpenedTargets
from realesrgan_arch.training.synthesis import PairSynthesis
from tests.training.builders import GT_SIZE, batch, run_steps, small_model, tensors


def _moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_real_esrnet_trains_without_a_discriminator(tmp_path) -> None:
    model = small_model(tmp_path, train_d=None)
    before = tensors(model)
    run_steps(model, 1, 3)
    assert set(model.get_current_log()) == {"l_g_pix"}
    assert {name.split(".")[0] for name in _moved(before, tensors(model))} == {"g", "ema"}


def test_real_esrgan_reports_the_losses_under_basicsr_names(tmp_path) -> None:
    model = small_model(tmp_path)
    run_steps(model, 1, 1)
    names = {"l_g_pix", "l_g_gan", "l_d_real", "l_d_fake", "out_d_real", "out_d_fake"}
    assert set(model.get_current_log()) == names


def test_the_adversarial_gradient_reaches_the_generator(tmp_path) -> None:
    """A peer computed the verdict in inference mode and shipped a GAN whose generator never saw it."""
    model = small_model(tmp_path, losses=Losses(None, None, AdversarialLoss()))
    run_steps(model, 1, 1)
    gradients = [p.grad for p in model.generator.network.parameters()]
    assert all(g is not None for g in gradients)
    assert sum(float(g.abs().sum()) for g in gradients) > 0


def test_the_adversarial_gradient_reaches_the_generator_through_a_frozen_discriminator(tmp_path) -> None:
    model = small_model(tmp_path, train_d="none", losses=Losses(None, None, AdversarialLoss()))
    assert model.discriminator is not None and model.discriminator.optimizer is None
    before = tensors(model)
    run_steps(model, 1, 2)
    moved = _moved(before, tensors(model))
    assert not {name for name in moved if name.startswith("d.")}  # weights and spectral-norm buffers alike
    assert sum(float(p.grad.abs().sum()) for p in model.generator.network.parameters()) > 0
    assert set(model.get_current_log()) == {"l_g_gan"}
    model.check_frozen()


def test_frozen_layers_and_their_average_are_bit_identical_after_training(tmp_path) -> None:
    model = small_model(tmp_path, train_g=["last:1"])
    before = tensors(model)
    run_steps(model, 1, 2)
    moved = {name for name in _moved(before, tensors(model)) if not name.startswith("d.")}
    assert moved == {"g.body.6.weight", "g.body.6.bias", "ema.body.6.weight", "ema.body.6.bias"}
    model.check_frozen()


def test_a_frozen_tensor_that_moves_stops_the_run(tmp_path) -> None:
    model = small_model(tmp_path, train_g=["last:1"])
    with torch.no_grad():
        model.generator.network.body[0].bias.add_(1e-6)
    with pytest.raises(RuntimeError, match="network_g"):
        model.check_frozen()


def test_the_discriminator_sees_the_generator_step_without_gradient_of_its_own(tmp_path) -> None:
    model = small_model(tmp_path, discriminator_first=5)
    before = tensors(model)
    run_steps(model, 1, 2)
    moved = _moved(before, tensors(model))
    assert not {name for name in moved if name.startswith("g.")}
    assert {name for name in moved if name.startswith("d.")}


def test_the_generator_moves_in_every_third_step_when_told_so(tmp_path) -> None:
    model = small_model(tmp_path, discriminator_every=3)
    weights = []
    for step in range(1, 7):
        run_steps(model, step, step)
        weights.append(model.generator.network.body[0].weight.detach().clone())
    changed = [not torch.equal(a, b) for a, b in zip(weights, weights[1:], strict=False)]
    assert changed == [False, True, False, False, True]  # between steps 2-3 and 5-6


def test_accumulation_gives_the_gradient_of_the_whole_batch(tmp_path) -> None:
    whole, parts = (small_model(tmp_path, train_d=None, accumulate=n, pool=0) for n in (1, 4))
    for model in (whole, parts):
        run_steps(model, 1, 1, size=4)
    for a, b in zip(whole.generator.network.parameters(), parts.generator.network.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-7)
    assert whole.get_current_log() == pytest.approx(parts.get_current_log(), rel=1e-5)


def test_pairs_are_taken_as_they_are(tmp_path) -> None:
    model = small_model(tmp_path, paired=True, train_d=None)
    gt = batch(1, side=GT_SIZE)["gt"]
    lq = gt[:, :, ::4, ::4]
    model.update_learning_rate(1)
    model.feed_data({"gt": gt, "lq": lq})
    visuals = model.get_current_visuals()
    assert torch.equal(visuals["lq"], lq.float() / 255)
    assert torch.equal(visuals["gt"], gt.float() / 255)
    assert visuals["result"].shape == gt.shape


def test_single_images_without_a_degradation_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="'lq'"):
        small_model(tmp_path, paired=True).feed_data(batch(1))


def test_lq_and_gt_have_the_sizes_of_the_options(tmp_path) -> None:
    model = small_model(tmp_path)
    run_steps(model, 1, 1)
    visuals = model.get_current_visuals()
    assert visuals["lq"].shape == (2, 3, GT_SIZE // 4, GT_SIZE // 4)
    assert visuals["gt"].shape == (2, 3, GT_SIZE, GT_SIZE)
    torch.testing.assert_close(visuals["lq"] * 255, (visuals["lq"] * 255).round(), atol=1e-4, rtol=0)


def test_stop_and_resume_equals_an_uninterrupted_run_bit_for_bit(tmp_path) -> None:
    """The pool is not full after the first step, and is after the third."""
    straight, states = small_model(tmp_path / "a"), {}
    for step in range(1, 6):
        run_steps(straight, step, step)
        states[step] = copy.deepcopy(straight.state())
    expected = tensors(straight)
    for stop in (1, 3, 4):
        resumed = small_model(tmp_path / "b")
        with torch.no_grad():
            resumed.generator.network.body[0].weight.zero_()
        resumed.resume_training(states[stop])
        run_steps(resumed, stop + 1, 5)
        found = tensors(resumed)
        assert [name for name in expected if not torch.equal(expected[name], found[name])] == [], f"stopped at {stop}"


def test_a_bf16_step_trains_with_fp32_losses(tmp_path) -> None:
    model = small_model(tmp_path)
    model.game.dtype = torch.bfloat16
    before = tensors(model)
    run_steps(model, 1, 2)
    assert all(v == v for v in model.get_current_log().values())
    assert all(p.dtype == torch.float32 for p in model.generator.network.parameters())
    assert _moved(before, tensors(model))


def test_the_losses_fall_on_a_single_batch(tmp_path) -> None:
    model = small_model(tmp_path, train_d=None, pool=0, losses=Losses(PixelLoss()))
    history = []
    for _ in range(30):
        model.update_learning_rate(1)
        model.feed_data(batch(1))
        model.optimize_parameters(1)
        history.append(model.get_current_log()["l_g_pix"])
    assert history[-1] < 0.95 * history[0]


class _Spy:
    """A pixel loss that keeps what it was given."""

    def __init__(self) -> None:
        self.target = torch.empty(0)

    def __call__(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.target = target
        return (prediction - target).abs().mean()


@pytest.mark.parametrize("sharpen", [True, False])
def test_the_pixel_loss_sees_the_target_that_the_switch_names(tmp_path, sharpen: bool) -> None:
    spy = _Spy()
    model = small_model(tmp_path, train_d=None, losses=Losses(spy))
    model.sharpened = SharpenedTargets(pixel=sharpen, perceptual=not sharpen, adversarial=not sharpen)
    run_steps(model, 1, 1)
    gt = model.get_current_visuals()["gt"]
    torch.testing.assert_close(spy.target, usm_sharpen(gt) if sharpen else gt)
    assert not torch.equal(usm_sharpen(gt), gt)


@pytest.mark.parametrize("sharpen", [True, False])
def test_the_discriminator_sees_the_target_that_the_switch_names(tmp_path, sharpen: bool) -> None:
    model = small_model(tmp_path)
    model.sharpened = SharpenedTargets(pixel=not sharpen, perceptual=not sharpen, adversarial=sharpen)
    seen: list[torch.Tensor] = []
    model.discriminator.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    run_steps(model, 1, 1)
    gt = model.get_current_visuals()["gt"]
    of_generator, real, fake = seen
    torch.testing.assert_close(real, usm_sharpen(gt) if sharpen else gt)
    torch.testing.assert_close(fake, of_generator)


@pytest.mark.parametrize("from_usm", [True, False])
def test_the_lq_is_made_from_the_picture_that_the_switch_names(from_usm: bool) -> None:
    synthesis = PairSynthesis(DegradationSettings(), scale=4, gt_size=48, seed=0, lq_from_usm=from_usm)
    gt = batch(1)["gt"].float() / 255
    lq, same = synthesis.make_pairs(gt, step=3)
    recipe = draw_recipe(DegradationSettings(), seed=0, step=3, batch_size=2)
    assert torch.equal(lq, degrade(usm_sharpen(gt) if from_usm else gt, recipe, scale=4))
    assert torch.equal(same, gt)


def test_waiting_for_the_discriminator_means_nothing_without_one(tmp_path) -> None:
    model = small_model(tmp_path, train_d=None, discriminator_every=3, discriminator_first=5)
    before = tensors(model)
    run_steps(model, 1, 1)
    assert _moved(before, tensors(model))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"train_g": ["last:1"]}, r"train.trainable.network_g: 11 tensors .* -> 2 tensors"),
        ({"train_d": None}, "network_d: given -> none"),
        ({"pool": 8}, "queue_size: 4 -> 8"),
        ({"pool": 0}, "queue_size: 4 -> 0"),
        ({"ema_decay": 0}, "train.ema_decay: 0.9 -> 0.0"),
    ],
)
def test_a_state_of_other_options_is_refused_with_the_difference(tmp_path, change, sentence) -> None:
    model = small_model(tmp_path)
    run_steps(model, 1, 1)
    with pytest.raises(CheckpointError, match=sentence):
        small_model(tmp_path, **change).resume_training(model.state())


def test_a_state_from_before_the_first_step_resumes_too(tmp_path) -> None:
    resumed = small_model(tmp_path)
    resumed.resume_training(small_model(tmp_path).state())
    run_steps(resumed, 1, 1)


def test_the_discriminator_learns_that_the_photograph_is_real_and_the_result_is_fake(tmp_path) -> None:
    model = small_model(tmp_path)
    judged: list[torch.Tensor] = []
    model.discriminator.network.register_forward_hook(lambda module, inputs, logits: judged.append(logits.detach()))
    run_steps(model, 1, 1)
    of_generator, real, fake = judged
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    log = model.get_current_log()
    assert log["l_d_real"] == pytest.approx(bce(real, torch.ones_like(real)).item(), rel=1e-5)
    assert log["l_d_fake"] == pytest.approx(bce(fake, torch.zeros_like(fake)).item(), rel=1e-5)
    assert log["l_g_gan"] == pytest.approx(0.1 * bce(of_generator, torch.ones_like(real)).item(), rel=1e-5)
