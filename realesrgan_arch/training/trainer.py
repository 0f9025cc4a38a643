"""The loop: one screen, from top to bottom."""

import copy
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import torch

from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.loading import Batch, BatchSource
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard, TrainingError
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.ranks_store import Store
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from realesrgan_arch.training.verdict import CONTINUE, Verdict
from realesrgan_arch.training.way_back import find_way_back
from realesrgan_arch.training.worker_faults import WorkerError


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

    @property
    def rate_factor(self) -> float:
        """What the learning rates are multiplied by since a run went back."""
        ...

    def validate(self, step: int) -> Verdict:
        """Score the model as it is after `step`, and say whether the run goes on."""
        ...

    def go_back(self, step: int) -> None:
        """Forget what was found after `step`, to which the run has gone back."""
        ...


@dataclass(frozen=True)
class Watch:
    """All that looks at a run while it trains."""

    progress: Progress
    faults: ImageFaults
    numbers: NumbersGuard
    rounds: Rounds
    stop: StopRequest
    ranks: Ranks = field(default_factory=Ranks.single)


class Trainer:
    """Trains a model from the step after `model.step` to the last one of `rhythm`."""

    def __init__(
        self, model: FineTuneModel, *, batches: BatchSource, rhythm: Rhythm, store: Store, watch: Watch
    ) -> None:
        self._model = model
        self._batches = batches
        self._rhythm = rhythm
        self._store = store
        self._watch = watch
        self._start: dict[str, object] | None = None

    def fit(self) -> Verdict:
        """Train, and return why the run ended: `CONTINUE` where all steps are done.

        Raises:
            DataError: too many images cannot be read.
            TrainingError: numbers that are not finite, or a device without memory for the batch.
            CheckpointError: a checkpoint cannot be written.
            StoppedBySignal: a stop was asked for; the state of the step is saved.
        """
        self._start = copy.deepcopy(self._model.state()) if self._model.step == 0 else None
        verdict = self._validate_what_was_missed()
        self._watch.progress.restart_clock()
        while verdict.action == "rollback" or (
            verdict.action == "continue" and self._model.step < self._rhythm.total_steps
        ):
            verdict = self._roll_back(verdict) if verdict.action == "rollback" else self._train_until_verdict()
        self._model.check_frozen()
        self._store.save_latest(self._model)
        self._store.save_extras(self._model.step)
        return verdict

    def _validate_what_was_missed(self) -> Verdict:
        """A run that was stopped or killed between a checkpoint and its validation validates first."""
        step = self._model.step
        if step and self._rhythm.is_due(step, self._rhythm.validate_every) and self._watch.rounds.last_step < step:
            return self._validate(step, saved=True)
        return CONTINUE

    def _train_until_verdict(self) -> Verdict:
        first = self._model.step + 1
        try:
            with closing(self._batches.open(first)) as batches:
                for step, (batch, waited) in enumerate(_timed(batches), start=first):
                    verdict = self._train_step(step, batch, waited)
                    if verdict.action == "continue":
                        with self._watch.progress.pause():
                            verdict = self._save_and_validate(step)
                    if verdict.action != "continue" or step == self._rhythm.total_steps:
                        return verdict
        except WorkerError as fault:
            self._mend_workers(fault)
        return CONTINUE

    def _mend_workers(self, fault: WorkerError) -> None:
        """Save the step that is whole; then fewer workers go on from it, the batches being functions of their step."""
        step = self._model.step
        if self._watch.ranks.are_many:
            # The other ranks wait in the next step and cannot meet for a save, nor is a stop agreed upon before it.
            self._watch.progress.write(f"warning: {self._batches.use_fewer_workers(fault)} from step {step}")
            return
        if step:
            self._store.save(self._model, step)
        if self._watch.stop.number is not None:
            # A batch system ends the workers in the same breath: this is no fault, the run was asked to stop.
            raise StoppedBySignal(step, self._watch.stop.number)
        self._watch.progress.write(f"warning: {self._batches.use_fewer_workers(fault)} from step {step}")

    def _train_step(self, step: int, batch: Batch, waited: float) -> Verdict:
        watch = self._watch
        for words in watch.faults.note(batch):
            watch.progress.write(words)
        self._model.rate_factor = watch.numbers.rate_factor * watch.rounds.rate_factor
        _run_step(self._model, batch, step)
        watch.progress.count_step(data_seconds=waited)
        verdict = watch.numbers.after_step(step, batch, self._model.numbers)
        if self._rhythm.is_due(step, self._rhythm.print_every):
            log = watch.ranks.mean(self._model.get_current_log())
            watch.numbers.judge_adversary(step)
            watch.progress.log_losses(step, log, self._model.get_current_learning_rate())
        return verdict

    def _save_and_validate(self, step: int) -> Verdict:
        # A run that is asked to stop in its last step has nothing left to resume: it ends as ever.
        stopping = self._stop_signal() if step < self._rhythm.total_steps else None
        validates = self._rhythm.is_due(step, self._rhythm.validate_every)
        saves = self._rhythm.saves_after(step)
        if saves or stopping is not None or step == self._rhythm.total_steps:
            verdict = self._watch.numbers.check_weights(step, self._model.tensors_not_finite())
            if verdict.action != "continue":
                return verdict
        if saves or stopping is not None:
            with self._watch.progress.timings.measure("saving"):
                self._store.save(self._model, step)
            self._start = None
        if stopping is not None:
            raise StoppedBySignal(step, stopping)
        return self._validate(step, saved=saves) if validates else CONTINUE

    def _stop_signal(self) -> int | None:
        """A signal that any rank has met stops all of them after the same step."""
        return self._watch.ranks.highest(self._watch.stop.number or 0) or None

    def _validate(self, step: int, *, saved: bool) -> Verdict:
        """What follows from a verdict is done before it is on the disk: killed between, a run validates once more."""
        watch, timed = self._watch, self._watch.progress.timings.measure("validation")
        # A long validation is left at the first signal where nothing is lost: the resumed run makes it.
        with timed, watch.stop.at_once(step) if saved and not watch.ranks.are_many else nullcontext():
            verdict = watch.ranks.from_first(watch.rounds.validate(step))
        if verdict.action == "continue":
            self._store.save_extras(step)
        return verdict

    def _roll_back(self, verdict: Verdict) -> Verdict:
        """Go back to an older checkpoint, and return how the run goes on: it ends where that is of its last step.

        Before the first one it is the start, which is kept in memory: in the folder it would be a state to resume from,
        and a run that failed in its first step could not be started again with other options.
        """
        model, watch, left = self._model, self._watch, self._model.step
        step = watch.ranks.on_first(lambda: find_way_back(model.run_folder, wanted=verdict.step))
        step = 0 if step is None and self._start is not None else step
        if step is None:
            raise CheckpointError(f"{verdict.reason}; there is no checkpoint to go back to")
        if step == left == self._rhythm.total_steps:
            words = f"{verdict.reason}: the run ends, as its last step is the one to go back to"
            return Verdict("finish", words, exit_code=verdict.exit_code)
        if verdict.step not in (None, step):
            watch.progress.warn(f"the checkpoint of step {verdict.step} is not there, or not whole any more")
        self._restore(step)
        way = "from here on" if step == left else f"going back to step {step}"
        watch.progress.write(f"{verdict.reason}: {way} with half the learning rate")
        # It takes what was decided, and is the newest from now on.
        self._store.save_extras(step)
        self._store.discard_after(step)
        return CONTINUE

    def _restore(self, step: int) -> None:
        begun = self._model.schedule_start
        # The run itself made this state: what a resume was allowed to change since is no fault.
        state = self._store.load(step) if step or self._start is None else copy.deepcopy(self._start)
        self._model.resume_training(state, allow_changed=["*"])
        self._model.schedule_start = min(begun, step)
        for part in (self._watch.rounds, self._watch.numbers, self._watch.progress):
            part.go_back(step)


def _run_step(model: FineTuneModel, batch: Batch, step: int) -> None:
    try:
        model.update_learning_rate(step)
        model.feed_data(batch)
        model.optimize_parameters(step)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"{model.device} has no memory for step {step}; lower datasets.train.batch_size_per_gpu or gt_size, raise "
            "train.accumulate, or set network_g.checkpointing: true; `realesrgan-arch plan FILE` shows what fits"
        ) from error


def _timed(batches: Iterator[Batch]) -> Iterator[tuple[Batch, float]]:
    while True:
        asked = time.monotonic()
        batch = next(batches, None)
        if batch is None:
            return
        yield batch, time.monotonic() - asked
