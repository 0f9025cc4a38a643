"""Distances of pixels, under BasicSR's names (`pixel_opt`).

All take RGB batches `(B, 3, H, W)` in [0, 1] and return a scalar tensor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Reduction = Literal["mean", "sum"]
PixelLossName = Literal["L1Loss", "MSELoss", "CharbonnierLoss"]


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
