"""The adversarial losses of both players (BasicSR's `gan_opt`); logits of any shape, scalars out."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

GanType = Literal["vanilla", "lsgan", "hinge", "wgan", "wgan_softplus"]


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
    if gan_type == "wgan_softplus":
        return functional.softplus(-sign * logits).mean()
    if gan_type == "wgan":
        return -sign * logits.mean()
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
