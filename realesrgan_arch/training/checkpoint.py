"""Files of a run: weights that other tools load, and states that a resume loads. Complete or absent, never half."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.errors import UserError

STATE_FORMAT = 1


class CheckpointError(UserError):
    """A training state that cannot be used."""


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of `network` as contiguous fp32 tensors on the CPU: what restricted unpicklers accept."""
    return {
        name: value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype).contiguous().clone()
        for name, value in network.state_dict().items()
    }


def save_weights(path: Path, *, params: Mapping[str, Tensor], params_ema: Mapping[str, Tensor] | None = None) -> None:
    """Write a BasicSR checkpoint `{"params": ..., "params_ema": ...}` that spandrel and `RealESRGANer` load.

    Raises:
        OSError: the file cannot be written; an older file of that name is untouched.
    """
    content = {"params": dict(params)}
    if params_ema is not None:
        content["params_ema"] = dict(params_ema)
    with atomic_file(path) as file:
        torch.save(content, file)


def save_state(path: Path, state: Mapping[str, object]) -> None:
    """Write a training state: tensors, numbers, strings, and lists and dicts of them.

    Raises:
        OSError: the file cannot be written; an older file of that name is untouched.
    """
    with atomic_file(path) as file:
        torch.save({"format": STATE_FORMAT, **state}, file)


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
