"""Files of a run: weights that other tools load, and states that a resume loads. Complete or absent, never half."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.errors import UserError

STATE_FORMAT = 2


class CheckpointError(UserError):
    """Weights or a training state that cannot be saved, or cannot be used."""


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of `network` as contiguous fp32 tensors on the CPU: what restricted unpicklers accept."""
    return {
        name: value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype).contiguous().clone()
        for name, value in network.state_dict().items()
    }


def save_weights(path: Path, *, params: Mapping[str, Tensor], params_ema: Mapping[str, Tensor] | None = None) -> None:
    """Write a BasicSR checkpoint `{"params": ..., "params_ema": ...}` that spandrel and `RealESRGANer` load.

    Raises:
        CheckpointError: a value is not finite, or the file cannot be written; an older file of that name is untouched.
    """
    content = {"params": dict(params)}
    if params_ema is not None:
        content["params_ema"] = dict(params_ema)
    broken = [name for state in content.values() for name, value in state.items() if not torch.isfinite(value).all()]
    if broken:
        raise CheckpointError(
            f"the weights are not finite any more ({broken[0]} and {len(broken) - 1} others), so {path} is not "
            "written; go on from the last good one with --auto_resume and a lower learning rate"
        )
    _save(path, content)


def save_state(path: Path, state: Mapping[str, object]) -> None:
    """Write a training state: tensors, numbers, strings, and lists and dicts of them.

    Raises:
        CheckpointError: the file cannot be written; an older file of that name is untouched.
    """
    _save(path, {"format": STATE_FORMAT, **state})


def _save(path: Path, content: Mapping[str, object]) -> None:
    try:
        with atomic_file(path) as file:
            torch.save(dict(content), file)
    except (OSError, RuntimeError) as error:  # torch's archive writer turns a full disk into a RuntimeError
        raise CheckpointError(
            f"cannot write {path} ({error}); what was saved before is whole: mend the disk and go on with --auto_resume"
        ) from error


def load_state(path: Path) -> dict[str, object]:
    """Read a training state with `weights_only=True`: a state cannot carry code.

    Raises:
        CheckpointError: absent, damaged, or not a training state of this project.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"expected a training state at {path}, found no file; check path.resume_state") from error
    except Exception as error:  # torch raises whatever its unpickler met
        raise CheckpointError(
            f"expected a training state, got {path}, which cannot be read ({type(error).__name__}); resume from an "
            "older state of the run"
        ) from error
    if not isinstance(state, dict) or state.get("format") != STATE_FORMAT:
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
