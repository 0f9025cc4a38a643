"""A whole training run: options in; weights, scores and a summary out."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from realesrgan_arch import basicsr_bridge
from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint import CheckpointError, load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.header import run_header
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.micro_batch import settle_accumulate
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.rounds import ValidationRounds, open_validations
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StopRequest
from realesrgan_arch.training.trainer import Rhythm, Trainer, Watch


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    run_folder: RunFolder
    weights: Path
    table: str
    """Base against tuned on each validation set; empty without one."""
    failed_files: str

    def summary(self) -> str:
        """Return what was made, where it is and what to do next."""
        lines = [self.table] if self.table else []
        if self.failed_files:
            lines.append(f"images that could not be read:\n{self.failed_files}")
        lines += [
            f"weights  {self.weights}",
            f"run      {self.run_folder.root} (options.yml, metrics.jsonl, models/, training_states/)",
            f"curves   tensorboard --logdir {self.run_folder.tensorboard}",
            f"next     realesrgan-arch upscale -i photos/ -o results/ --model_path {self.weights}",
        ]
        return "\n".join(lines)


def train(options: Options, *, auto_resume: bool = False) -> Outcome:
    """Train as `options` say and return where everything is.

    Args:
        options: with a `train` section.
        auto_resume: go on from the newest state of the run, if there is one.

    Raises:
        UserError: data, weights or folders that cannot be used; before the first step where that can be known.
    """
    check_manifests_apart(options.datasets)
    run_folder = RunFolder((options.path.experiments_root or Path("experiments")) / options.name)
    run_folder.check_place()
    with run_folder.lock():
        return _train_alone(options, run_folder, auto_resume=auto_resume)


def _train_alone(options: Options, run_folder: RunFolder, *, auto_resume: bool) -> Outcome:
    resume = options.path.resume_state or (run_folder.newest_state() if auto_resume else None)
    settled = settle_accumulate(options, earlier=run_folder.root / "options.yml" if resume else None)
    options = settled.options
    model = basicsr_bridge.build_model(options, run_folder=run_folder)
    base = load_base_generator(options)
    if resume is not None:
        model.resume_training(load_state(resume))
        _check_unfinished(model, require_train(options).total_iter)
    batches = TrainingBatches(options, pin_memory=model.device.type == "cuda")
    validations = open_validations(options)
    # Only now that everything else is known to work: a failed start leaves the older run where it is.
    archived = None if resume else run_folder.move_older_run_aside()
    run_folder.prepare()
    _write_effective_options(options, run_folder)
    progress = _open_progress(options, model)
    numbers, rounds = NumbersGuard(), ValidationRounds(options, model, validations, progress)
    store = CheckpointStore(run_folder, extras={"numbers": numbers, "rounds": rounds})
    faults = ImageFaults(batches.num_images)
    try:
        if auto_resume and resume is None:
            progress.write("there is no older state to resume from: starting at step 0")
        if resume is not None and resume == run_folder.state(model.step):
            store.restore_extras(model.step)
        resumed = str(resume) if resume else None
        progress.write(run_header(options, model, num_images=batches.num_images, archived=archived, resumed=resumed))
        if settled.words:
            progress.write(settled.words)
        rounds.score_base(base)
        with StopRequest() as stop:
            watch = Watch(progress, faults, numbers, rounds, stop)
            Trainer(model, batches=batches, rhythm=_rhythm(options), store=store, watch=watch).fit()
    finally:
        progress.close()
    return Outcome(run_folder, run_folder.weights("net_g", None), table=rounds.tables(), failed_files=faults.listing())


def _check_unfinished(model: FineTuneModel, total_steps: int) -> None:
    if model.step >= total_steps:
        raise CheckpointError(
            f"nothing is left to do: the state is of step {model.step} and train.total_iter is {total_steps}; raise it "
            "to go on"
        )


def _write_effective_options(options: Options, run_folder: RunFolder) -> None:
    text = yaml.safe_dump(options.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
    write_text(run_folder.root / "options.yml", text)


def _open_progress(options: Options, model: FineTuneModel) -> Progress:
    return Progress(
        model.run_folder,
        first_step=model.step,
        total_steps=require_train(options).total_iter,
        device=model.device,
        use_tensorboard=options.logger.use_tb_logger,
    )


def _rhythm(options: Options) -> Rhythm:
    return Rhythm(
        total_steps=require_train(options).total_iter,
        print_every=options.logger.print_freq,
        save_every=options.logger.save_checkpoint_freq,
        validate_every=options.val.val_freq if options.val else 0,
    )
