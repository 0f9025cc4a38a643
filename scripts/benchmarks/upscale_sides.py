"""The sides of `upscale.py`: ours with each runtime, upstream's RealESRGANer, and four runtimes used plainly."""

import contextlib
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from realesrgan_arch import inference
from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec
from realesrgan_arch.upscaling.backends.choose import build_backend
from realesrgan_arch.upscaling.backends.interface import Backend
from realesrgan_arch.upscaling.convert import to_openvino, write_onnx
from realesrgan_arch.weights.load import load_generator

Network = Callable[[Tensor], Tensor]
"""Float32 (1, 3, H, W) in [0, 1] to float32 (1, 3, H * 4, W * 4)."""
Folder = Callable[[Path, Path], None]
"""Magnifies all pictures of one folder into another."""
SCALE = 4


@dataclass(frozen=True)
class Case:
    """What is measured."""

    weights: Path
    threads: int
    device: str = "cpu"
    precision: str = "auto"
    tile: int | None = None
    """Of our engine; None: its default."""


@dataclass(frozen=True)
class Side:
    """One way to magnify: the network alone, and folders from file to file."""

    network: Network
    folder: Folder


def build_side(name: str, case: Case) -> Side:
    """Build the side called `name`, one of `SIDES`."""
    return SIDES[name](case)


def missing_package(name: str) -> str | None:
    """Return the package that the side needs and that is not installed."""
    return next((module for module in _NEEDS[name] if importlib.util.find_spec(module) is None), None)


def _ours(case: Case, *, runtime: str, precision: str) -> Side:
    network, spec = load_generator(case.weights)
    backend = _build_backend(network, spec.scale, runtime, case.device, precision)
    flags = ["--model_path", str(case.weights), "--device", case.device, "--precision", precision, "--ext", "png"]
    flags += ["--tile", str(case.tile)] if case.tile is not None else []
    flags += ["--backend", runtime, "--overwrite"]

    def folder(source: Path, target: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            code = inference.main(["-i", str(source), "-o", str(target), *flags])
        if code != 0:
            raise RuntimeError(f"inference.py ended with {code}: {said.getvalue()}")

    return Side(lambda image: backend.run(image.to(backend.device)), folder)


def _build_backend(network: nn.Module, scale: int, runtime: str, device: str, precision: str) -> Backend:
    chosen = build_backend(network, scale=scale, backend=runtime, device=torch.device(device), precision=precision)
    return chosen.backend


def _upstream(case: Case) -> Side:
    """As `inference_realesrgan.py` of Real-ESRGAN 0.3.0 with its default flags: fp32 on CPUs, no tiles."""
    import_shims()
    upsampler = importlib.import_module("realesrgan").RealESRGANer(
        scale=SCALE, model_path=str(case.weights), model=_upstream_network(case.weights), tile=0, tile_pad=10,
        pre_pad=0, half=case.device != "cpu", device=torch.device(case.device),
    )  # fmt: skip

    def magnify(pixels: np.ndarray) -> np.ndarray:
        return upsampler.enhance(pixels, outscale=SCALE)[0]

    dtype = next(upsampler.model.parameters()).dtype
    return Side(lambda image: upsampler.model(image.to(case.device, dtype)), _by_cv2(magnify))


def _upstream_network(weights: Path) -> nn.Module:
    _, spec = load_generator(weights)
    if isinstance(spec, RRDBNetSpec):
        rrdbnet = importlib.import_module("basicsr.archs.rrdbnet_arch").RRDBNet
        return rrdbnet(
            3, 3, scale=SCALE, num_feat=spec.num_feat, num_block=spec.num_block, num_grow_ch=spec.num_grow_ch
        )
    if not isinstance(spec, CompactSpec):
        raise ValueError(f"expected an RRDBNet or a compact network, got {spec.type}")
    compact = importlib.import_module("realesrgan.archs.srvgg_arch").SRVGGNetCompact
    return compact(3, 3, num_feat=spec.num_feat, num_conv=spec.num_conv, upscale=SCALE, act_type=spec.act_type)


def _spandrel(case: Case) -> Side:
    model = importlib.import_module("spandrel").ModelLoader(device=case.device).load_from_file(case.weights)
    return _plain(lambda image: model(image.to(case.device)))


def _onnxruntime(case: Case) -> Side:
    runtime = importlib.import_module("onnxruntime")
    path = case.weights.with_suffix(".onnx")
    if not path.exists():
        _quietly(lambda: write_onnx(load_generator(case.weights)[0], path))
    options = runtime.SessionOptions()
    options.intra_op_num_threads = case.threads
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return _plain(lambda image: torch.from_numpy(session.run(None, {session.get_inputs()[0].name: image.numpy()})[0]))


def _openvino(case: Case) -> Side:
    model = _quietly(lambda: to_openvino(load_generator(case.weights)[0]))
    settings = {"INFERENCE_NUM_THREADS": case.threads}
    compiled = importlib.import_module("openvino").compile_model(model, "CPU", settings)
    return _plain(lambda image: torch.from_numpy(compiled(image.numpy())[0]))


def _ncnn(case: Case) -> Side:
    ncnn = importlib.import_module("ncnn")
    folder = case.weights.with_suffix(".ncnn")
    param = folder / "network.ncnn.param"
    if not param.exists():
        folder.mkdir()
        network = load_generator(case.weights)[0].eval()
        shapes = (torch.rand(1, 3, 32, 48), torch.rand(1, 3, 40, 64))
        export = importlib.import_module("pnnx").export
        _quietly(lambda: export(network, str(folder / "network.pt"), shapes[:1], shapes[1:]))
    net = ncnn.Net()
    net.opt.num_threads = case.threads
    net.load_param(str(param))
    net.load_model(str(param.with_suffix(".bin")))

    def network(image: Tensor) -> Tensor:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(image[0].contiguous().numpy()).clone())
        return torch.from_numpy(np.array(extractor.extract("out0")[1]))[None]

    return _plain(network)


