"""What a dry run has found, in words or as JSON."""

import json
from dataclasses import asdict, dataclass

from realesrgan_arch.byte_count import say_bytes

_LABEL = 12


@dataclass(frozen=True)
class Cost:
    """What a run needs. Seconds are medians, the first step, which warms everything up, apart."""

    steps: int
    first_step_s: float
    step_s: float
    validations: int
    pictures_per_scored: float
    """Pictures of a real validation for each one that was scored here."""
    base_s: float
    validation_s: float
    """Of the dry run's own validation."""
    saves: int
    saving_s: float
    kept: int
    """Checkpoints that may be on the disk at once: those that stay, and one more while it is written."""
    checkpoint_bytes: int
    peak_bytes: int

    @property
    def training_s(self) -> float:
        """Return the time of all steps."""
        return self.first_step_s + (self.steps - 1) * self.step_s

    @property
    def validating_s(self) -> float:
        """Return the time of all validations, that of the base included."""
        return self.pictures_per_scored * (self.base_s + self.validations * self.validation_s)

    @property
    def all_saving_s(self) -> float:
        """Return the time of all saving."""
        return self.saves * self.saving_s

    @property
    def disk_bytes(self) -> int:
        """Return what all checkpoints take that may be there at once."""
        return self.kept * self.checkpoint_bytes


@dataclass(frozen=True)
class DryRunReport:
    """The cost of a run, and what is wrong with it."""

    cost: Cost
    problems: tuple[str, ...]
    free_bytes: int

    def all_problems(self) -> tuple[str, ...]:
        """Return the problems, a disk that is too small among them."""
        if self.cost.disk_bytes <= self.free_bytes:
            return self.problems
        needed, free = say_bytes(self.cost.disk_bytes), say_bytes(self.free_bytes)
        return (
            *self.problems,
            f"the checkpoints will take {needed}, and {free} are free; save less often (logger.save_checkpoint_freq), "
            "keep fewer, or choose another disk with path.experiments_root",
        )

    def text(self) -> str:
        """Return a table for people."""
        cost = self.cost
        total = cost.training_s + cost.validating_s + cost.all_saving_s
        rows = [
            ("speed", f"{1 / max(cost.step_s, 1e-9):.2f} it/s (first step {cost.first_step_s:.1f} s, set apart)"),
            ("whole run", f"about {say_seconds(total)} for {cost.steps:,} steps"),
            ("", f"training {say_seconds(cost.training_s)}, {cost.validations} validations and that of the base "
                 f"{say_seconds(cost.validating_s)}, {cost.saves} checkpoints {say_seconds(cost.all_saving_s)}"),
            ("memory", f"peak {say_bytes(cost.peak_bytes)}, without the data workers"),
            ("disk", f"{say_bytes(cost.checkpoint_bytes)} a checkpoint, up to {cost.kept} of them at once: "
                     f"{say_bytes(cost.disk_bytes)} of {say_bytes(self.free_bytes)} free"),
            ("resume", "the checkpoint was loaded and trained on from: compared"),
        ]  # fmt: skip
        rows += [("problems" if not index else "", words) for index, words in enumerate(self.all_problems())]
        if not self.all_problems():
            rows.append(("problems", "none found; nothing was left behind"))
        return "\n".join(f"{label:<{_LABEL}}{words}" for label, words in rows)

    def json(self) -> str:
        """Return the same for programs."""
        cost = self.cost
        sums = {"training_s": cost.training_s, "validating_s": cost.validating_s, "all_saving_s": cost.all_saving_s}
        found = {**asdict(cost), **sums, "disk_bytes": cost.disk_bytes, "free_bytes": self.free_bytes}
        return json.dumps({**found, "problems": list(self.all_problems())}, indent=2)


def say_seconds(seconds: float) -> str:
    """Return `42 s`, `12 min`, `5 h 20 min` or `3 d 4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
