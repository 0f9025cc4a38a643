"""What it costs to train a candidate: parameters and the peak of memory, foreseen without a step."""

from dataclasses import dataclass, replace

from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.memory import MemoryModel, with_checkpointing
from realesrgan_arch.training.micro_batch import MemoryPlanError, settle_accumulate
from realesrgan_arch.training.plan import present_dtype
from realesrgan_arch.training.trainable_choices import own_choice


@dataclass(frozen=True)
class Cost:
    """Of one candidate."""

    parameters: int
    """That train."""
    peak_bytes: int
    """Of a step, see `training.memory`; without Python, PyTorch and CUDA themselves."""
    activation_bytes: int = 0
    """That the generator keeps for its backward pass."""
    checkpointing: bool = False
    """Whether the generator's blocks are recomputed in the backward pass."""
    checkpointed: "Cost | None" = None
    """What it costs with checkpointing; None where that is so already, or the network cannot."""


def foresee_costs(candidates: tuple[Candidate, ...], options: Options) -> dict[Candidate, Cost]:
    """Return what each candidate costs with the batch, crops and precision of `options`.

    Raises:
        FreezingError: a pattern that matches no layer.
        MemoryPlanError: `train.accumulate: auto` finds no number of parts that fits, with checkpointing neither.
    """
    model = MemoryModel(options)
    recomputing = with_recomputing(options)
    found: dict[Candidate, Cost] = {}
    for candidate in candidates:
        other = None if recomputing == options else _cost(model, recomputing, candidate)
        try:
            found[candidate] = replace(_cost(model, options, candidate), checkpointed=other)
        except MemoryPlanError:
            if other is None:
                raise
            found[candidate] = other
    return found


def with_recomputing(options: Options) -> Options:
    """Return `options` with activation checkpointing, as far as their network can."""
    return options.model_copy(update={"network_g": with_checkpointing(options.network_g, enabled=True)})


def _cost(model: MemoryModel, options: Options, candidate: Candidate) -> Cost:
    checkpointing = bool(getattr(options.network_g, "checkpointing", False))
    choice = own_choice(options.network_g, candidate.patterns)
    at_once = _at_once(options, candidate, batch=model.batch)
    peak = model.predict(choice, checkpointing=checkpointing, at_once=at_once, dtype=present_dtype(options))
    return Cost(model.trained_parameters(choice), peak.total, peak.saved, checkpointing)


def _at_once(options: Options, candidate: Candidate, *, batch: int) -> int:
    """Return how many pictures of a batch are trained on at once; `auto` is settled for each candidate, as its run."""
    train = require_train(options)
    trainable = train.trainable.model_copy(update={"network_g": candidate.patterns})
    asked = options.model_copy(update={"train": train.model_copy(update={"trainable": trainable})})
    return max(1, batch // require_train(settle_accumulate(asked).options).num_parts)
