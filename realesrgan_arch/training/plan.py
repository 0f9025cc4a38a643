"""What may be trained within a budget of memory: every choice with its predicted peak, and what follows from them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from realesrgan_arch.byte_count import read_bytes, say_bytes
from realesrgan_arch.devices import choose_device, choose_dtype, free_memory
from realesrgan_arch.networks.spec import RRDBNetSpec
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.memory import MemoryModel, Prediction
from realesrgan_arch.training.trainable_choices import Choice, list_choices, own_choice

USABLE_SHARE = 0.9
"""Of the free memory that `auto` takes: an allocator loses some between its blocks."""
MOST_COLUMNS = 6
FULL_SPEED = 4
"""Pictures at once that keep a device busy; more change the pace little, checkpointing costs another forward pass."""


PRECISION_WORDS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True)
class Budget:
    """Memory that a step may use, and how it was found, in words."""

    size: int
    words: str


@dataclass(frozen=True)
class Row:
    """One way to train and what it needs."""

    choice: Choice
    trained: int
    """Parameters of the generator."""
    checkpointing: bool
    dtype: torch.dtype
    at_once: int
    accumulate: int | None
    """Parts that make the batch of the options; None where they cannot."""
    prediction: Prediction

    @property
    def size(self) -> int:
        """Bytes at the peak."""
        return self.prediction.total

    @property
    def precision(self) -> str:
        """In the options' word."""
        return PRECISION_WORDS[self.dtype]


@dataclass(frozen=True)
class MemoryPlan:
    """All rows: by precision, then from the choice that needs least to the one that needs most."""

    options: Options
    budget: Budget
    parameters: int
    """Of the whole generator."""
    rows: tuple[Row, ...]
    present: Row
    best: Row | None
    """Of those that fit with the batch and the precision of the options."""

    def fits(self, row: Row) -> bool:
        """Whether the budget covers the row."""
        return row.size <= self.budget.size


def read_budget(text: str, options: Options, *, sharers: int = 1) -> Budget:
    """Return the budget of a process that `8GB`, `8GiB`, `8192MB` or `auto` means for the device of `options`.

    `sharers` processes train on this machine: on the CPU they share what is free, while each has a GPU of its own.

    Raises:
        UserError: another text, or a device that is absent or does not say what is free.
    """
    if text != "auto":
        return Budget(read_bytes(text), text)
    device = _device(options)
    free = free_memory(device)
    words = f"{USABLE_SHARE:.0%} of {say_bytes(free)} free on {device}"
    if device.type == "cpu" and sharers > 1:
        return Budget(int(USABLE_SHARE * free / sharers), f"{words}, shared by {sharers} processes")
    return Budget(int(USABLE_SHARE * free), words)


def make_plan(
    options: Options, budget: Budget, *, at_once: Sequence[int] = (), model: MemoryModel | None = None
) -> MemoryPlan:
    """Predict every choice for `options`.

    Args:
        options: with a `train` section; neither data nor weights are read.
        budget: to compare with.
        at_once: numbers of pictures that go through the networks together; divisors of the batch when empty.
        model: of these options, to keep what it has rehearsed for another plan.

    Raises:
        UserError: a pattern of the options that matches no layer; options that cannot train.
    """
    model = model or MemoryModel(options)
    present_choice, choices = _choices(options, model)
    dtype = present_dtype(options)
    present_at_once = _present_at_once(options, model, budget)
    columns = sorted({*(at_once or _columns(model.batch)), present_at_once})
    low = torch.bfloat16 if dtype == torch.float32 else dtype
    rows = [
        _row(model, choice, checkpointing=checkpointing, dtype=kind, at_once=count)
        for kind in (torch.float32, low)
        for choice in choices
        for checkpointing in _checkpointings(options)
        for count in columns
    ]
    wanted = (present_choice, _checkpoints(options), dtype, present_at_once)
    present = next(row for row in rows if (row.choice, row.checkpointing, row.dtype, row.at_once) == wanted)
    parameters = sum(value.numel() for value in model.generator.parameters())
    best = _best(rows, dtype=dtype, budget=budget, batch=model.batch)
    return MemoryPlan(options, budget, parameters, tuple(rows), present, best)


