"""From a file to plain tensors, without ever running code that the file carries."""

import pickle
import pickletools
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from realesrgan_arch.weights.table import BadModelError, WeightsError, find_weights

MAX_BYTES = 4 * 1024**3
"""Nothing that this project uses is a tenth of it; a bigger file is a mistake or an attack."""

_MAX_PICKLE_BYTES = 64 * 1024**2
_AGAIN = "download or save it again"
_BROKEN = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ImportError,
    AssertionError,
    OverflowError,
    struct.error,
)
"""What torch's restricted unpickler raises on arbitrary bytes."""


def read_checkpoint(path: Path) -> object:
    """Return the contents of a `.pth` or `.safetensors` file, tensors on the CPU.

    Raises `WeightsError` for a missing file, `BadModelError` for an empty, oversized, damaged or unsafe one.
    """
    path = find_weights(path)
    head = _checked_head(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadModelError(f"{path} is a web page, not weights: download the file itself, not the page that shows it.")
    return _read_pickle(path)


def _checked_head(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}.") from error
    if size == 0:
        raise BadModelError(f"{path} is empty: download it again.")
    if size > MAX_BYTES:
        raise BadModelError(f"{path} has {size:,} bytes, more than the {MAX_BYTES:,} that weights may have.")
    return head


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load(path.read_bytes())  # `load_file` opens only names in UTF-8
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise BadModelError(f"{path} is damaged or not a safetensors file: {_AGAIN}.") from error


def _read_pickle(path: Path) -> object:
    _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on odd files before it refuses them; one sentence is enough
            return torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise BadModelError(_refusal(path, error)) from error


def _check_archive(path: Path) -> None:
    """Compare the checksums of a zip checkpoint: torch does not, and one flipped bit is one silently wrong weight."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise BadModelError(_damaged(path)) from error
    if damaged is not None:
        raise BadModelError(f"{path} is damaged (checksum of {damaged}): {_AGAIN}.")


def _refusal(path: Path, error: BaseException) -> str:
    text = str(error)
    if "TorchScript" in text:
        return f"{path} is a TorchScript program, not weights: export a state dict with torch.save instead."
    carried = _refused_global(path, text) if isinstance(error, pickle.UnpicklingError) else None
    if carried:
        return (
            f"{path} is refused: besides tensors it names the Python object {carried}, which could run code; nothing "
            "was executed. Ask its author for a .safetensors file or a plain state dict."
        )
    return _damaged(path)


def _damaged(path: Path) -> str:
    """What torch and the zip reader say of such a file is about themselves; it stays in the cause of the error."""
    return f"{path} is damaged or not a checkpoint: {_AGAIN}."


def _refused_global(path: Path, message: str) -> str | None:
    named = re.search(r"GLOBAL ([\w.]+)", message)
    if named:
        return named.group(1)
    return next((name for name in _pickle_globals(path) if not name.startswith(("torch.", "collections."))), None)


def _pickle_globals(path: Path) -> Iterator[str]:
    """List the globals that a pickle names; `pickletools` reads the opcodes and runs none of them."""
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(_pickle_bytes(path)):
            if opcode.name in ("GLOBAL", "INST"):
                yield str(argument).replace(" ", ".")
            elif opcode.name == "STACK_GLOBAL":
                yield ".".join(strings[-2:])
            elif isinstance(argument, str):
                strings.append(argument)
    except (ValueError, OSError, zipfile.BadZipFile, LookupError):
        return


def _pickle_bytes(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return file.read(_MAX_PICKLE_BYTES)
    with zipfile.ZipFile(path) as archive:
        member = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        with archive.open(member) as file:
            return file.read(_MAX_PICKLE_BYTES)
