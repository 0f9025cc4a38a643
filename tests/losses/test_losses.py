"""Losses equal BasicSR's and the numbers one gets by hand."""

import math

import pytest
import torch

import tests.shims  # noqa: F401
from realesrgan_arch.losses.adversarial import AdversarialLoss, adversarial_loss
from realesrgan_arch.losses.perceptual import PerceptualLoss, perceptual_distance
from realesrgan_arch.losses.pixel import PixelLoss, charbonnier_loss
from realesrgan_arch.networks.vgg19 import LAYER_NAMES, VGG19Features, select_vgg19_state

LOGITS = torch.tensor([-2.0, 0.0, 0.5, 3.0])


@pytest.mark.parametrize("name", ["L1Loss", "MSELoss", "CharbonnierLoss"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_pixel_losses_equal_basicsr(name: str, reduction: str) -> None:
    from basicsr.losses import basic_loss

    prediction, target = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    ours = PixelLoss(name=name, weight=0.7, reduction=reduction)(prediction, target)
    theirs = getattr(basic_loss, name)(loss_weight=0.7, reduction=reduction)(prediction, target)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_charbonnier_of_a_zero_difference_is_the_root_of_eps() -> None:
    zeros = torch.zeros(1, 3, 2, 2)
    assert charbonnier_loss(zeros, zeros, eps=1e-4).item() == pytest.approx(1e-2)


@pytest.mark.parametrize("gan_type", ["vanilla", "lsgan", "hinge"])
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("for_discriminator", [True, False])
def test_adversarial_losses_equal_basicsr(gan_type: str, real: bool, for_discriminator: bool) -> None:
    from basicsr.losses.gan_loss import GANLoss

    if gan_type == "hinge" and not for_discriminator and not real:
        pytest.skip("a hinge generator is only ever asked for real")
    ours = adversarial_loss(LOGITS, target=float(real), gan_type=gan_type, for_discriminator=for_discriminator)
    theirs = GANLoss(gan_type)(LOGITS, real, is_disc=for_discriminator)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_vanilla_loss_of_an_undecided_discriminator_is_the_logarithm_of_two() -> None:
    assert adversarial_loss(torch.zeros(5), target=1.0).item() == pytest.approx(math.log(2))


def test_only_the_generator_side_is_weighted() -> None:
    loss = AdversarialLoss(weight=0.1)
    unweighted = loss.for_discriminator(LOGITS, real=True)
    assert loss.for_generator(LOGITS).item() == pytest.approx(0.1 * unweighted.item())


def _random_vgg19_state() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    reference = VGG19Features(["conv5_4"])
    state = {n: torch.randn(v.shape, generator=generator) * 0.05 for n, v in reference.state_dict().items()}
    return {**state, "classifier.0.weight": torch.zeros(1)}


def test_vgg19_features_equal_basicsr_extractor(tmp_path, monkeypatch) -> None:
    from basicsr.archs import vgg_arch

    layers = ["conv1_2", "relu2_1", "conv3_4", "conv5_4"]
    state = _random_vgg19_state()
    path = tmp_path / "vgg19.pth"
    full = vgg_arch.vgg.vgg19(weights=None)
    full.features.load_state_dict({n.removeprefix("features."): v for n, v in state.items() if "features" in n}, False)
    torch.save(full.state_dict(), path)
    monkeypatch.setattr(vgg_arch, "VGG_PRETRAIN_PATH", str(path))
    theirs = vgg_arch.VGGFeatureExtractor(layers, vgg_type="vgg19").eval()
    ours = VGG19Features(layers)
    ours.load_state_dict(select_vgg19_state(state, ours), strict=True)
    image = torch.rand(1, 3, 32, 48)
    expected = theirs(image)
    found = ours(image)
    assert set(found) == set(layers)
    for name in layers:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-5)


def test_vgg19_builds_nothing_beyond_the_last_layer_and_never_trains() -> None:
    network = VGG19Features(["conv3_4"])
    assert len(network.features) == LAYER_NAMES.index("conv3_4") + 1
    assert not network.train().training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_an_unknown_vgg19_layer_is_named() -> None:
    with pytest.raises(ValueError, match="conv6_1"):
        VGG19Features(["conv6_1"])


def test_perceptual_distance_is_the_weighted_sum_of_mean_distances() -> None:
    ones, zeros = (
        {"a": torch.ones(1, 2), "b": torch.full((1, 2), 2.0)},
        {"a": torch.zeros(1, 2), "b": torch.zeros(1, 2)},
    )
    assert perceptual_distance(ones, zeros, weights={"a": 0.5, "b": 3.0}, squared=False).item() == 6.5
    assert perceptual_distance(ones, zeros, weights={"a": 0.5, "b": 3.0}, squared=True).item() == 12.5


def test_perceptual_gradient_reaches_the_prediction_and_not_the_target() -> None:
    loss = PerceptualLoss(VGG19Features(["conv1_2"]), layer_weights={"conv1_2": 1.0}, weight=2.0)
    prediction, target = torch.rand(1, 3, 8, 8, requires_grad=True), torch.rand(1, 3, 8, 8, requires_grad=True)
    loss(prediction, target).backward()
    assert prediction.grad is not None and prediction.grad.abs().sum() > 0
    assert target.grad is None
