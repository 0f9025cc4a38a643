"""The distance to the pre-trained generator: what a fine-tuned one should not forget."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional


class BaseOutputDistance(nn.Module):
    """L1 between what the generator and its base make of the same LQ image, as in learning without forgetting.

    The idea is that of Li & Hoiem (arXiv 1606.09282), with pixels in place of class scores.

    Args:
        generator: with the weights of the base; a frozen copy of it is taken.
        weight: of the whole.
    """

    def __init__(self, generator: nn.Module, *, weight: float = 1.0) -> None:
        super().__init__()
        self.base = copy.deepcopy(generator).requires_grad_(requires_grad=False).eval()
        self.weight = weight

    def forward(self, *, sr: Tensor, gt: Tensor, lq: Tensor) -> Tensor:
        """Return the loss, a scalar in fp32; the base runs in the precision of the call, as the generator does."""
        del gt
        with torch.no_grad():
            target = self.base(lq)
        return self.weight * functional.l1_loss(sr.float(), target.float())


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
