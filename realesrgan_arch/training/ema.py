"""Exponential moving average of the weights that train."""

import copy
from collections.abc import Collection

import torch
from torch import Tensor, nn


class Ema:
    """A second network that follows the first: averaged where it trains, the very same tensors where it does not.

    Args:
        network: the live network.
        trainable: names of its trainable parameters.
        decay: weight of the past, in [0, 1).

    Buffers (batch-norm statistics) are copied, not averaged, as they are running means already.
    """

    def __init__(self, network: nn.Module, *, trainable: Collection[str], decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"expected a decay in [0, 1), got {decay}")
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(requires_grad=False).eval()
        live = dict(network.named_parameters())
        averaged = dict(self.network.named_parameters())
        self._live = [live[name] for name in live if name in trainable]
        self._averaged = [averaged[name] for name in live if name in trainable]
        for name in live.keys() - set(trainable):
            averaged[name].data = live[name].data
        self._buffers = list(zip(self.network.buffers(), network.buffers(), strict=True))

    @torch.no_grad()
    def update(self, moves: Tensor) -> None:
        """Move the average by `1 - decay` of the way to the live weights where `moves` (a bool scalar) is True.

        The flag is not read, so a GPU need not be waited for.
        """
        if self._averaged:
            gaps = torch._foreach_sub(_data(self._live), _data(self._averaged))  # pyright: ignore[reportPrivateImportUsage]
            torch._foreach_mul_(gaps, moves * (1 - self.decay))  # pyright: ignore[reportPrivateImportUsage]
            torch._foreach_add_(_data(self._averaged), gaps)  # pyright: ignore[reportPrivateImportUsage]
        for averaged, live in self._buffers:
            averaged.copy_(live)


def _data(parameters: list[nn.Parameter]) -> list[Tensor]:
    return [parameter.data for parameter in parameters]
