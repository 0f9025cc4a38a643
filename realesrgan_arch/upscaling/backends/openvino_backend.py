"""The network as OpenVINO runs it on a CPU: f32, or bf16 with the sums of residual blocks kept in f32."""

import copy
import tempfile
import xml.etree.ElementTree as ElementTree
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from realesrgan_arch.errors import UserError
from realesrgan_arch.extras import require_extra
from realesrgan_arch.upscaling.backends.footprint import Footprint, measure_footprint, multiple_of
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError
from realesrgan_arch.upscaling.convert import to_openvino

_HINTS = {torch.float32: "f32", torch.bfloat16: "bf16"}
_OUT_OF_MEMORY = ("Failed to allocate", "bad_alloc", "Can not allocate")
"""OpenVINO 2026.4 says so in a plain RuntimeError, after the names of its source files."""
_KEEP_F32 = {"name": "precise", "version": "0"}
"""The attribute of an operation in an OpenVINO file (IR) that the inference precision does not lower."""

_LAYERS_HELD, _PICTURES_HELD = 2.0, 4
"""What is in memory at the peak, as multiples of the widest layer and of the picture; the most that was measured."""


class OpenVINOError(UserError):
    """What OpenVINO cannot do on this machine."""


class OpenVINOBackend:
    """A copy of `network`, compiled by OpenVINO for the CPU; see `Backend`."""

    name = "openvino"
    device = torch.device("cpu")

    def __init__(self, network: nn.Module, *, scale: int, dtype: torch.dtype = torch.float32) -> None:
        """Compile a copy of `network`; the arguments are those of `TorchBackend`.

        Raises:
            MissingExtraError: openvino is not installed.
            OpenVINOError: a precision that this CPU, or OpenVINO on CPUs, does not have; or a broken installation.
        """
        if scale < 1:
            raise ValueError(f"expected scale >= 1, got {scale}")
        self._core, precisions = _open_core()
        _check_precision(dtype, precisions)
        self.scale = scale
        self.dtype = dtype
        self.multiple = multiple_of(network)
        self._original = copy.deepcopy(network).cpu().float().eval()
        self._compiled = {dtype: self._compile(dtype)}

    def run(self, batch: Tensor) -> Tensor:
        """See `Backend.run`."""
        return self._run(self.dtype, batch)

    def run_exactly(self, batch: Tensor) -> Tensor:
        """See `Backend.run_exactly`."""
        return self._run(torch.float32, batch)

    def bytes_per_pixel(self) -> int:
        """See `Backend.bytes_per_pixel`."""
        return self._footprint.bytes_per_pixel(
            itemsize=self.dtype.itemsize, layers=_LAYERS_HELD, outputs=_PICTURES_HELD
        )

    def _run(self, dtype: torch.dtype, batch: Tensor) -> Tensor:
        try:
            if dtype not in self._compiled:
                self._compiled[dtype] = self._compile(dtype)
            # Without `share_outputs` the result is a copy, which the next batch does not overwrite.
            return torch.from_numpy(self._compiled[dtype](batch.contiguous().numpy(), share_inputs=True)[0])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # What failed once asks for the same memory again, whatever the next batch: it has to be made anew.
        self._compiled.pop(dtype, None)
        raise OutOfDeviceMemoryError(f"openvino has no memory for a batch of {tuple(batch.shape)}")

    @cached_property
    def _footprint(self) -> Footprint:
        return measure_footprint(self._original)

    def _compile(self, dtype: torch.dtype) -> Any:
        model = to_openvino(self._original)
        if dtype == torch.bfloat16:
            model = _with_exact_sums(self._core, model)
        settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[dtype],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        return self._core.compile_model(model, "CPU", settings)


def _open_core() -> tuple[Any, list[str]]:
    """OpenVINO's entrance, and what it says of the CPU's precisions."""
    try:
        core = require_extra("openvino", extra="openvino", purpose="the backend openvino").Core()
        return core, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except (ImportError, RuntimeError) as error:  # A library, or the plugin for CPUs, that cannot be loaded.
        raise OpenVINOError(f"openvino is installed but does not start ({_last_line(error)}): reinstall it.") from error


def _last_line(error: Exception) -> str:
    """What OpenVINO says in the end; the names of its source files stand before."""
    return str(error).strip().rpartition("\n")[-1]


def _check_precision(dtype: torch.dtype, precisions: list[str]) -> None:
    if dtype not in _HINTS:
        asked = str(dtype).removeprefix("torch.")
        raise OpenVINOError(f"the backend openvino computes in fp32 or bf16 on a CPU, not in {asked}: use auto.")
    if dtype == torch.bfloat16 and "BF16" not in precisions:
        raise OpenVINOError("OpenVINO finds no bf16 in this CPU; the precision fp32 works.")


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether OpenVINO failed for lack of memory; its `std::bad_alloc` arrives as a MemoryError."""
    return isinstance(error, MemoryError) or any(mark in str(error) for mark in _OUT_OF_MEMORY)


def _with_exact_sums(core: Any, model: Any) -> Any:
    """Return `model` with the sums of its residual blocks marked to stay f32.

    A trunk of 69 blocks that is rounded to bf16 after each loses about 5 dB (measured). Python cannot set the mark,
    but OpenVINO reads it from its own file format.
    """
    names = _residual_sums(model)
    if not names:
        return model
    openvino = require_extra("openvino", extra="openvino", purpose="the backend openvino")
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder, "model.xml"), Path(folder, "model.bin")
        openvino.serialize(model, graph, weights)
        root = ElementTree.parse(graph).getroot()
        for layer in root.iterfind("layers/layer"):
            if layer.get("name") in names:
                ElementTree.SubElement(_rt_info(layer), "attribute", _KEEP_F32)
        return core.read_model(ElementTree.tostring(root), weights.read_bytes())


def _residual_sums(model: Any) -> set[str]:
    """The names of the sums of two computed images, and of the products by a constant that go into one."""
    names = set()
    for node in model.get_ops():
        parents = [value.get_source_output().get_node() for value in node.inputs()]
        if node.get_type_name() == "Add" and not any(_is_constant(parent) for parent in parents):
            names |= {node.get_friendly_name()}
            names |= {parent.get_friendly_name() for parent in parents if parent.get_type_name() == "Multiply"}
    return names


def _is_constant(node: Any) -> bool:
    """A constant, or one that a conversion or a reshape stands behind."""
    parents = [value.get_source_output().get_node() for value in node.inputs()]
    if not parents:
        return node.get_type_name() == "Constant"
    return all(_is_constant(parent) for parent in parents) if node.get_type_name() in ("Convert", "Reshape") else False


def _rt_info(layer: ElementTree.Element) -> ElementTree.Element:
    """The place for attributes in an operation's element: after `data`, before its ports."""
    found = layer.find("rt_info")
    if found is None:
        found = ElementTree.Element("rt_info")
        layer.insert(1 if layer.find("data") is not None else 0, found)
    return found
