"""A network in the forms that other runtimes read."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from realesrgan_arch.extras import require_extra

ONNX_OPSET = 18


def write_onnx(network: nn.Module, path: Path) -> None:
    """Write `network` (float32, CPU) as one ONNX file.

    Input `input` and output `output`, float32 RGB (B, 3, H, W) in [0, 1]; batch, height and width are free.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
    """
    for module in ("onnx", "onnxscript"):
        require_extra(module, extra="export", purpose="ONNX")
    free = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    with quiet_tracing():
        program = torch.onnx.export(
            network.eval(),
            (torch.full((2, 3, 24, 32), 0.5),),  # no side equals another, or the exporter takes them for one dimension
            input_names=["input"],
            output_names=["output"],
            opset_version=ONNX_OPSET,
            dynamic_shapes=(free,),
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
        return openvino.convert_model(network.eval(), example_input=torch.full((1, 3, 24, 32), 0.5))


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
        warnings.simplefilter("ignore")
        yield
