"""What the engine asks of a runtime."""

from typing import Protocol

import torch
from torch import Tensor


class OutOfDeviceMemoryError(Exception):
    """The device has no memory for this batch; a smaller one may fit."""


class Backend(Protocol):
    """A snapshot of a network, ready to compute on one device.

    `name`: `torch`, `openvino` or `onnxruntime`. `scale`: magnification of the network. `multiple`: what the sides of a
    batch must be multiples of. `device`: where batches go in and come out. `dtype`: precision of the convolutions.
    """

    @property
    def name(self) -> str: ...

    @property
    def scale(self) -> int: ...

    @property
    def multiple(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def dtype(self) -> torch.dtype: ...

    def run(self, batch: Tensor) -> Tensor:
        """Return float32 (B, 3, H * scale, W * scale) on `device`, unclamped, for `batch`, float32 (B, 3, H, W) there.

        Raises:
            OutOfDeviceMemoryError: nothing else is, for lack of memory.
        """
        ...

    def run_exactly(self, batch: Tensor) -> Tensor:
        """`run` in float32."""
        ...

    def bytes_per_pixel(self) -> int:
        """Return how much memory `run` takes on `device` for each input pixel of a batch, its result included."""
        ...