def _plain(network: Network) -> Side:
    """The whole picture in one call, as these libraries' own examples show."""

    def magnify(pixels: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)[None].float() / 255
        result = network(image.contiguous())[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
        return cv2.cvtColor(result, cv2.COLOR_RGB2BGR)

    return Side(network, _by_cv2(magnify))


def _by_cv2(magnify: Callable[[np.ndarray], np.ndarray]) -> Folder:
    """One picture after the other, as upstream's script does."""

    def folder(source: Path, target: Path) -> None:
        target.mkdir(exist_ok=True)
        for path in sorted(source.iterdir()):
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
            with torch.inference_mode(), contextlib.redirect_stdout(io.StringIO()):
                cv2.imwrite(str(target / f"{path.stem}_out.png"), magnify(pixels))

    return folder


def _quietly(make: Callable[[], Any]) -> Any:
    """Call `make` without what it prints; converters print from C++ and from processes of their own."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    try:
        with Path(os.devnull).open("w") as sink:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return make()
    finally:
        for number, copy in enumerate(kept, start=1):
            os.dup2(copy, number)
            os.close(copy)


SIDES: dict[str, Callable[[Case], Side]] = {
    "upstream": _upstream,
    "spandrel": _spandrel,
    "ours torch fp32": lambda case: _ours(case, runtime="torch", precision="fp32"),
    "ours torch": lambda case: _ours(case, runtime="torch", precision=case.precision),
    "ours openvino": lambda case: _ours(case, runtime="openvino", precision=case.precision),
    "ours onnxruntime": lambda case: _ours(case, runtime="onnxruntime", precision=case.precision),
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "ncnn": _ncnn,
}
_NEEDS: dict[str, tuple[str, ...]] = {
    "upstream": ("realesrgan",),
    "spandrel": ("spandrel",),
    "ours torch fp32": (),
    "ours torch": (),
    "ours openvino": ("openvino",),
    "ours onnxruntime": ("onnxruntime", "onnx", "onnxscript"),
    "onnxruntime": ("onnxruntime", "onnx", "onnxscript"),
    "openvino": ("openvino",),
    "ncnn": ("ncnn", "pnnx"),
}
