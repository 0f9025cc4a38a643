"""The loop: one screen, from top to bottom (DESIGN decision 3)."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

from realesrgan_arch.errors import UserError
from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.loading import Batch, BatchSource
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard, TrainingError
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from realesrgan_arch.training.verdict import CONTINUE, Verdict


@dataclass(frozen=True)
class Rhythm:
    """How often the loop does what; 0 means never."""

    total_steps: int
    print_every: int = 100
    save_every: int = 5000
    validate_every: int = 0

    def is_due(self, step: int, every: int) -> bool:
        """Return whether something of that rhythm happens after `step`; all of it happens after the last one."""
        return every > 0 and (step % every == 0 or step == self.total_steps)

    def saves_after(self, step: int) -> bool:
        """Return whether a checkpoint is due after `step`: in its own rhythm, and before each validation."""
        validates = self.is_due(step, self.validate_every) and self.save_every > 0
        return validates or self.is_due(step, self.save_every)


class Rounds(Protocol):
    """The validations of a run."""

    @property
    def last_step(self) -> int:
        """The step that was validated last."""
        ...

    def validate(self, step: int) -> Verdict:
        """Score the model as it is after `step`, and say whether the run goes on."""
        ...


@dataclass(frozen=True)
class Watch:
    """All that looks at a run while it trains."""

    progress: Progress
    faults: ImageFaults
    numbers: NumbersGuard
    rounds: Rounds
    stop: StopRequest


class Trainer:
    """Trains a model from the step after `model.step` to the last one of `rhythm`."""

    def __init__(
        self, model: FineTuneModel, *, batches: BatchSource, rhythm: Rhythm, store: CheckpointStore, watch: Watch
    ) -> None:
        self._model = model
        self._batches = batches
        self._rhythm = rhythm
        self._store = store
        self._watch = watch

    def fit(self) -> Verdict:
        """Train, and return why the run ended: `CONTINUE` where all steps are done.

        Raises:
            DataError: too many images cannot be read.
            TrainingError: numbers that are not finite, or a device without memory for the batch.
            CheckpointError: a checkpoint cannot be written.
            StoppedBySignal: a stop was asked for; the state of the step is saved.
        """
        verdict = self._validate_what_was_missed()
        self._watch.progress.restart_clock()
        while verdict.action == "rollback" or (
            verdict.action == "continue" and self._model.step < self._rhythm.total_steps
        ):
            if verdict.action == "rollback":
                self._roll_back(verdict)
            verdict = self._train_until_verdict()
        self._model.check_frozen()
        self._store.save_latest(self._model)
        self._store.save_extras(self._model.step)
        return verdict

    def _validate_what_was_missed(self) -> Verdict:
        """A run that was stopped or killed between a checkpoint and its validation validates first."""
        step = self._model.step
        if step and self._rhythm.is_due(step, self._rhythm.validate_every) and self._watch.rounds.last_step < step:
            return self._validate(step)
        return CONTINUE

    def _train_until_verdict(self) -> Verdict:
        first = self._model.step + 1
        for step, (batch, waited) in enumerate(_timed(self._batches.open(first)), start=first):
            verdict = self._train_step(step, batch, waited)
            if verdict.action == "continue":
                with self._watch.progress.pause():
                    verdict = self._save_and_validate(step)
            if verdict.action != "continue" or step == self._rhythm.total_steps:
                return verdict
        return CONTINUE

    def _train_step(self, step: int, batch: Batch, waited: float) -> Verdict:
        watch = self._watch
        for words in watch.faults.note(batch):
            watch.progress.write(words)
        _run_step(self._model, batch, step)
        watch.progress.count_step(data_seconds=waited)
        verdict = watch.numbers.after_step(step, batch)
        if self._rhythm.is_due(step, self._rhythm.print_every):
            log = watch.numbers.check_log(self._model.get_current_log(), step)
            watch.progress.log_losses(step, log, self._model.get_current_learning_rate())
        return verdict

    def _save_and_validate(self, step: int) -> Verdict:
        # A run that is asked to stop in its last step has nothing left to resume: it ends as ever.
        stopping = self._watch.stop.number if step < self._rhythm.total_steps else None
        validates = self._rhythm.is_due(step, self._rhythm.validate_every)
        if self._rhythm.saves_after(step) or stopping is not None:
            self._store.save(self._model, step)
        if stopping is not None:
            raise StoppedBySignal(step, stopping)
        return self._validate(step) if validates else CONTINUE

    def _validate(self, step: int) -> Verdict:
        """What follows from a verdict is done before it is on the disk: killed between, a run validates once more."""
        verdict = self._watch.rounds.validate(step)
        if verdict.action == "continue":
            self._store.save_extras(step)
        return verdict

    def _roll_back(self, verdict: Verdict) -> None:
        """Go back to an older checkpoint, which takes what was decided and is the newest from then on."""
        step = verdict.step if verdict.step is not None else self._store.newest_step()
        if step is None:
            raise CheckpointError(f"{verdict.reason}; there is no checkpoint to go back to")
        self._watch.progress.write(f"{verdict.reason}: going back to step {step}")
        self._model.resume_training(self._store.load(step))
        self._store.save_extras(step)
        self._store.discard_after(step)


def _run_step(model: FineTuneModel, batch: Batch, step: int) -> None:
    try:
        model.update_learning_rate(step)
        model.feed_data(batch)
        model.optimize_parameters(step)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{model.device} has no memory for step {step}; lower datasets.train.batch_size_per_gpu or gt_size, raise "
            "train.accumulate, or set network_g.checkpointing: true"
        ) from error


def _timed(batches: Iterator[Batch]) -> Iterator[tuple[Batch, float]]:
    while True:
        asked = time.monotonic()
        try:
            batch = next(batches, None)
        except UserError as error:
            raise _without_traceback(error) from error
        if batch is None:
            return
        yield batch, time.monotonic() - asked


def _without_traceback(error: UserError) -> UserError:
    """Return the error that a worker met with its own sentence; torch puts the worker's traceback before it."""
    kind = type(error)
    return kind(str(error).rstrip().rpartition(f"{kind.__qualname__}: ")[2])
