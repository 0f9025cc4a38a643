"""A backend that tells how far a picture is."""

from collections.abc import Callable

import torch
from torch import Tensor

from realesrgan_arch.upscaling.backends.interface import Backend


class TickingBackend:
    """A backend that calls `tick` with the number of input pixels after each batch, repeated ones too; see `Backend`.

    What `tick` raises ends the picture.
    """

    def __init__(self, backend: Backend, tick: Callable[[int], None]) -> None:
        self._backend = backend
        self._tick = tick
        self.name: str = backend.name
        self.scale: int = backend.scale
        self.multiple: int = backend.multiple
        self.device: torch.device = backend.device
        self.dtype: torch.dtype = backend.dtype

    def run(self, batch: Tensor) -> Tensor:
        """See `Backend.run`."""
        return self._ticked(batch, self._backend.run(batch))

    def run_exactly(self, batch: Tensor) -> Tensor:
        """See `Backend.run_exactly`."""
        return self._ticked(batch, self._backend.run_exactly(batch))

    def bytes_per_pixel(self) -> int:
        """See `Backend.bytes_per_pixel`."""
        return self._backend.bytes_per_pixel()

    def _ticked(self, batch: Tensor, result: Tensor) -> Tensor:
        self._tick(batch.shape[0] * batch.shape[2] * batch.shape[3])
        return result
