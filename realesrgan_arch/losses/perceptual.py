"""Distance of VGG19 features (BasicSR's `perceptual_opt`)."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from realesrgan_arch.networks.vgg19 import VGG19Features


def perceptual_distance(
    features: Mapping[str, Tensor], targets: Mapping[str, Tensor], *, weights: Mapping[str, float], squared: bool
) -> Tensor:
    """Return the weighted sum over layers of the mean |difference| (or its square) of the features."""
    distance = functional.mse_loss if squared else functional.l1_loss
    terms = [weight * distance(features[name].float(), targets[name].float()) for name, weight in weights.items()]
    return torch.stack(terms).sum()


class PerceptualLoss(nn.Module):
    """Distance of VGG19 features (Johnson et al., arXiv 1603.08155; before the ReLU as in ESRGAN).

    Args:
        network: gives the features; its layers must cover `layer_weights`.
        layer_weights: weight by layer name.
        weight: of the whole.
        criterion: `l1` or `l2`.
        feature_scale: features count as if multiplied by it. SRGAN (Ledig et al., arXiv 1609.04802) compares the
            squares of `relu5_4` scaled by 1 / 12.75.
    """

    def __init__(
        self,
        network: VGG19Features,
        *,
        layer_weights: Mapping[str, float],
        weight: float = 1.0,
        criterion: Literal["l1", "l2"] = "l1",
        feature_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.layer_weights = dict(layer_weights)
        self.weight = weight
        self.squared = criterion == "l2"
        self.factor = feature_scale**2 if self.squared else feature_scale
        """What the scale makes of a distance, so that no scaled copy of the features is kept."""

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss; the target's features carry no gradient."""
        with torch.no_grad():
            targets = self.network(target)
        features = self.network(prediction)
        distance = perceptual_distance(features, targets, weights=self.layer_weights, squared=self.squared)
        return self.weight * self.factor * distance
