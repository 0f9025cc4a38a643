"""What a training step adds up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from torch import Tensor

from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.perceptual import PerceptualLoss
from realesrgan_arch.losses.pixel import PixelLoss


class GeneratorTerm(Protocol):
    """A further loss of the generator, weighted; what else it needs (an average, a base) it holds itself."""

    def __call__(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return a scalar for `sr` and `gt` (B, 3, H, W) and `lq` (B, 3, H / scale, W / scale), RGB in [0, 1]."""
        ...


@dataclass(frozen=True)
class Losses:
    """What a training step adds up; an absent part is `None`."""

    pixel: PixelLoss | None = field(default_factory=PixelLoss)
    perceptual: PerceptualLoss | None = None
    adversarial: AdversarialLoss | None = None
    more: Mapping[str, GeneratorTerm] = field(default_factory=dict)
    """Further losses of the generator by their name in the log (`l_g_ldl`); they see the pixel loss's target."""

    def at(self, step: int) -> "Losses":
        """Return the losses of `step` (from 1): without the adversarial one where its game has not begun."""
        return replace(self, adversarial=self.adversarial.at(step) if self.adversarial else None)
