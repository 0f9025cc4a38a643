"""The formats: their files, who writes them, which runtimes read them again, and how far a runtime may be off."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import save

from realesrgan_arch import atomic
from realesrgan_arch.extras import require_extra
from realesrgan_arch.training.checkpoint import save_weights
from realesrgan_arch.upscaling import convert
from realesrgan_arch.upscaling.export import ncnn_files, runtimes
from realesrgan_arch.upscaling.export.source import Source, spandrel_obstacle

FP32_TOLERANCE = 1e-4
"""A fortieth of a level of 255: other orders of summation, and nothing more."""
NCNN_TOLERANCE = 2e-3
"""Half a level of 255: the weights lie in the file as fp16."""


@dataclass(frozen=True)
class Runtime:
    """What reads a file again."""

    name: str
    open: Callable[[Path], runtimes.Run]
    tolerance: float
    """The largest difference to the source that is not an error, for pictures in [0, 1]."""


@dataclass(frozen=True)
class Format:
    """One form of a network."""

    name: str
    file_names: Callable[[str, int], tuple[str, ...]]
    """From the name of the model and its scale; the first is what a runtime opens."""
    write: Callable[[Source, Path, str | None], None]
    """Takes the first path, whose folder is there, and the licence."""
    runtimes: tuple[Runtime, ...]
    needs: tuple[tuple[str, str], ...] = ()
    """Module and extra, to write and to read it again."""
    where: str = ""
    """Where people put it."""


def _write_pth(source: Source, path: Path, _licence: str | None) -> None:
    state = source.state
    save_weights(path, params=state, params_ema=state)


def _write_safetensors(source: Source, path: Path, licence: str | None) -> None:
    atomic.write_bytes(path, with_sorted_header(save(source.state, metadata=metadata_of(source, licence=licence))))


def _write_onnx(source: Source, path: Path, _licence: str | None) -> None:
    convert.write_onnx(source.network, path)


def _write_openvino(source: Source, path: Path, _licence: str | None) -> None:
    convert.write_openvino(source.network, path)


def _write_ncnn(source: Source, path: Path, _licence: str | None) -> None:
    scratch = path.with_name("pnnx")
    scratch.mkdir()
    ncnn_files.write_ncnn(source.network, path, scratch=scratch)


def _named(*suffixes: str) -> Callable[[str, int], tuple[str, ...]]:
    return lambda name, _scale: tuple(f"{name}{suffix}" for suffix in suffixes)


def ncnn_stem(name: str, scale: int) -> str:
    """Return the stem from which upscayl reads the scale."""
    return f"{name}-{scale}x"


_TORCH = Runtime("torch", runtimes.open_torch, 0.0)
_TORCH_PARAMS = Runtime("torch (params)", runtimes.open_params, 0.0)
_SPANDREL = Runtime("spandrel", runtimes.open_spandrel, FP32_TOLERANCE)
_EXPORT = "export"
_TABLE = (
    Format(
        "pth",
        _named(".pth"),
        _write_pth,
        (_TORCH, _TORCH_PARAMS, _SPANDREL),
        where="ComfyUI: models/upscale_models; AUTOMATIC1111: models/ESRGAN; chaiNNer: Load Model",
    ),
    Format(
        "safetensors",
        _named(".safetensors"),
        _write_safetensors,
        (_TORCH, _SPANDREL),
        where="ComfyUI: models/upscale_models; chaiNNer: Load Model",
    ),
    Format(
        "onnx",
        _named(".onnx"),
        _write_onnx,
        (Runtime("onnxruntime", runtimes.open_onnxruntime, FP32_TOLERANCE),),
        needs=(("onnx", _EXPORT), ("onnxscript", _EXPORT), ("onnxruntime", _EXPORT)),
        where="chaiNNer: ONNX, Load Model; any program with ONNX Runtime",
    ),
    Format(
        "openvino",
        _named(".xml", ".bin"),
        _write_openvino,
        (Runtime("openvino", runtimes.open_openvino, FP32_TOLERANCE),),
        needs=(("openvino", "openvino"),),
        where="any program with OpenVINO; both files into one folder",
    ),
    Format(
        "ncnn",
        lambda name, scale: _named(".param", ".bin")(ncnn_stem(name, scale), scale),
        _write_ncnn,
        (Runtime("ncnn", runtimes.open_ncnn, NCNN_TOLERANCE),),
        needs=(("pnnx", "export-ncnn"), ("ncnn", "export-ncnn")),
        where="upscayl: Settings, custom models folder (both files)",
    ),
)
FORMATS: Mapping[str, Format] = {one.name: one for one in _TABLE}


def check_packages(chosen: tuple[Format, ...]) -> None:
    """Check that all can be written and read again.

    Raises:
        MissingExtraError: a package is absent; names it and how to install it.
    """
    for one in chosen:
        for module, extra in one.needs:
            require_extra(module, extra=extra, purpose=f"--to {one.name}")


def runtimes_for(one: Format, source: Source) -> tuple[Runtime, ...]:
    """Return those runtimes of a format that are installed and know the network."""
    has_spandrel = runtimes.has_spandrel() and not spandrel_obstacle(source.spec)
    return tuple(runtime for runtime in one.runtimes if runtime is not _SPANDREL or has_spandrel)


def metadata_of(source: Source, *, licence: str | None) -> dict[str, str]:
    """Return what a `.safetensors` file says about itself; the same weights give the same bytes on any day."""
    facts: dict[str, object] = {**asdict(source.spec), "scale": source.spec.scale}
    facts["source_sha256"] = source.file.sha256
    if source.blended:
        facts |= {"blended_sha256": source.blended.file.sha256, "blended_share": source.blended.share}
    if licence:
        facts["licence"] = licence
    return {"format": "pt", **{f"realesrgan_arch.{key}": str(value) for key, value in facts.items()}}


def with_sorted_header(data: bytes) -> bytes:
    """Return a safetensors file with its metadata in order: the library writes it in another one in every process.

    Source: the format's description, safetensors README: 8 bytes of length, JSON padded with spaces, tensors.
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    ordered = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(ordered, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[start:]
