"""`train.accumulate: auto` becomes a number, once, before anything is built."""

from dataclasses import dataclass

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.errors import UserError
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.memory import MemoryModel
from realesrgan_arch.training.plan import Budget, largest_that_fits, read_budget


class MemoryPlanError(UserError):
    """Training that does not fit into the memory there is, even picture by picture."""


@dataclass(frozen=True)
class Settled:
    """Options whose `train.accumulate` is a number, and how it came about; no words where it was one before."""

    options: Options
    words: str = ""


def settle_accumulate(options: Options, *, earlier: int | None = None, sharers: int = 1) -> Settled:
    """Choose the smallest number of equal parts of the batch that fits `train.memory_budget`; the batch stays as it is.

    Args:
        options: of the run.
        earlier: number of the run that is gone on with; it stays, so that its steps stay the same to the last bit.
        sharers: processes that share the memory of this machine.

    Raises:
        MemoryPlanError: one picture at once is too much already, or two where a batch norm trains.
    """
    if options.train is None or options.train.accumulate != "auto":
        return Settled(options)
    batch = options.datasets.train.batch_size_per_gpu if options.datasets.train else 1
    if earlier is not None and batch % earlier == 0:
        return Settled(with_parts(options, earlier), f"accumulate: auto is {earlier} part(s) of the batch, as before")
    budget = read_budget(options.train.memory_budget, options, sharers=sharers)
    at_once, prediction = largest_that_fits(options, MemoryModel(options), budget)
    if prediction.total > budget.size:
        raise MemoryPlanError(_too_much(prediction.total, budget, at_once=at_once))
    parts = batch // at_once
    words = (
        f"accumulate: auto is {parts} part(s) of {at_once} picture(s), {say_bytes(prediction.total)} predicted, "
        f"budget {say_bytes(budget.size)} ({budget.words})"
    )
    return Settled(with_parts(options, parts), words)


def with_parts(options: Options, parts: int) -> Options:
    """Return `options` with so many parts of a batch."""
    train = require_train(options).model_copy(update={"accumulate": parts})
    return options.model_copy(update={"train": train})


def _too_much(needed: int, budget: Budget, *, at_once: int) -> str:
    least = "one picture at once needs" if at_once == 1 else f"{at_once} at once, for batch norm's sake, need"
    return (
        f"train.accumulate: auto finds no way into {say_bytes(budget.size)} ({budget.words}): {least} "
        f"{say_bytes(needed)}; `realesrgan-arch plan FILE` shows what fits"
    )