def largest_that_fits(options: Options, model: MemoryModel, budget: Budget) -> tuple[int, Prediction]:
    """Return the largest divisor of the batch that fits with everything else as `options` say, and what it needs.

    Where nothing fits, that is the smallest (1; 2 or more with a batch norm that trains), predicted above the budget.
    """
    choice = _present_choice(options, model)
    divisors = _divisors(model.batch)
    least = min((count for count in divisors if count >= model.least_at_once(choice)), default=model.batch)
    checkpointing, dtype = _checkpoints(options), present_dtype(options)
    for at_once in reversed(divisors):
        prediction = model.predict(choice, checkpointing=checkpointing, at_once=at_once, dtype=dtype)
        if prediction.total <= budget.size or at_once <= least:
            return at_once, prediction
    raise ValueError("expected a batch of at least 1")


def present_dtype(options: Options) -> torch.dtype:
    """Return the precision that the options mean on their device."""
    return choose_dtype(_device(options), options.precision, training=True)


def advice(plan: MemoryPlan) -> list[str]:
    """Return what follows from `plan`, one sentence or two each."""
    said = list(_choice_words(plan))
    earliest = {row.choice.label: row for row in _full_batch(plan) if not row.checkpointing}
    first, last = next(iter(earliest.values())), earliest["all"]
    said.append(
        f"Memory follows the earliest trained layer, not the number of parameters: {plan.present.precision}, "
        f"{last.at_once} at once, without checkpointing, `bias` ({_share(earliest['bias'], plan)} of the parameters) "
        f"needs {say_bytes(earliest['bias'].size)}, `all` {say_bytes(last.size)}, "
        f"`{first.choice.label}` {say_bytes(first.size)}."
    )
    recomputed = next((row for row in _full_batch(plan) if row.checkpointing and row.choice.label == "all"), None)
    if recomputed is not None and plan.fits(recomputed):
        said.append(
            f"With checkpointing, which recomputes the generator's forward pass, `all` needs "
            f"{say_bytes(recomputed.size)} at {recomputed.at_once} at once: no layer has to be frozen for memory. "
            "Freeze layers to stay close to the base."
        )
    return said


def settings_of(row: Row, options: Options) -> str:
    """Return the overrides that make `options` to this row."""
    words = [f'"train.trainable.network_g=[{row.choice.label}]"', f"train.accumulate={row.accumulate}"]
    if row.checkpointing != _checkpoints(options):
        words.append(f"network_g.checkpointing={str(row.checkpointing).lower()}")
    return " ".join(words)


def _choice_words(plan: MemoryPlan) -> Iterator[str]:
    present, best = plan.present, plan.best
    verdict = "fit" if plan.fits(present) else "do not fit"
    yield (
        f"The present options need {say_bytes(present.size)} and {verdict} into {say_bytes(plan.budget.size)} "
        f"({present.choice.label}, {present.at_once} at once, {present.precision})."
    )
    if best is None:
        yield _nothing_fits(plan)
        return
    yield (
        f"The most that fits: `{best.choice.label}` ({_share(best, plan)} of the parameters) with {best.at_once} "
        f"at once {'and checkpointing' if best.checkpointing else 'without checkpointing'}, {say_bytes(best.size)}."
    )


