"""ncnn's form of a network, through pnnx, as upscayl and Real-ESRGAN-ncnn-vulkan read it.

They ask for blobs called `data` and `output`; pnnx calls them `in0` and `out0`. Weights are stored in half precision,
as in the models that upscayl ships. Source: upscayl-ncnn src/realesrgan.cpp, upscayl common/check-model-scale.ts.
"""

import subprocess
from pathlib import Path

import numpy as np
import torch
from torch import nn

from realesrgan_arch import atomic
from realesrgan_arch.extras import require_extra
from realesrgan_arch.upscaling.convert import quiet_tracing
from realesrgan_arch.upscaling.export.source import ExportError

INPUT, OUTPUT = "data", "output"
_PNNX_NAMES = {"in0": INPUT, "out0": OUTPUT}
_HEADER_LINES = 2
_FIRST_BLOB = 4
"""A line of a .param: type, name, number of inputs, number of outputs, blobs, then parameters with a `=`."""
_FP32_TAG, _FP16_TAG = bytes(4), bytes.fromhex("476b3001")
_TIMEOUT_S = 1800
_SHAPES = ((1, 3, 24, 32), (1, 3, 40, 52))
"""Two inputs that differ in both sides, so that pnnx leaves them free; multiples of 4 for the networks that fold."""


def write_ncnn(network: nn.Module, param: Path, *, scratch: Path) -> None:
    """Write `network` (float32, CPU) as `param` and, beside it, the `.bin` with its weights as fp16.

    Args:
        network: RGB float pictures in, and out.
        param: ends in .param.
        scratch: an empty folder for the dozen files that pnnx leaves; the caller removes it.

    Raises:
        MissingExtraError: pnnx is not installed.
        ExportError: pnnx cannot convert the network.
        OSError: a file cannot be written.
    """
    pnnx = require_extra("pnnx", extra="export-ncnn", purpose="ncnn")
    with quiet_tracing(), torch.no_grad():
        torch.jit.save(torch.jit.trace(network.eval(), torch.full(_SHAPES[0], 0.5)), str(scratch / "model.pt"))
    _run_pnnx([pnnx.EXEC_PATH, "model.pt", *_shape_arguments(), "fp16=0"], folder=scratch)
    text = (scratch / "model.ncnn.param").read_text(encoding="ascii")
    atomic.write_text(param, with_upscayls_names(text))
    weights = half_weights(text, (scratch / "model.ncnn.bin").read_bytes())
    atomic.write_bytes(param.with_suffix(".bin"), weights)


def with_upscayls_names(param: str) -> str:
    """Return the text of a `.param` with `in0` and `out0` called `data` and `output`.

    Raises:
        ExportError: it has not got exactly one input and one output of these names.
    """
    lines = [_renamed(line) if index >= _HEADER_LINES else line for index, line in enumerate(param.splitlines())]
    used = [word for line in lines[_HEADER_LINES:] for word in line.split()[_FIRST_BLOB:]]
    if not {INPUT, OUTPUT} <= set(used):
        raise ExportError("pnnx gave a network without in0 or out0, which upscayl could not use; leave ncnn out")
    return "".join(f"{line}\n" for line in lines)


def half_weights(param: str, weights: bytes) -> bytes:
    """Return the weights of a `.bin` in fp32 with those of its convolutions as fp16.

    pnnx could write them so, but makes zero of all below 2^-14, which fp16 can hold: of realesr-general-x4v3, whose
    weights are fp16 as released, that moves pictures by half a level of 255.

    Source: ncnn's wiki, "param and model file structure": before the weights of a convolution stands a tag; fp16 is
    padded to 4 bytes; biases and slopes have no tag.

    Raises:
        ExportError: layers that this does not know.
    """
    parts: list[bytes] = []
    place = 0
    for line in param.splitlines()[_HEADER_LINES:]:
        kind, values = line.split()[0], dict(word.split("=") for word in line.split() if "=" in word)
        if kind == "Convolution":
            count, plain = int(values["6"]), int(values["0"]) * int(values.get("5", 0))
            tagged = np.frombuffer(weights, "<f4", count, place + len(_FP32_TAG))
            half = tagged.astype("<f2").tobytes()
            parts += [_FP16_TAG, half, bytes(-len(half) % 4)]
            place += len(_FP32_TAG) + 4 * count
        else:
            plain = int(values["0"]) if kind == "PReLU" else 0
        parts.append(weights[place : place + 4 * plain])
        place += 4 * plain
    if place != len(weights):
        raise ExportError("pnnx gave layers whose weights cannot be halved; leave ncnn out of --to")
    return b"".join(parts)


def scale_upscayl_reads(stem: str) -> int:
    """Return the scale that upscayl takes from the name of a model."""
    text = stem.lower()
    return next((scale for scale in (2, 3) if f"x{scale}" in text or f"{scale}x" in text), 4)


def _renamed(line: str) -> str:
    words = line.split()
    names = [_PNNX_NAMES.get(word, word) for word in words[_FIRST_BLOB:]]
    return " ".join(
        [*(word.ljust(width) for word, width in zip(words[:2], (24, 24), strict=False)), *words[2:4], *names]
    )


def _shape_arguments() -> list[str]:
    texts = [f"[{','.join(map(str, shape))}]f32" for shape in _SHAPES]
    return [f"inputshape={texts[0]}", f"inputshape2={texts[1]}"]


def _run_pnnx(command: list[str], *, folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"pnnx was not ready after {_TIMEOUT_S // 60} minutes; leave ncnn out of --to") from error
    lacking = [name for name in ("param", "bin") if not (folder / f"model.ncnn.{name}").is_file()]
    if done.returncode or lacking:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ExportError(
            f"pnnx could not convert this network ({said[-1] if said else done.returncode}); leave ncnn out of --to"
        )
