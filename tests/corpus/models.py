"""Model files that are hostile, broken or written in another way: rows 40 and 41 of the catalogue."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from realesrgan_arch.networks.rrdbnet import RRDBNet
from tests.corpus import pictures

MARKER = "executed"
"""The file, in the working folder, that is made when a model's code runs."""


@dataclass(frozen=True)
class ModelFile:
    """`write(path)` makes the file `name`; `words` are said, and `code` is the exit code of `upscale` with it."""

    id: str
    what: str
    name: str
    write: Callable[[Path], object]
    words: str
    code: int = 6

    @property
    def row(self) -> int:
        return int(self.id[:2])


class Attack:
    """Runs a program when it is unpickled without care."""

    def __reduce__(self):
        return os.system, (f"touch {MARKER}",)


class Nest:
    """Reaches a program by way of names that look harmless."""

    def __reduce__(self):
        return getattr, (Attack(), "run")


def small_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return RRDBNet(scale=2, num_feat=4, num_block=1, num_grow_ch=2).state_dict()


def _saved(contents: object, **options: object) -> Callable[[Path], object]:
    return lambda path: torch.save(contents, path, **options)


def _with_prefix(prefix: str) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in small_state().items()}


def _without(*names: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in small_state().items() if name not in names}


def _with_value(value: float) -> dict[str, Tensor]:
    state = small_state()
    state["conv_last.weight"][0, 0, 0, 0] = value
    return state