def _nothing_fits(plan: MemoryPlan) -> str:
    options, train = plan.options, require_train(plan.options)
    least = min((row for row in plan.rows if row.dtype == plan.present.dtype), key=lambda row: row.size)
    ways = [f"lower gt_size ({options.crop_gt_size})"]
    ways += [f"leave out train.{key}" for key in ("perceptual_opt", "feature_opt") if getattr(train, key)]
    ways += ["leave out network_d with train.gan_opt"] if options.network_d else []
    if any(plan.fits(row) for row in plan.rows):
        ways.insert(0, "set precision: bf16")
    return (
        f"Nothing fits into {say_bytes(plan.budget.size)} in {plan.present.precision}: the least, "
        f"`{least.choice.label}` with {least.at_once} at once, needs {say_bytes(least.size)}. Ways out: "
        f"{'; '.join(ways)}."
    )


def _full_batch(plan: MemoryPlan) -> Iterator[Row]:
    most = max(row.at_once for row in plan.rows)
    return (row for row in plan.rows if row.at_once == most and row.dtype == plan.present.dtype)


def _share(row: Row, plan: MemoryPlan) -> str:
    return say_share(row.trained, plan.parameters)


def say_share(part: int, whole: int) -> str:
    """Return the share in per cent, with more digits where it is small."""
    share = 100 * part / max(1, whole)
    return f"{share:.3f} %" if 0 < share < 0.1 else f"{share:.1f} %"


def _best(rows: Iterable[Row], *, dtype: torch.dtype, budget: Budget, batch: int) -> Row | None:
    """Return the row that trains most; among equals the fastest."""
    enough = min(FULL_SPEED, batch)
    fitting = [row for row in rows if row.dtype == dtype and row.accumulate and row.size <= budget.size]

    def worth(row: Row) -> tuple[int, bool, bool, int]:
        return row.trained, row.at_once >= enough, not row.checkpointing, row.at_once

    return max(fitting, key=worth, default=None)


def _row(model: MemoryModel, choice: Choice, *, checkpointing: bool, dtype: torch.dtype, at_once: int) -> Row:
    prediction = model.predict(choice, checkpointing=checkpointing, at_once=at_once, dtype=dtype)
    makes_batch = model.batch % at_once == 0 and at_once >= model.least_at_once(choice)
    parts = model.batch // at_once if makes_batch else None
    return Row(choice, model.trained_parameters(choice), checkpointing, dtype, at_once, parts, prediction)


def _choices(options: Options, model: MemoryModel) -> tuple[Choice, list[Choice]]:
    """Return the choice of `options`, and all to compare, with that one among them; the hungriest come last."""
    present, choices = _present_choice(options, model), list_choices(options.network_g)
    if present not in choices:
        choices.append(present)

    def weight(choice: Choice) -> tuple[int, int]:
        whole = model.predict(choice, checkpointing=False, at_once=model.batch, dtype=torch.float32)
        return whole.saved, model.trained_parameters(choice)

    return present, sorted(choices, key=weight)


def _present_choice(options: Options, model: MemoryModel) -> Choice:
    own = own_choice(options.network_g, require_train(options).trainable.network_g)
    wanted = own.plan(model.generator)
    listed = (choice for choice in list_choices(options.network_g) if choice.plan(model.generator) == wanted)
    return next(listed, own)


def _present_at_once(options: Options, model: MemoryModel, budget: Budget) -> int:
    parts = require_train(options).accumulate
    return largest_that_fits(options, model, budget)[0] if parts == "auto" else model.batch // parts


def _columns(batch: int) -> list[int]:
    divisors = _divisors(batch)
    return divisors if len(divisors) <= MOST_COLUMNS else [divisors[0], *divisors[1 - MOST_COLUMNS :]]


def _divisors(batch: int) -> list[int]:
    return [count for count in range(1, batch + 1) if batch % count == 0]


def _checkpoints(options: Options) -> bool:
    return isinstance(options.network_g, RRDBNetSpec) and options.network_g.checkpointing


def _checkpointings(options: Options) -> tuple[bool, ...]:
    return (False, True) if isinstance(options.network_g, RRDBNetSpec) else (False,)


def _device(options: Options) -> torch.device:
    return choose_device("cpu" if options.num_gpu == 0 else options.device)
