"""SRGAN's features: after the last activation, squared and scaled by 1 / 12.75."""

import pytest
import torch

from realesrgan_arch.losses.perceptual import PerceptualLoss
from realesrgan_arch.networks.vgg19 import VGG19Features

SRGAN_SCALE = 1 / 12.75


@pytest.fixture(scope="module")
def network() -> VGG19Features:
    torch.manual_seed(0)
    return VGG19Features(["relu5_4"])


@pytest.mark.parametrize("criterion", ["l1", "l2"])
def test_a_scale_counts_as_if_the_features_were_multiplied_by_it(network: VGG19Features, criterion: str) -> None:
    prediction, target = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    loss = PerceptualLoss(
        network, layer_weights={"relu5_4": 0.5}, weight=3.0, criterion=criterion, feature_scale=SRGAN_SCALE
    )
    difference = SRGAN_SCALE * (network(prediction)["relu5_4"] - network(target)["relu5_4"])
    assert network(target)["relu5_4"].min() == 0
    distance = difference.abs().mean() if criterion == "l1" else (difference**2).mean()
    assert distance.item() > 0
    assert loss(prediction, target).item() == pytest.approx(1.5 * distance.item(), rel=1e-5)


def test_srgans_scale_makes_of_squares_the_factor_that_its_paper_names(network: VGG19Features) -> None:
    loss = PerceptualLoss(network, layer_weights={"relu5_4": 1.0}, criterion="l2", feature_scale=SRGAN_SCALE)
    assert loss.factor == pytest.approx(0.006, abs=2e-4)
    assert PerceptualLoss(network, layer_weights={"relu5_4": 1.0}).factor == 1.0
