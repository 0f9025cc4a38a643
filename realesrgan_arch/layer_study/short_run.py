"""One short training of a probe: a candidate and a seed, from pairs that are made already, in stages."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.candidates import Candidate, StudyError
from realesrgan_arch.layer_study.pair_tape import PairTape
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.losses import GanLossOptions
from realesrgan_arch.options.train import TrainOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import assemble_model
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.micro_batch import settle_accumulate
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.retention import Retention
from realesrgan_arch.training.run_folder import RunFolder

_MEMORY_SHARE = 0.2
"""Of the first stage: an average of weights that remembers longer would still be mostly base."""
_TIMED_STEPS = 4


@dataclass(frozen=True)
class Stages:
    """After how many steps the candidates are scored; those that are left go on, twice as far each time."""

    steps: int = 500
    count: int = 3

    @property
    def ends(self) -> tuple[int, ...]:
        """The last step of each stage: 125, 250, 500."""
        return tuple(dict.fromkeys(max(1, self.steps >> left) for left in reversed(range(self.count))))


@dataclass(frozen=True)
class ShortRun:
    """A candidate with a seed."""

    candidate: Candidate
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.candidate.slug}_seed{self.seed}"

    def scores_name(self, step: int) -> str:
        """Of its scores after `step`."""
        return f"{self.name}_step{step}"

    def options(self, base: Options, stages: Stages, folder: Path) -> Options:
        """Return the options of this run.

        Everything is the user's but for what a short run needs: a constant learning rate, so that its beginning does
        not depend on its end; an average with a shorter memory; an adversary that enters at the same share of the run.
        """
        train = require_train(base).trainable.model_copy(update={"network_g": self.candidate.patterns})
        path = base.path.model_copy(update={"experiments_root": folder / "runs", "resume_state": None})
        chosen = base.resuming("none").model_copy(
            update={
                "name": self.name,
                "manual_seed": self.seed,
                "train": _shortened(require_train(base), stages).model_copy(update={"trainable": train}),
                "path": path,
                "val": None,
                "logger": base.logger.model_copy(update={"tracker": "none"}),
            }
        )
        return settle_accumulate(chosen).options


@dataclass(frozen=True)
class Trained:
    """What a stage leaves."""

    network: nn.Module
    """To score: the average where there is one."""
    step_s: float
    """Seconds of a step, without making its pairs; 0 where nothing was left to do."""
    peak_bytes: int
    """As CUDA allocated it; 0 on other devices, where nobody counts for one run."""


def train_to(options: Options, tape: PairTape, *, until: int, check_stop: Callable[[], None]) -> Trained:
    """Train on to step `until` from where the run is, and save its state there.

    Args:
        options: of `ShortRun.options`.
        tape: of its seed.
        until: the last step.
        check_stop: is called between steps, and raises KeyboardInterrupt where the work is to end; the state is saved
            then. What breaks a step saves nothing: the next call goes on from the last state.

    Raises:
        UserError: weights or states that cannot be used, or a disk that is full.
    """
    run_folder = RunFolder(options.run_path)
    model = assemble_model(options, run_folder=run_folder)
    store = CheckpointStore(run_folder, retention=Retention(keep_last=1))
    _go_on(model, store, until=until)
    on_cuda = model.device.type == "cuda"
    if on_cuda:
        torch.cuda.reset_peak_memory_stats(model.device)
    began, first = time.monotonic(), model.step
    for step in range(first + 1, until + 1):
        try:
            check_stop()
        except KeyboardInterrupt:
            _save(model, store, after=first)
            raise
        model.update_learning_rate(step)
        model.feed_data(tape.batch(step))
        model.optimize_parameters(step)
    _save(model, store, after=first)
    if on_cuda:
        torch.cuda.synchronize(model.device)
    done = model.last_whole_step - first
    seconds = (time.monotonic() - began) / done if done > 0 else 0.0
    peak = torch.cuda.max_memory_allocated(model.device) if on_cuda else 0
    return Trained(model.inference_network().eval(), seconds, peak)


def time_step(options: Options, tape: PairTape) -> float:
    """Return the seconds of a step of a run that leaves nothing, the first step apart."""
    model = assemble_model(options, run_folder=RunFolder(options.run_path))
    marks: list[float] = []
    for step in range(1, min(_TIMED_STEPS, require_train(options).total_iter) + 1):
        model.update_learning_rate(step)
        model.feed_data(tape.batch(step))
        model.optimize_parameters(step)
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        marks.append(time.monotonic())
    return (marks[-1] - marks[0]) / (len(marks) - 1) if len(marks) > 1 else 0.0


def _go_on(model: FineTuneModel, store: CheckpointStore, *, until: int) -> None:
    step = store.newest_step()
    if step is not None and step > until:
        raise StudyError(
            f"{shown(model.run_folder.root)}: expected a run of at most {until} steps, got one of {step} whose scores "
            f"after {until} are gone; move it away"
        )
    if step:
        model.resume_training(store.load(step))


def _save(model: FineTuneModel, store: CheckpointStore, *, after: int) -> None:
    """Save the state between two steps, where there is a newer one than that of step `after`."""
    if model.last_whole_step > after:
        model.check_frozen()
        store.save(model, model.last_whole_step)


def _shortened(train: TrainOptions, stages: Stages) -> TrainOptions:
    share = min(1.0, stages.steps / train.total_iter)
    longest = 1 - 1 / max(1.0, _MEMORY_SHARE * stages.ends[0])
    return train.model_copy(
        update={
            "total_iter": stages.steps,
            "scheduler": None,
            "restart_schedule": False,
            "ema_decay": min(train.ema_decay, longest),
            "net_d_init_iters": round(train.net_d_init_iters * share),
            "warmup_iter": round(train.warmup_iter * share) if train.warmup_iter > 0 else -1,
            "gan_opt": _adversary(train.gan_opt, share) if train.gan_opt else None,
        }
    )


def _adversary(gan: GanLossOptions, share: float) -> GanLossOptions:
    return gan.model_copy(
        update={"start_iter": round(gan.start_iter * share), "ramp_iter": round(gan.ramp_iter * share)}
    )
