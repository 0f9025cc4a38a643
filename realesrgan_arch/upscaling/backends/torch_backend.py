"""The network as PyTorch runs it: on every CPU, on CUDA and on Apple's GPUs."""

import copy
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from realesrgan_arch.networks.build import lower_precision
from realesrgan_arch.upscaling.backends.footprint import Footprint, measure_footprint, multiple_of
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError

_OUT_OF_MEMORY = (
    "DefaultCPUAllocator:",
    "could not create a memory object",
    "std::bad_alloc",
    "MPS backend out of memory",
    "CUDA error: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "FIND was unable to find an engine",
    "nable to find a valid cuDNN algorithm",
)
"""What a plain RuntimeError says of it; only PyTorch's own allocator for CUDA has an error class of its own. cuDNN
finds no algorithm where none has room to work in."""

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
        self._original = copy.deepcopy(network).cpu().float().eval()
        network = self._on_device(dtype)
        self._network: Callable[[Tensor], Tensor] = torch.compile(network, dynamic=True) if compiled else network

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
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        raise OutOfDeviceMemoryError(f"{self.device} has no memory for a batch of {tuple(batch.shape)}")

    @cached_property
    def _exact_network(self) -> Callable[[Tensor], Tensor]:
        return self._network if self.dtype == torch.float32 else self._on_device(torch.float32)

    def _on_device(self, dtype: torch.dtype) -> nn.Module:
        return lower_precision(copy.deepcopy(self._original).to(self.device), dtype)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an operation of PyTorch failed for lack of memory."""
    is_named = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return is_named or any(mark in str(error) for mark in _OUT_OF_MEMORY)
