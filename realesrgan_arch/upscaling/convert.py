"""A network in the forms that other runtimes read."""

import copy
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from realesrgan_arch.extras import require_extra

ONNX_OPSET = 18

_FREE_SIDES = {0: "batch", 2: "height", 3: "width"}


def write_onnx(network: nn.Module, path: Path) -> None:
    """Write `network` (float32, CPU) as one ONNX file.

    Input `input` and output `output`, float32 RGB (B, 3, H, W) in [0, 1]; `batch`, `height` and `width` are free.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
    """
    for module in ("onnx", "onnxscript"):
        require_extra(module, extra="export", purpose="ONNX")
    with quiet_tracing():
        program = torch.onnx.export(
            _for_inference(network),
            (_tracing_picture(2, 3, 24, 32),),  # no side equals another, or the exporter takes them for one dimension
            input_names=["input"],
            output_names=["output"],
            opset_version=ONNX_OPSET,
            dynamic_shapes=(_FREE_SIDES,),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    program.save(path, external_data=False)


def to_openvino(network: nn.Module) -> Any:
    """Return `network` (float32, CPU) as an OpenVINO model with free batch, height and width.

    Raises:
        MissingExtraError: openvino is not installed.
    """
    openvino = require_extra("openvino", extra="openvino", purpose="OpenVINO")
    with quiet_tracing():
        return openvino.convert_model(_for_inference(network), example_input=_tracing_picture(1, 3, 24, 32))


def write_openvino(network: nn.Module, path: Path) -> None:
    """Write `network` (float32, CPU) as OpenVINO IR: `path` (.xml), and the weights as fp32 in a .bin beside it.

    Input `input` and output `output` as in `write_onnx`; batch, height and width are free.

    Raises:
        MissingExtraError: openvino is not installed.
    """
    openvino = require_extra("openvino", extra="openvino", purpose="OpenVINO")
    model = to_openvino(network)
    model.inputs[0].get_tensor().set_names({"input"})
    model.outputs[0].get_tensor().set_names({"output"})
    model.reshape({0: openvino.PartialShape([-1, 3, -1, -1])})
    openvino.save_model(model, path, compress_to_fp16=False)


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Keep back what torch remarks while it follows a network: on its own parts, and on sides that a network checks."""
    with warnings.catch_warnings():
        # Of the check of sides, whose answer is the same for all that it lets through.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # pyright: ignore[reportPrivateImportUsage]
        warnings.filterwarnings("ignore", r"`torch\.jit\.", DeprecationWarning)
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        yield


def _for_inference(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).eval()


def _tracing_picture(*shape: int) -> Tensor:
    """A picture to follow through a network; not drawn, so that the caller's random numbers stay what they are."""
    return torch.linspace(0, 1, math.prod(shape)).reshape(shape)
