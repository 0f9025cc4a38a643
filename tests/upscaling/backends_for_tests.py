"""Backends whose arithmetic is exact: they only choose among pixels, so that equal means equal to the last bit."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

CPU = torch.device("cpu")


class Chooser:
    """Gives the largest, the smallest or the very pixel of a neighbourhood; what stands where depends on all of it.

    `reach`: how far it looks, in input pixels. With a `multiple` it looks at whole blocks, so that a window which does
    not begin at one gives another result. `calls`: the shapes of the batches. `fault(calls)` runs before each answer.
    """

    name = "torch"
    device = CPU

    def __init__(
        self,
        scale: int = 2,
        *,
        radius: int = 3,
        multiple: int = 1,
        dtype: torch.dtype = torch.float32,
        fault: Callable[[list[torch.Size]], None] = lambda calls: None,
    ) -> None:
        self.scale = scale
        self.multiple = multiple
        self.dtype = dtype
        self.reach = (radius + 1) * multiple - 1
        self.calls: list[torch.Size] = []
        self._radius = radius
        self._fault = fault

    def run(self, batch: Tensor) -> Tensor:
        self.calls.append(batch.shape)
        self._fault(self.calls)
        assert batch.dtype == torch.float32
        assert batch.shape[2] % self.multiple == batch.shape[3] % self.multiple == 0
        high, low = self._largest(batch), -self._largest(-batch)
        kinds = [(high, low, batch)[index % 3] for index in range(self.scale**2)]
        return F.pixel_shuffle(torch.stack(kinds, dim=2).flatten(1, 2), self.scale)

    def run_exactly(self, batch: Tensor) -> Tensor:
        return self.run(batch)

    def bytes_per_pixel(self) -> int:
        return 1000

    def _largest(self, batch: Tensor) -> Tensor:
        blocks = F.max_pool2d(batch, self.multiple)
        largest = F.max_pool2d(blocks, 2 * self._radius + 1, stride=1, padding=self._radius)
        return largest.repeat_interleave(self.multiple, 2).repeat_interleave(self.multiple, 3)
