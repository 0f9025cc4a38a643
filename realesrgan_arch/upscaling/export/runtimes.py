"""Files read again by the runtime that they are for: each function returns one from pictures to pictures.

Pictures are float32 (B, 3, H, W), and come back as (B, 3, H * scale, W * scale), unclamped. All compute in fp32 on the
CPU: a faster precision would hide what was written.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.upscaling.export.ncnn_files import INPUT, OUTPUT
from realesrgan_arch.upscaling.export.source import run_network
from realesrgan_arch.weights.load import load_generator

Pictures = np.ndarray
Run = Callable[[Pictures], Pictures]


def open_torch(path: Path) -> Run:
    """Read weights as this project does (`torch.load` with `weights_only`, or safetensors)."""
    return _run_of(load_generator(path)[0])


def open_params(path: Path) -> Run:
    """Read the entry `params` of a `.pth`, which tools take that do not look for `params_ema`."""
    return _run_of(load_generator(path, key="params")[0])


def open_spandrel(path: Path) -> Run:
    """Read weights as ComfyUI and chaiNNer do."""
    import_shims()  # spandrel imports torchvision
    return _run_of(import_module("spandrel").ModelLoader(device="cpu").load_from_file(path).model)


def open_onnxruntime(path: Path) -> Run:
    """Read an ONNX file with ONNX Runtime."""
    session = import_module("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(["output"], {"input": pictures})[0]


def open_openvino(path: Path) -> Run:
    """Read an OpenVINO IR (the .xml; the .bin lies beside it)."""
    # Its own choice on some CPUs is bfloat16.
    settings: Mapping[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = import_module("openvino").Core().compile_model(path, "CPU", settings)
    return lambda pictures: compiled({"input": pictures})["output"]


def open_ncnn(path: Path) -> Run:
    """Read an ncnn network (the .param; the .bin lies beside it)."""
    ncnn = import_module("ncnn")
    net = ncnn.Net()
    settings = net.opt  # On the CPU and in float32, so that the difference is that of the file.
    settings.use_vulkan_compute = False
    settings.use_fp16_packed = settings.use_fp16_storage = settings.use_fp16_arithmetic = False
    settings.use_bf16_storage = False
    if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
        raise OSError(f"ncnn cannot read {path.name}")
    return lambda pictures: np.stack([_run_ncnn(ncnn, net, picture) for picture in pictures])


def has_spandrel() -> bool:
    """Say whether spandrel is installed, without importing it."""
    return find_spec("spandrel") is not None


def _run_of(network: nn.Module) -> Run:
    network.eval()
    return lambda pictures: run_network(network, torch.from_numpy(pictures)).numpy()


def _run_ncnn(ncnn: Any, net: Any, picture: Pictures) -> Pictures:
    extractor = net.create_extractor()
    extractor.input(INPUT, ncnn.Mat(np.ascontiguousarray(picture)))
    code, result = extractor.extract(OUTPUT)
    if code:
        raise OSError(f"ncnn gives no blob {OUTPUT}")
    return np.array(result)
