"""Pixel, perceptual and adversarial losses: a pure function each, and a thin class that stores its parameters.

All take RGB batches `(B, 3, H, W)` in [0, 1] or logits of any shape, and return a scalar tensor.
Names and weights are BasicSR's (`pixel_opt`, `perceptual_opt`, `gan_opt`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from realesrgan_arch.networks.vgg19 import VGG19Features

Reduction = Literal["mean", "sum"]
PixelLossName = Literal["L1Loss", "MSELoss", "CharbonnierLoss"]
GanType = Literal["vanilla", "lsgan", "hinge"]


def charbonnier_loss(
    prediction: Tensor, target: Tensor, *, eps: float = 1e-12, reduction: Reduction = "mean"
) -> Tensor:
    """Return the smooth L1 of Charbonnier et al. (ICIP 1994): sqrt(difference^2 + eps)."""
    distance = torch.sqrt((prediction - target) ** 2 + eps)
    return distance.mean() if reduction == "mean" else distance.sum()


def _l1(prediction: Tensor, target: Tensor, *, eps: float, reduction: Reduction) -> Tensor:
    del eps
    return functional.l1_loss(prediction, target, reduction=reduction)


def _mse(prediction: Tensor, target: Tensor, *, eps: float, reduction: Reduction) -> Tensor:
    del eps
    return functional.mse_loss(prediction, target, reduction=reduction)


PIXEL_LOSSES: dict[PixelLossName, Callable[..., Tensor]] = {
    "L1Loss": _l1,
    "MSELoss": _mse,
    "CharbonnierLoss": charbonnier_loss,
}


@dataclass(frozen=True)
class PixelLoss:
    """A weighted pixel loss by name."""

    name: PixelLossName = "L1Loss"
    weight: float = 1.0
    eps: float = 1e-12
    reduction: Reduction = "mean"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Compare in fp32, whatever precision the network ran in."""
        loss = PIXEL_LOSSES[self.name](prediction.float(), target.float(), eps=self.eps, reduction=self.reduction)
        return self.weight * loss


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
    """

    def __init__(
        self,
        network: VGG19Features,
        *,
        layer_weights: Mapping[str, float],
        weight: float = 1.0,
        criterion: Literal["l1", "l2"] = "l1",
    ) -> None:
        super().__init__()
        self.network = network
        self.layer_weights = dict(layer_weights)
        self.weight = weight
        self.squared = criterion == "l2"

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss; the target's features carry no gradient."""
        with torch.no_grad():
            targets = self.network(target)
        features = self.network(prediction)
        distance = perceptual_distance(features, targets, weights=self.layer_weights, squared=self.squared)
        return self.weight * distance


def adversarial_loss(
    logits: Tensor, *, target: float, gan_type: GanType = "vanilla", for_discriminator: bool = False
) -> Tensor:
    """Return how far `logits` are from the label `target` (1 real, 0 fake, or smoothed values).

    `vanilla` is the cross-entropy of Goodfellow et al. (arXiv 1406.2661, non-saturating for the generator), `lsgan`
    the squares of Mao et al. (arXiv 1611.04076), `hinge` that of Lim & Ye (arXiv 1705.02894), where a generator's loss
    is the negated mean logit and only the side of `target` counts.
    """
    logits = logits.float()
    if gan_type == "vanilla":
        return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
    if gan_type == "lsgan":
        return functional.mse_loss(logits, torch.full_like(logits, target))
    sign = 1.0 if target > 0.5 else -1.0
    if not for_discriminator:
        return -sign * logits.mean()
    return functional.relu(1 - sign * logits).mean()


@dataclass(frozen=True)
class AdversarialLoss:
    """BasicSR's `GANLoss`: the weight applies to the generator's side only."""

    gan_type: GanType = "vanilla"
    weight: float = 0.1
    real_label: float = 1.0
    fake_label: float = 0.0

    def for_generator(self, fake_logits: Tensor) -> Tensor:
        """Return the weighted loss that rewards the generator for being taken for real."""
        return self.weight * adversarial_loss(fake_logits, target=self.real_label, gan_type=self.gan_type)

    def for_discriminator(self, logits: Tensor, *, real: bool) -> Tensor:
        """Return the unweighted loss of the discriminator on one side."""
        target = self.real_label if real else self.fake_label
        return adversarial_loss(logits, target=target, gan_type=self.gan_type, for_discriminator=True)


@dataclass(frozen=True)
class Losses:
    """What a training step adds up; an absent part is `None`."""

    pixel: PixelLoss | None = field(default_factory=PixelLoss)
    perceptual: PerceptualLoss | None = None
    adversarial: AdversarialLoss | None = None
