"""What one training step adds up: named loss terms of the generator and of the discriminator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.gradient_penalty import GradientPenalty
from realesrgan_arch.losses.terms import Losses


@dataclass(frozen=True)
class Targets:
    """The ground truth that each loss compares with, `(B, 3, H, W)` in [0, 1]: plain or sharpened."""

    pixel: Tensor
    perceptual: Tensor
    adversarial: Tensor

    def chunk(self, count: int) -> list["Targets"]:
        """Split into `count` parts along the batch."""
        parts = (self.pixel.chunk(count), self.perceptual.chunk(count), self.adversarial.chunk(count))
        return [Targets(*part) for part in zip(*parts, strict=True)]


@dataclass(frozen=True)
class Judged:
    """What a discriminator is to tell apart: photographs and results, `(B, 3, H, W)` in [0, 1], without gradient."""

    real: Tensor
    fake: Tensor
    shares: Tensor | None = None
    """Of the photographs in the mixtures of a gradient penalty, `(B,)`; None where there is no penalty."""


def generator_terms(
    sr: Tensor, lq: Tensor, targets: Targets, losses: Losses, discriminator: nn.Module | None
) -> dict[str, Tensor]:
    """Return the generator's weighted losses by BasicSR's names; their sum is what to minimise."""
    terms: dict[str, Tensor] = {}
    if losses.pixel is not None:
        terms["l_g_pix"] = losses.pixel(sr, targets.pixel)
    if losses.perceptual is not None:
        terms["l_g_percep"] = losses.perceptual(sr, targets.perceptual)
    for name, term in losses.more.items():
        terms[name] = term(sr=sr, gt=targets.pixel, lq=lq)
    if losses.adversarial is not None and discriminator is not None:
        terms["l_g_gan"] = _adversarial_term(sr, targets.adversarial, losses.adversarial, discriminator)
    return terms


def discriminator_passes(
    discriminator: nn.Module, judged: Judged, adversarial: AdversarialLoss
) -> list[Callable[[], dict[str, Tensor]]]:
    """Return what gives the discriminator's losses, part by part.

    Each part has a graph of its own and wants its backward pass before the next, so that no two live at once. The two
    sides of a relativistic loss are one part, as each is compared with the other.
    """
    if adversarial.relativistic:
        passes = [partial(_relativistic_terms, discriminator, judged, adversarial)]
    else:
        sides = ((judged.real, True), (judged.fake, False))
        passes = [partial(discriminator_terms, discriminator, image, adversarial, real=real) for image, real in sides]
    if adversarial.penalty is not None and judged.shares is not None:
        passes.append(partial(_penalty_terms, discriminator, judged, adversarial.penalty, judged.shares))
    return passes


def discriminator_terms(
    discriminator: nn.Module, image: Tensor, adversarial: AdversarialLoss, *, real: bool
) -> dict[str, Tensor]:
    """Return the discriminator's loss on one side, and its mean logit (for the log, without gradient)."""
    side = "real" if real else "fake"
    logits = discriminator(image)
    return {
        f"l_d_{side}": adversarial.for_discriminator(logits, real=real),
        f"out_d_{side}": logits.detach().float().mean(),
    }


def _adversarial_term(sr: Tensor, gt: Tensor, adversarial: AdversarialLoss, discriminator: nn.Module) -> Tensor:
    if not adversarial.relativistic:
        return adversarial.for_generator(discriminator(sr))
    with torch.no_grad():
        real = discriminator(gt)
    return adversarial.for_generator(discriminator(sr), real)


def _relativistic_terms(discriminator: nn.Module, judged: Judged, adversarial: AdversarialLoss) -> dict[str, Tensor]:
    real, fake = discriminator(judged.real), discriminator(judged.fake)
    loss_real, loss_fake = adversarial.for_discriminator_on_both(real, fake)
    means = {"out_d_real": real.detach().float().mean(), "out_d_fake": fake.detach().float().mean()}
    return {"l_d_real": loss_real, "l_d_fake": loss_fake, **means}


def _penalty_terms(
    discriminator: nn.Module, judged: Judged, penalty: GradientPenalty, shares: Tensor
) -> dict[str, Tensor]:
    return {"l_d_penalty": penalty(discriminator, judged.real, judged.fake, shares=shares)}


def total(terms: dict[str, Tensor]) -> Tensor:
    """Return the sum of the losses among `terms` (names that start with `l_`)."""
    return torch.stack([value for name, value in terms.items() if name.startswith("l_")]).sum()


def add_to_log(log: dict[str, Tensor], terms: Mapping[str, Tensor], *, parts: int) -> None:
    """Add one of `parts` equal parts of a batch to the means in `log`, without waiting for the device."""
    for name, value in terms.items():
        log[name] = log.get(name, torch.zeros((), device=value.device)) + value.detach() / parts


def as_float(images: object, *, device: torch.device) -> Tensor:
    """Return a batch from a `DataLoader`, uint8 or float in [0, 1], as float32 in [0, 1] on `device`.

    Raises:
        TypeError: it is no tensor.
    """
    if not isinstance(images, Tensor):
        raise TypeError(f"expected a batch of tensors, got {type(images).__name__}")
    moved = images.to(device, non_blocking=True)
    return moved.float() / 255 if moved.dtype == torch.uint8 else moved.float()
