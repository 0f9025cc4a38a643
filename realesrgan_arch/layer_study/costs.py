"""What it costs to train a candidate: parameters and the peak of memory, foreseen without a step."""

from dataclasses import dataclass

from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.memory import MemoryModel
from realesrgan_arch.training.plan import present_dtype
from realesrgan_arch.training.trainable_choices import own_choice


@dataclass(frozen=True)
class Cost:
    """Of one candidate."""

    parameters: int
    """That train."""
    peak_bytes: int
    """Of a step, see `training.memory`; without Python, PyTorch and CUDA themselves."""


def foresee_costs(candidates: tuple[Candidate, ...], options: Options) -> dict[Candidate, Cost]:
    """Return what each candidate costs with the batch, crops and precision of `options`.

    Raises:
        FreezingError: a pattern that matches no layer.
    """
    model = MemoryModel(options)
    at_once = max(1, model.batch // require_train(options).num_parts)
    checkpointing = bool(getattr(options.network_g, "checkpointing", False))
    dtype = present_dtype(options)
    found: dict[Candidate, Cost] = {}
    for candidate in candidates:
        choice = own_choice(options.network_g, candidate.patterns)
        trained = model.trained_parameters(choice)
        peak = model.predict(choice, checkpointing=checkpointing, at_once=at_once, dtype=dtype)
        found[candidate] = Cost(trained, peak.total)
    return found
