"""The adversarial losses of both players (BasicSR's `gan_opt`); logits of any shape, scalars out."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from realesrgan_arch.losses.gradient_penalty import GradientPenalty

GanType = Literal["vanilla", "lsgan", "hinge", "wgan", "wgan_softplus"]
LABELLED_TYPES: tuple[GanType, ...] = ("vanilla", "lsgan")
"""Those that read the values of the labels; the others know two sides only."""


def adversarial_loss(
    logits: Tensor, *, target: float, gan_type: GanType = "vanilla", for_discriminator: bool = False
) -> Tensor:
    """Return how far `logits` are from the label `target` (1 real, 0 fake, or smoothed values).

    `vanilla` is the cross-entropy of Goodfellow et al. (arXiv 1406.2661, non-saturating for the generator), `lsgan`
    the squares of Mao et al. (arXiv 1611.04076), `hinge` that of Lim & Ye (arXiv 1705.02894), where a generator's loss
    is the negated mean logit. `wgan` is the critic's mean of Arjovsky et al. (arXiv 1701.07875), and `wgan_softplus`
    the logistic loss of StyleGAN2 (arXiv 1912.04958). Of the last three only the side of `target` counts.
    """
    logits = logits.float()
    if gan_type == "vanilla":
        return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
    if gan_type == "lsgan":
        return functional.mse_loss(logits, torch.full_like(logits, target))
    sign = 1.0 if target > 0.5 else -1.0
    if gan_type == "wgan_softplus":
        return functional.softplus(-sign * logits).mean()
    if gan_type == "hinge" and for_discriminator:
        return functional.relu(1 - sign * logits).mean()
    return -sign * logits.mean()


def relativistic_losses(
    real: Tensor, fake: Tensor, *, real_target: float, fake_target: float, gan_type: GanType = "vanilla"
) -> tuple[Tensor, Tensor]:
    """Return both halves of a relativistic average loss: real against the mean of fake, fake against that of real.

    Equations 1 to 3 of ESRGAN (Wang et al., arXiv 1809.00219), after Jolicoeur-Martineau (arXiv 1807.00734), who gives
    the squares and the hinge too. A generator swaps the targets. Each half is halved, as in BasicSR's `ESRGANModel`;
    unlike there the gradient flows through the means as well, as in the paper, and a generator's hinge is the paper's
    (BasicSR's two halves are each other's negative there, so their sum is always 0).
    """
    real, fake = real.float(), fake.float()
    of_real = adversarial_loss(real - fake.mean(), target=real_target, gan_type=gan_type, for_discriminator=True)
    of_fake = adversarial_loss(fake - real.mean(), target=fake_target, gan_type=gan_type, for_discriminator=True)
    return of_real / 2, of_fake / 2


@dataclass(frozen=True)
class AdversarialLoss:
    """BasicSR's `GANLoss`: the weight applies to the generator's side only."""

    gan_type: GanType = "vanilla"
    weight: float = 0.1
    real_label: float = 1.0
    fake_label: float = 0.0
    relativistic: bool = False
    """Whether each side is compared with the mean of the other; for vanilla, lsgan and hinge."""
    start_step: int = 0
    """There is no game up to this step."""
    ramp_steps: int = 0
    """In so many steps from there the weight grows from 0 to its own."""
    penalty: GradientPenalty | None = None
    """On the discriminator's gradient."""

    def at(self, step: int) -> "AdversarialLoss | None":
        """Return this loss with the weight that it has in `step` (from 1), None where the game has not begun."""
        played = step - self.start_step
        if played <= 0:
            return None
        return self if played >= self.ramp_steps else replace(self, weight=self.weight * played / self.ramp_steps)

    def for_generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the weighted loss that rewards the generator for being taken for real.

        Args:
            fake: logits of the results.
            real: of photographs, without gradient; for a relativistic loss.
        """
        if real is None:
            return self.weight * adversarial_loss(fake, target=self.target(real=True), gan_type=self.gan_type)
        return self.weight * sum(self._relativistic(real, fake, swapped=True), start=fake.new_zeros(()))

    def for_discriminator(self, logits: Tensor, *, real: bool) -> Tensor:
        """Return the unweighted loss of the discriminator on one side."""
        return adversarial_loss(logits, target=self.target(real=real), gan_type=self.gan_type, for_discriminator=True)

    def for_discriminator_on_both(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return both halves of the discriminator's relativistic loss, unweighted, for the logits of both sides."""
        return self._relativistic(real, fake, swapped=False)

    def target(self, *, real: bool) -> float:
        """Return the label of a side; where only sides count, it says nothing but the side."""
        if self.gan_type not in LABELLED_TYPES:
            return float(real)
        return self.real_label if real else self.fake_label

    def _relativistic(self, real: Tensor, fake: Tensor, *, swapped: bool) -> tuple[Tensor, Tensor]:
        of_real, of_fake = self.target(real=not swapped), self.target(real=swapped)
        return relativistic_losses(real, fake, real_target=of_real, fake_target=of_fake, gan_type=self.gan_type)