def _half(path: Path) -> None:
    torch.save({"params": small_state()}, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flipped(path: Path) -> None:
    """One bit of a weight is wrong; the file is as long as before and its structure is right."""
    torch.save({"params": small_state()}, path)
    data = path.read_bytes()
    place = data.index(small_state()["conv_body.weight"].numpy().tobytes()[:64])
    path.write_bytes(pictures.with_flipped_bit(data, place + 2))


def _torchscript(path: Path) -> None:
    torch.jit.script(torch.nn.Identity()).save(str(path))


def _safetensors(header: dict[str, object] | bytes, body: bytes = b"", *, length: int | None = None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return lambda path: path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)


def _tensor(shape: list[int], end: int) -> dict[str, object]:
    return {"conv_first.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}


_OLD = {"_use_new_zipfile_serialization": False}
_NOT_RUN = "nothing was executed"

_HOSTILE = (
    *(
        ModelFile(f"40-code-{name}", f"A file that runs a program when it is loaded without care{where}.", file, write,
            words=f"names the Python object posix.system, which could run code; {_NOT_RUN}")
        for name, file, where, write in (
            ("in-a-pickle", "a.pth", ", a plain pickle", lambda path: path.write_bytes(pickle.dumps(Attack()))),
            ("in-params", "a.pth", ", in `params`", _saved({"params": Attack()})),
            ("beside-params", "a.pth", ", beside good `params`", _saved({"params": small_state(), "note": Attack()})),
            ("in-the-old-format", "a.pth", ", in torch's old format", _saved({"params": Attack()}, **_OLD)),
            ("in-a-state", "a.state", ", called `.state`", _saved({"optimizers": [Attack()]})),
            ("called-pt", "a.pt", ", called `.pt`", _saved(Attack())),
        )
    ),
    ModelFile("40-getattr", "A file that gets at a function through Python's `getattr`.", "a.pth", _saved(Nest()),
        words=_NOT_RUN),
    ModelFile("40-torchscript", "A TorchScript program.", "a.pt", _torchscript, words="is a TorchScript program"),
    ModelFile("40-pickle-called-safetensors", "The same pickle, called `.safetensors`.", "a.safetensors",
        _saved(Attack()), words="damaged or not a safetensors file"),
)  # fmt: skip

_BROKEN = (
    ModelFile("41-empty", "A file of zero bytes.", "a.pth", lambda path: path.write_bytes(b""), "is empty"),
    ModelFile("41-cut-off", "Half a file.", "a.pth", _half, "is damaged or not a checkpoint"),
    ModelFile("41-flipped-bit", "One bit of one weight is wrong.", "a.pth", _flipped, "is damaged (checksum of "),
    ModelFile("41-web-page", "A web page (an error message, mostly).", "a.pth",
        lambda path: path.write_text("<!DOCTYPE html><html>Not Found</html>"), "is a web page, not weights"),
    ModelFile("41-web-page-called-safetensors", "The same, called `.safetensors`.", "a.safetensors",
        lambda path: path.write_text("<!DOCTYPE html><html>Not Found</html>"), "is damaged or not a safetensors file"),
    ModelFile("41-picture", "A picture.", "a.pth", lambda path: path.write_bytes(pictures.png(41)),
        "is damaged or not a checkpoint"),
    ModelFile("41-list", "A list instead of a state dict.", "a.pth", _saved([1, 2]), "holds a list"),
    ModelFile("41-no-tensors", "A dictionary of other things.", "a.pth", _saved({"params": {"a": 1}}),
        "expected a tensor"),
    ModelFile("41-nan", "A weight that is no number.", "a.pth", _saved(_with_value(float("nan"))),
        "holds NaN or infinite values in conv_last.weight"),
    ModelFile("41-infinite", "A weight that is infinite.", "a.pth", _saved(_with_value(float("inf"))),
        "holds NaN or infinite values in conv_last.weight"),
    ModelFile("41-header-longer-than-the-file", "A safetensors file whose header claims to be 2^62 bytes long.",
        "a.safetensors", _safetensors({}, length=1 << 62), "is damaged or not a safetensors file"),
    ModelFile("41-header-that-is-no-json", "A safetensors file whose header is no JSON.", "a.safetensors",
        _safetensors(b"{not json"), "is damaged or not a safetensors file"),
    ModelFile("41-tensor-beyond-the-file", "A safetensors file whose tensor lies beyond its end.", "a.safetensors",
        _safetensors(_tensor([1000, 1000], 4_000_000), bytes(16)), "is damaged or not a safetensors file"),
    ModelFile("41-shape-that-overflows", "A safetensors file with a shape of 2^62 x 2^62.", "a.safetensors",
        _safetensors(_tensor([1 << 62, 1 << 62], 16), bytes(16)), "is damaged or not a safetensors file"),
)  # fmt: skip

_WRONG = (
    ModelFile("41-other-architecture", "Weights of a network that is not known here.", "a.pth",
        _saved({"block1.0.weight": torch.zeros(4, 3, 9, 9)}), "holds no architecture that is known here", code=2),
    ModelFile("41-missing-key", "A state dict without one of its tensors.", "a.pth", _saved(_without("conv_hr.bias")),
        "1 missing: conv_hr.bias", code=2),
    ModelFile("41-extra-key", "A state dict with a tensor too many.", "a.pth",
        _saved({**small_state(), "extra.weight": torch.zeros(2)}), "1 extra: extra.weight", code=2),
    ModelFile("41-wrong-shape", "A state dict one tensor of which has another shape.", "a.pth",
        _saved({**small_state(), "conv_hr.bias": torch.zeros(7)}), "of another shape", code=2),
    ModelFile("41-folder", "A folder.", "a.pth", lambda path: path.mkdir(), "got the folder a.pth", code=2),
    ModelFile("41-pipe", "A named pipe; opening it would wait for ever.", "a.pth", os.mkfifo, "not found", code=2),
    ModelFile("41-name-too-long", "A name that is longer than names can be.", "m" * 300, lambda path: None,
        "not found", code=2),
)  # fmt: skip

_LEGAL = tuple(
    ModelFile(f"41-legal-{name}", f"Not broken: {what}.", file, write, "1 picture upscaled x2", code=0)
    for name, what, file, write in (
        ("params-ema", "the weights are in `params_ema`", "a.pth", _saved({"params_ema": small_state()})),
        ("params", "the weights are in `params` only", "a.pth", _saved({"params": small_state()})),
        ("flat", "the weights are at the top level", "a.pth", _saved(small_state())),
        ("prefix", "each name begins with `module.`", "a.pth", _saved({"params": _with_prefix("module.")})),
        ("half", "the weights are in half precision", "a.pth",
            _saved({name: tensor.half() for name, tensor in small_state().items()})),
        ("old-format", "it is written in torch's old format", "a.pth", _saved(small_state(), **_OLD)),
        ("safetensors", "a safetensors file", "a.safetensors",
            lambda path: safetensors.torch.save_file(small_state(), path)),
        ("name-not-utf8", "the name is not UTF-8", os.fsdecode(b"caf\xe9.safetensors"),
            lambda path: path.write_bytes(safetensors.torch.save(small_state()))),
    )
)  # fmt: skip

MODELS: tuple[ModelFile, ...] = (*_HOSTILE, *_BROKEN, *_WRONG, *_LEGAL)
