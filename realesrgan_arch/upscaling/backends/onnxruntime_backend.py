"""The network as ONNX Runtime runs it on a CPU, in float32."""

import copy
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from realesrgan_arch.extras import require_extra
from realesrgan_arch.upscaling.backends.footprint import Footprint, measure_footprint, multiple_of
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError
from realesrgan_arch.upscaling.convert import write_onnx

_OUT_OF_MEMORY = ("Failed to allocate memory", "bad_alloc", "bad allocation")
_FATAL_ONLY = 4
_LAYERS_HELD, _PICTURES_HELD = 2.0, 4
"""What is in memory at the peak, as multiples of the widest layer and of the picture; the most that was measured."""


class ONNXRuntimeBackend:
    """A copy of `network`, exported to ONNX and held by an ONNX Runtime session; see `Backend`."""

    name = "onnxruntime"
    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, network: nn.Module, *, scale: int) -> None:
        """Export a copy of `network`, which takes seconds; the arguments are those of `TorchBackend`.

        Raises:
            MissingExtraError: onnxruntime, onnx or onnxscript is not installed.
        """
        if scale < 1:
            raise ValueError(f"expected scale >= 1, got {scale}")
        runtime = require_extra("onnxruntime", extra="onnxruntime", purpose="the backend onnxruntime")
        # Fail and RuntimeException share no ancestor but Exception.
        states = runtime.capi.onnxruntime_pybind11_state
        self._faults = (states.Fail, states.RuntimeException, MemoryError)
        self.scale = scale
        self.multiple = multiple_of(network)
        self._original = copy.deepcopy(network).cpu().float().eval()
        self._session = _open_session(runtime, self._original)

    def run(self, batch: Tensor) -> Tensor:
        """See `Backend.run`."""
        try:
            return torch.from_numpy(self._session.run(None, {"input": batch.contiguous().numpy()})[0])
        except self._faults as error:
            if not is_out_of_memory(error):
                raise
        raise OutOfDeviceMemoryError(f"onnxruntime has no memory for a batch of {tuple(batch.shape)}")

    def run_exactly(self, batch: Tensor) -> Tensor:
        """See `Backend.run_exactly`."""
        return self.run(batch)

    def bytes_per_pixel(self) -> int:
        """See `Backend.bytes_per_pixel`."""
        return self._footprint.bytes_per_pixel(
            itemsize=self.dtype.itemsize, layers=_LAYERS_HELD, outputs=_PICTURES_HELD
        )

    @cached_property
    def _footprint(self) -> Footprint:
        return measure_footprint(self._original)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether ONNX Runtime failed for lack of memory."""
    return isinstance(error, MemoryError) or any(mark in str(error) for mark in _OUT_OF_MEMORY)


def _open_session(runtime: Any, network: nn.Module) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Pictures come in many sizes: an arena would keep, and round up, the memory of the largest.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _FATAL_ONLY  # its faults arrive as exceptions; it would print them as well
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        write_onnx(network, path)
        return runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
