"""Decides after each validation whether the run goes on: it got worse than its base, or nothing gets better."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from realesrgan_arch.errors import EXIT_CHECK_FAILED
from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.difference_table import format_interval, worse_metrics
from realesrgan_arch.evaluation.evaluate import METRICS, Better
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.significance import FEWEST_TO_CLAIM
from realesrgan_arch.evaluation.statistics import Judgement
from realesrgan_arch.evaluation.statistics import Verdict as Claim
from realesrgan_arch.training.verdict import CONTINUE, Verdict

NO_INTERVAL = (
    "the guard cannot act: whether the model is worse than its base cannot be told from fewer than two scenes; add "
    "pictures to the first validation set, or set val.guard: none"
)


@dataclass(frozen=True)
class EarlyStopping:
    """End a run that no longer improves."""

    patience: int
    """Validations."""
    min_delta: float = 0.0
    """What counts as an improvement, in the units of the metric."""
    metric: str = COMPOSITE
    better: Better = "higher"


@dataclass(frozen=True)
class GuardRules:
    """What happens to a run that is worse than its base."""

    action: Literal["none", "warn", "stop", "rollback"] = "warn"
    patience: int = 3
    """Validations in a row."""
    rollbacks: int = 1
    """How often a run goes back before it ends."""
    early: EarlyStopping | None = None


@dataclass(frozen=True)
class Round:
    """What a validation said about the model against the base."""

    step: int
    composite: Interval
    worse: tuple[str, ...]
    watched: float
    """Of early stopping; NaN where there is none."""
    verdict: Claim = "cannot be told"
    """Of the composite."""
    fewest_scenes: int = FEWEST_TO_CLAIM
    """Fewer cannot show anything in so many metrics; a round of an earlier version does not say it."""

    def to_plain(self) -> dict[str, object]:
        """Return numbers and texts for JSON, with null for NaN."""
        composite = self.composite
        numbers = (composite.mean, composite.low, composite.high, self.watched)
        plain = [number if math.isfinite(number) else None for number in numbers]
        return {
            "step": self.step,
            "numbers": plain,
            "scenes": composite.scenes,
            "worse": list(self.worse),
            "verdict": self.verdict,
            "fewest_scenes": self.fewest_scenes,
        }

    @classmethod
    def from_plain(cls, plain: dict) -> Self:
        """Take what `to_plain` returned."""
        mean, low, high, watched = (math.nan if number is None else number for number in plain["numbers"])
        interval, verdict = Interval(mean, low, high, plain["scenes"]), plain.get("verdict", "cannot be told")
        fewest = plain.get("fewest_scenes", FEWEST_TO_CLAIM)
        return cls(plain["step"], interval, tuple(plain["worse"]), watched, verdict, fewest)


class QualityGuard:
    """Looks at the validations of one set; a validation that is made again replaces the earlier one of its step.

    A precaution and no proof: it goes by the interval of the composite alone, even over fewer scenes than a claim needs
    (`evaluation.statistics`).
    """

    def __init__(self, rules: GuardRules) -> None:
        self._rules = rules
        self._rounds: list[Round] = []
        self._rollbacks = 0
        self._returned_to = 0
        self._is_returning = False

    def judge(self, step: int, judgement: Judgement, means: dict[str, float], *, best_step: int | None) -> Verdict:
        """Return what to do after the validation of `step`; a verdict to go on may have something to say.

        Args:
            step: of the run.
            judgement: of the model against the base.
            means: of each metric.
            best_step: where a rollback goes to; None for the newest checkpoint.
        """
        early = self._rules.early
        watched = {**means, COMPOSITE: judgement.composite.mean}[early.metric] if early else math.nan
        composite = judgement.composite
        fewest = judgement.fewest_scenes
        seen = Round(step, composite.interval, judgement.worse, watched, composite.verdict, fewest)
        self._rounds = [*(kept for kept in self._rounds if kept.step < step), seen]
        verdict = self._guard(seen, best_step)
        if verdict.action == "continue" and early is not None:
            return self._end_early(early, verdict)
        return verdict

    def go_back(self, step: int) -> bool:
        """Forget the validations after `step`; return whether this guard asked for it, so that the rate is halved."""
        self._rounds = [kept for kept in self._rounds if kept.step <= step]
        asked, self._is_returning = self._is_returning, False
        if asked:
            self._rollbacks += 1
        self._returned_to = step if asked else min(self._returned_to, step)
        return asked

    def round_at(self, step: int) -> Round | None:
        """Return what the validation of `step` said, if it still counts."""
        return next((kept for kept in self._rounds if kept.step == step), None)

    def forget_scores(self) -> None:
        """Start anew, as what comes now cannot be compared; how often the run went back still counts."""
        self._rounds = []

    def state_dict(self) -> dict[str, object]:
        """Return plain numbers; a rollback that was asked for and not made is asked for again after a resume."""
        return {
            "rounds": [kept.to_plain() for kept in self._rounds],
            "rollbacks": self._rollbacks,
            "returned_to": self._returned_to,
        }

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` returned."""
        self._rounds = [Round.from_plain(kept) for kept in state["rounds"]]
        self._rollbacks, self._returned_to = state["rollbacks"], state["returned_to"]

    def _guard(self, seen: Round, best_step: int | None) -> Verdict:
        rules = self._rules
        if rules.action == "none":
            return CONTINUE
        if not seen.composite.is_defined:
            return Verdict("continue", NO_INTERVAL if len(self._rounds) == 1 else "")
        count = self._worse_in_a_row()
        if count < rules.patience:
            return CONTINUE
        times = "once" if count == 1 else f"{count} validations in a row"
        found = f"composite {format_interval(seen.composite)}{worse_metrics(seen.worse)}"
        reason = f"worse than the base for {times} ({found})".replace("for once", "in this validation")
        if rules.action == "warn":
            best = f"; the best so far is step {best_step}" if best_step is not None else ""
            return Verdict("continue", f"warning: {reason}; training goes on, as val.guard is warn{best}")
        if rules.action == "rollback" and self._rollbacks < rules.rollbacks:
            self._is_returning = True
            return Verdict("rollback", reason, step=best_step, exit_code=EXIT_CHECK_FAILED)
        again = ", after going back once" if self._rollbacks == 1 else f", after going back {self._rollbacks} times"
        words = f"{reason}{again if self._rollbacks else ''}: the run ends, as val.guard is {rules.action}"
        return Verdict("finish", words, exit_code=EXIT_CHECK_FAILED)

    def _worse_in_a_row(self) -> int:
        """Count back from the last validation to where the run was last sent back."""
        count = 0
        for kept in reversed(self._rounds):
            if not kept.composite.below_zero() or kept.step <= self._returned_to:
                break
            count += 1
        return count

    def _end_early(self, early: EarlyStopping, verdict: Verdict) -> Verdict:
        without = rounds_without_gain([kept.watched for kept in self._rounds], early)
        if without < early.patience:
            return verdict
        label = METRICS[early.metric].label if early.metric in METRICS else early.metric
        gain = f" by more than {early.min_delta:g}" if early.min_delta else ""
        times = "validation" if without == 1 else "validations"
        return Verdict("finish", f"{label} has not improved{gain} for {without} {times}: the run ends early")


def rounds_without_gain(values: Sequence[float], early: EarlyStopping) -> int:
    """Return how many of the last `values` are no improvement on the best before them.

    NaN is no improvement; before the first number there is nothing to improve on, so nothing counts.
    """
    sign = 1 if early.better == "higher" else -1
    best: float | None = None
    without = 0
    for value in values:
        if math.isfinite(value) and (best is None or sign * value > best + early.min_delta):
            best, without = sign * value, 0
        elif best is not None:
            without += 1
    return without
