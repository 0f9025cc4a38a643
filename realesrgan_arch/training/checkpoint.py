"""Files of a run: weights that other tools load, and states that a resume loads. Complete or absent, never half."""

import errno
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor, nn

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.errors import EXIT_NO_ROOM, UserError
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.training import fault_points

STATE_FORMAT = 2
_FULL = {errno.ENOSPC, errno.EDQUOT}


class CheckpointError(UserError):
    """Weights or a training state that cannot be saved, or cannot be used."""


class NotSavedError(CheckpointError):
    """A disk that does not take a checkpoint; what was saved before is whole."""

    exit_code = EXIT_NO_ROOM

    def __init__(self, sentence: str, *, is_full: bool = False) -> None:
        self.is_full = is_full
        super().__init__(sentence)


@dataclass(frozen=True)
class Written:
    """A file as it went to the disk."""

    size: int
    """In bytes."""
    sha256: str


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of `network` as contiguous fp32 tensors on the CPU: what restricted unpicklers accept."""
    return {
        name: value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype).contiguous().clone()
        for name, value in network.state_dict().items()
    }


def save_weights(
    path: Path, *, params: Mapping[str, Tensor], params_ema: Mapping[str, Tensor] | None = None
) -> Written:
    """Write a BasicSR checkpoint `{"params": ..., "params_ema": ...}` that spandrel and `RealESRGANer` load.

    Raises:
        CheckpointError: a value is not finite; an older file of that name is untouched.
        NotSavedError: the file cannot be written, or is not on the disk as it was written.
    """
    content = {"params": dict(params)}
    if params_ema is not None:
        content["params_ema"] = dict(params_ema)
    broken = [name for state in content.values() for name, value in state.items() if not torch.isfinite(value).all()]
    if broken:
        raise CheckpointError(
            f"the weights are not finite any more ({broken[0]} and {len(broken) - 1} others), so {path} is not "
            "written; go on from the last good one with --resume auto and a lower learning rate"
        )
    return _save(path, content)


def save_state(path: Path, state: Mapping[str, object]) -> Written:
    """Write a training state: tensors, numbers, strings, and lists and dicts of them.

    Raises:
        NotSavedError: the file cannot be written; an older file of that name is untouched.
    """
    return _save(path, {"format": STATE_FORMAT, **state})


class _HashingWriter:
    """Passes bytes on to `file`, and keeps their hash and the error that torch's archive writer swallows."""

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        self._file = file
        self._name = name
        self._digest = hashlib.sha256()
        self._size = 0
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            count = self._file.write(data)
        except OSError as error:
            self.error = error
            raise
        self._digest.update(data)
        self._size += count
        if self._size == count:
            fault_points.reached(f"save:inside {self._name}")
        return count

    def flush(self) -> None:
        self._file.flush()

    def written(self) -> Written:
        return Written(self._size, self._digest.hexdigest())


def _save(path: Path, content: Mapping[str, object]) -> Written:
    name, writer = path.name, None

    def check(temporary: Path) -> None:
        fault_points.reached(f"save:whole but unnamed {name}")
        if writer is not None:
            _check_as_written(temporary, writer.written())
        fault_points.reached(f"save:before the rename of {name}")

    try:
        with atomic_file(path, check=check) as file:
            fault_points.reached(f"save:opened {name}")
            writer = _HashingWriter(file, name=name)
            torch.save(dict(content), writer)  # pyright: ignore[reportArgumentType]
    except (OSError, RuntimeError) as error:  # torch's archive writer turns a full disk into a RuntimeError
        cause = (writer.error if writer else None) or error
        raise NotSavedError(
            f"cannot write {path} ({cause}); what was saved before is whole: mend the disk and go on with "
            "--resume auto",
            is_full=isinstance(cause, OSError) and cause.errno in _FULL,
        ) from error
    fault_points.reached(f"save:renamed {name}")
    return writer.written()


def _check_as_written(path: Path, written: Written) -> None:
    """Raise `OSError` where the disk does not give back what it was given, or that is no archive."""
    if hash_file(path) != written.sha256:
        raise OSError(errno.EIO, "the disk gives back other bytes than it was given")
    if not zipfile.is_zipfile(path):
        raise OSError(errno.EIO, "the file has no directory of its contents")


def load_state(path: Path) -> dict[str, object]:
    """Read a training state with `weights_only=True`: a state cannot carry code.

    Raises:
        CheckpointError: absent, damaged, or not a training state of this project.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"expected a training state at {path}, found no file; check `resume`: auto, none or a path"
        ) from error
    except Exception as error:  # torch raises whatever its unpickler met
        raise CheckpointError(
            f"expected a training state, got {path}, which is none or is damaged; name another one with `resume`, or a "
            "run's folder, whose newest whole checkpoint is taken then"
        ) from error
    if isinstance(state, dict) and state.get("format", STATE_FORMAT) != STATE_FORMAT:
        raise CheckpointError(
            f"expected a training state of format {STATE_FORMAT}, got {path} of format {state['format']}, which "
            "another version of this program wrote; start a new run from its weights with path.pretrain_network_g"
        )
    if not isinstance(state, dict) or "format" not in state:
        raise CheckpointError(
            f"expected a training state of this project (format {STATE_FORMAT}), got {path}; BasicSR's own states "
            "hold no generator, so start from its weights with path.pretrain_network_g instead"
        )
    return state


def describe_network(network: nn.Module) -> str:
    """Return class, size and a short digest of the names and shapes of a network's tensors."""
    shapes = [f"{name} {tuple(value.shape)}" for name, value in network.state_dict().items()]
    count = sum(parameter.numel() for parameter in network.parameters())
    digest = hashlib.sha256("\n".join(shapes).encode()).hexdigest()[:8]
    return f"{type(network).__name__} with {count:,} parameters ({digest})"
