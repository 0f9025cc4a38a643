"""The distance to the pre-trained generator: what a fine-tuned one should not forget."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from realesrgan_arch.gaussian_blur import gaussian_blur


class BaseOutputDistance(nn.Module):
    """L1 between what the generator and its base make of the same LQ image, as in learning without forgetting.

    The idea is that of Li & Hoiem (arXiv 1606.09282), with pixels in place of class scores. Held to the details alone,
    a generator keeps the texture of a base that was trained with an adversary while the other losses mend what lies
    below: the fusion of one network's low frequencies with another's high ones, learnt by one network.

    Args:
        generator: with the weights of the base; a frozen copy of it is taken.
        weight: of the whole.
        sigma: compare only what a blur of so many pixels takes away; None compares all.
    """

    def __init__(self, generator: nn.Module, *, weight: float = 1.0, sigma: float | None = None) -> None:
        super().__init__()
        self.base = copy.deepcopy(generator).requires_grad_(requires_grad=False).eval()
        self.weight = weight
        self.sigma = sigma

    def forward(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar in fp32; the base runs in the precision of the call, as the generator does."""
        del gt
        with torch.no_grad():
            target = self.base(lq)
        with torch.autocast(sr.device.type, enabled=False):
            difference = sr.float() - target.float()
            if self.sigma is not None:
                difference = difference - gaussian_blur(difference, sigma=self.sigma)
            return self.weight * difference.abs().mean()


class BaseWeightDistance:
    """Half the sum of the squared distances of the trainable parameters from where they started: L2-SP.

    Li et al., "Explicit Inductive Bias for Transfer Learning with Convolutional Networks" (ICML 2018,
    arXiv 1802.01483), eq. 2: the gradient of a parameter is `weight` times its distance.

    Args:
        generator: with the weights of the base; parameters that require a gradient count.
        weight: of the whole.
    """

    def __init__(self, generator: nn.Module, *, weight: float = 1.0) -> None:
        self._live = [parameter for parameter in generator.parameters() if parameter.requires_grad]
        self._start = [parameter.detach().clone() for parameter in self._live]
        self.weight = weight

    def __call__(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar in fp32; no picture changes it."""
        del sr, gt, lq
        pairs = zip(self._live, self._start, strict=True)
        squares = [functional.mse_loss(live, start, reduction="sum") for live, start in pairs]
        return self.weight / 2 * torch.stack(squares).sum()
