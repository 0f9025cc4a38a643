"""The gradient penalty of WGAN-GP."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from realesrgan_arch.seeding import Stream, numpy_generator


@dataclass(frozen=True)
class GradientPenalty:
    """Keeps the norm of a discriminator's gradient at 1 between photographs and results.

    Gulrajani et al. (arXiv 1704.00028, algorithm 1), whose weight is 10. The function whose gradient counts is the one
    that the loss sees: of a map of logits, its mean over an image.
    """

    weight: float = 10.0
    seed: int = 0

    def draw_shares(self, *, step: int, count: int, first_sample: int = 0) -> Tensor:
        """Return the share of the photograph in the mixture of each of `count` samples of `step`, (count,) in [0, 1).

        Each follows from the seed, the step and the number of the sample alone, so a batch may be cut or shared out.
        """
        samples = range(first_sample, first_sample + count)
        drawn = [numpy_generator(self.seed, Stream.GRADIENT_PENALTY, step, sample).random() for sample in samples]
        return torch.from_numpy(np.array(drawn, dtype=np.float32))

    def __call__(self, discriminator: nn.Module, real: Tensor, fake: Tensor, *, shares: Tensor) -> Tensor:
        """Return the weighted penalty at `shares` (B,) of `real` and the rest of `fake`, both (B, 3, H, W) in [0, 1].

        It is computed in fp32, whatever precision is in force: a second derivative of 16 bits is noise.
        """
        with torch.autocast(real.device.type, enabled=False):
            share = shares.to(real.device).view(-1, 1, 1, 1)
            mixed = (share * real.float() + (1 - share) * fake.float()).detach().requires_grad_()
            # The sum over the batch: each image's logit depends on no other image, unless batch norm ties them.
            logit = discriminator(mixed).float().flatten(1).mean(dim=1).sum()
            (gradient,) = torch.autograd.grad(logit, mixed, create_graph=True)
        return self.weight * ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
