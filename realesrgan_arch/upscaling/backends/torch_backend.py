"""The network as PyTorch runs it: on every CPU, on CUDA and on Apple's GPUs."""

import copy
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from realesrgan_arch.networks.build import lower_precision
from realesrgan_arch.upscaling.backends.footprint import Footprint, measure_footprint, multiple_of
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError

_OUT_OF_MEMORY = ("DefaultCPUAllocator:", "MPS backend out of memory")
"""How a plain RuntimeError of the CPU and of Apple's GPU begins; CUDA has an error class of its own."""

_LAYERS_HELD, _LAYERS_HELD_IN_HALF, _PICTURES_HELD = 2.0, 3.1, 2
"""What is in memory at the peak, as multiples of the widest layer and of the picture; measured on a CPU."""


class TorchBackend:
    """A copy of `network` on `device` in `dtype`; see `Backend`."""

    name = "torch"

    def __init__(
        self,
        network: nn.Module,
        *,
        scale: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
    ) -> None:
        """Copy `network`, which takes and gives float32 (B, 3, H, W) in [0, 1] and magnifies by `scale`.

        Args:
            network: stays as it is; later changes to it are not seen.
            scale: magnification of the network.
            device: where batches are computed.
            dtype: precision of the convolutions.
            compiled: let `torch.compile` fuse what lies between the convolutions; half a minute for the first batch.
                It gains nothing on a CPU (docs/upscaling_speed.md).
        """
        if scale < 1:
            raise ValueError(f"expected scale >= 1, got {scale}")
        self.scale = scale
        self.device = device
        self.dtype = dtype
        self.multiple = multiple_of(network)
        self._original = copy.deepcopy(network).cpu()
        network = self._on_device(dtype)
        self._network: Callable[[Tensor], Tensor] = torch.compile(network) if compiled else network

    def run(self, batch: Tensor) -> Tensor:
        """See `Backend.run`."""
        return self._run(self._network, batch)

    def run_exactly(self, batch: Tensor) -> Tensor:
        """See `Backend.run_exactly`."""
        return self._run(self._exact_network, batch)

    def bytes_per_pixel(self) -> int:
        """See `Backend.bytes_per_pixel`."""
        layers = _LAYERS_HELD if self.dtype == torch.float32 else _LAYERS_HELD_IN_HALF
        return self._footprint.bytes_per_pixel(itemsize=self.dtype.itemsize, layers=layers, outputs=_PICTURES_HELD)

    @cached_property
    def _footprint(self) -> Footprint:
        return measure_footprint(self._original)

    @torch.inference_mode()
    def _run(self, network: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
        try:
            return network(batch.contiguous(memory_format=torch.channels_last)).float()
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfDeviceMemoryError(f"{self.device} has no memory for a batch of {tuple(batch.shape)}")

    @cached_property
    def _exact_network(self) -> Callable[[Tensor], Tensor]:
        return self._network if self.dtype == torch.float32 else self._on_device(torch.float32)

    def _on_device(self, dtype: torch.dtype) -> nn.Module:
        return lower_precision(copy.deepcopy(self._original).to(self.device), dtype)


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(mark in str(error) for mark in _OUT_OF_MEMORY)
