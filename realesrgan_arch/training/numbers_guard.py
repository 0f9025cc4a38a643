"""Watches the numbers of a run: steps that are not finite, weights that are not, and a discriminator out of balance."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.training.adversary_watch import AdversaryWatch
from realesrgan_arch.training.step_numbers import FlagOnItsWay, StepNumbers
from realesrgan_arch.training.verdict import CONTINUE, RATE_AFTER_ROLLBACK, Verdict

logger = logging.getLogger(__name__)
Plain = dict[str, object]
FP16_HALVINGS = 16
"""`GradScaler` begins at 65536: so many skipped steps bring its scale to 1, and until then they are its normal work."""
_ALWAYS_SAID = 3


class TrainingError(UserError):
    """Training that cannot go on."""


@dataclass(frozen=True)
class BadStep:
    """A step that was skipped: its numbers as plain ones, and the files whose crops its batch brought."""

    step: int
    losses: Mapping[str, float]
    norms: Mapping[str, float]
    files: tuple[str, ...]
    failed_files: tuple[str, ...]

    def words(self, *, num_ranks: int = 1) -> str:
        """Return what was not finite, and the first files where they may be the cause."""
        numbers = {**self.losses, **{f"gradient of {name}": norm for name, norm in self.norms.items()}}
        broken = ", ".join(f"{name} {value:g}" for name, value in numbers.items() if not math.isfinite(value))
        skipped = f"step {self.step} is skipped, nothing has moved: "
        if num_ranks > 1 and all(map(math.isfinite, self.losses.values())):
            # Gradients are means over all ranks, losses are this rank's own.
            broken = broken or "a loss of another rank"
            return (
                f"{skipped}{broken}; this rank's losses are finite: another rank's part of the batch may be the cause"
            )
        more = f" and {len(self.files) - 3} more" if len(self.files) > 3 else ""
        files = ", ".join(shown(Path(path)) for path in self.files[:3])
        whose = "its batch" if num_ranks == 1 else "this rank's part of the batch"
        return f"{skipped}{broken}; {whose} brought {files}{more}"


@dataclass(frozen=True)
class _Seen:
    step: int
    numbers: StepNumbers
    finite: FlagOnItsWay
    files: tuple[str, ...]
    failed_files: tuple[str, ...]


class NumbersGuard:
    """Says after each step whether the run goes on.

    A skipped step is told and counted. `bad_steps` in a row send the run back to its last checkpoint with half the
    learning rate, once in a run; the next time it ends. So does a weight that is not finite when it should be saved.

    Args:
        bad_steps: so many in a row are too many.
        write: shows a line.
        report: writes a file about skipped steps, given them and a sentence, and returns its place.
        scaler: of fp16. While its scale still falls, skipping is its work: it is neither told nor, for as many steps as
            the scale has halvings, too many.
        adversary: watches the balance of both networks; None where there is no discriminator.
        num_ranks: that train together; the files of a step are this rank's.
    """

    def __init__(
        self,
        *,
        bad_steps: int = 5,
        write: Callable[[str], None] = logger.warning,
        report: Callable[[Sequence[BadStep], str], Path] | None = None,
        scaler: torch.amp.GradScaler | None = None,
        adversary: AdversaryWatch | None = None,
        num_ranks: int = 1,
    ) -> None:
        self._bad_steps = bad_steps
        self._write = write
        self._report = report
        self._scaler = scaler
        self._adversary = adversary
        self._num_ranks = num_ranks
        self._waiting: list[_Seen] = []
        self._streak: list[BadStep] = []
        self._streak_length = 0
        self.skipped = 0
        """Steps of the run that were skipped."""
        self.rate_factor = 1.0
        """What the learning rates are multiplied by."""

    def after_step(self, step: int, batch: Mapping[str, object], numbers: StepNumbers) -> Verdict:
        """Take the numbers of `step`, which trained on `batch`, and return what to do.

        On CUDA the flag of a step is read after the next one has been queued, so that the device never waits; on
        others it is there at once.

        Raises:
            TrainingError: too many steps in a row were skipped, and the run has gone back once already.
        """
        if self._adversary is not None:
            self._adversary.note(numbers)
        flag = FlagOnItsWay(numbers.finite)
        self._waiting.append(_Seen(step, numbers, flag, _texts(batch, "gt_path"), _texts(batch, "failed_path")))
        self._judge_waiting(most_left=0 if flag.is_here else 1)
        if self._streak_length < self._limit():
            return CONTINUE
        return self._give_up(step, f"{self._streak_length} steps in a row, up to step {step}, are not finite")

    def check_weights(self, step: int, broken: Sequence[str]) -> Verdict:
        """Return what to do when the tensors `broken` are found not finite after `step`, before they are saved.

        Raises:
            TrainingError: the run has gone back once already.
        """
        if not broken:
            return CONTINUE
        more = f" and {len(broken) - 1} others" if len(broken) > 1 else ""
        return self._give_up(step, f"the weights of step {step} are not finite any more ({broken[0]}{more})")

    def judge_adversary(self, step: int) -> None:
        """Say what the discriminator does, where that is new after `step`."""
        if self._adversary is not None:
            for words in self._adversary.judge(step):
                self._write(words)

    def go_back(self, step: int) -> None:
        """Forget what was seen after `step`, to which the run has gone back; how many were skipped still counts."""
        del step
        self._waiting, self._streak, self._streak_length = [], [], 0
        if self._adversary is not None:
            self._adversary.go_back()

    def state_dict(self) -> Plain:
        """Return what a resume needs."""
        self._judge_waiting(most_left=0)
        return {
            "skipped": self.skipped,
            "in_a_row": self._streak_length,
            "rate_factor": self.rate_factor,
            "adversary": self._adversary.state_dict() if self._adversary else None,
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned."""
        self._waiting, self._streak = [], []
        self.skipped, self._streak_length, self.rate_factor = state["skipped"], state["in_a_row"], state["rate_factor"]
        if self._adversary is not None and state["adversary"] is not None:
            self._adversary.load_state_dict(state["adversary"])

    def _judge_waiting(self, *, most_left: int) -> None:
        while len(self._waiting) > most_left:
            seen = self._waiting.pop(0)
            if seen.finite.read():
                self._streak, self._streak_length = [], 0
            else:
                self._note_skipped(seen)

    def _note_skipped(self, seen: _Seen) -> None:
        losses, norms = (_plain(values) for values in (seen.numbers.losses, seen.numbers.norms))
        bad = BadStep(seen.step, losses, norms, seen.files, seen.failed_files)
        self.skipped += 1
        self._streak_length += 1
        self._streak.append(bad)
        # Often enough to be seen, seldom enough to leave the log readable: the first ones, then at 4, 8, 16, ...
        if not self._scale_falls() and (self.skipped <= _ALWAYS_SAID or self.skipped & (self.skipped - 1) == 0):
            self._write(f"{bad.words(num_ranks=self._num_ranks)} ({self.skipped} skipped so far)")

    def _scale_falls(self) -> bool:
        return self._scaler is not None and self._scaler.is_enabled() and self._scaler.get_scale() > 1

    def _limit(self) -> int:
        if self._streak_length < self._bad_steps:
            return self._bad_steps
        return self._bad_steps + (FP16_HALVINGS if self._scale_falls() else 0)

    def _give_up(self, step: int, reason: str) -> Verdict:
        has_gone_back = self.rate_factor != 1
        report = self._write_report(step, reason)
        self._waiting, self._streak, self._streak_length = [], [], 0
        if has_gone_back:
            raise TrainingError(
                f"training has diverged: {reason}, although the learning rate was halved before{report}; look at the "
                "pictures that it names, lower train.optim_g.lr or set train.clip_grad_norm, and start anew with "
                "--resume none"
            )
        self.rate_factor = RATE_AFTER_ROLLBACK
        return Verdict("rollback", f"{reason}{report}")

    def _write_report(self, step: int, reason: str) -> str:
        if self._report is None:
            return ""
        try:
            return f"; see {shown(self._report(self._streak or [_nothing(step)], reason))}"
        except OSError as error:
            return f"; no report could be written ({error.strerror or error})"


def _nothing(step: int) -> BadStep:
    return BadStep(step, {}, {}, (), ())


def _texts(batch: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = batch.get(key, ())
    chosen = values if isinstance(values, (list, tuple)) else [values]
    return tuple(str(value) for value in chosen if value)


def _plain(values: Mapping[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
