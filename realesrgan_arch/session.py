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
from realesrgan_arch.training.checkpoint_manifest import STATE, find_newest
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.disk_room import DiskRules
from realesrgan_arch.training.header import run_header
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.preflight import check_room, checkpoint_bytes, count_checkpoints
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.retention import Retention, nothing_more
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
    resume = options.path.resume_state or (_newest_state(run_folder) if auto_resume else None)
    model = basicsr_bridge.build_model(options, run_folder=run_folder)
    base = load_base_generator(options)
    if resume is not None:
        model.resume_training(load_state(resume))
        _check_unfinished(model, require_train(options).total_iter)
    batches = TrainingBatches(options, pin_memory=model.device.type == "cuda")
    validations = open_validations(options)
    _check_disk(options, model, run_folder)
    # Only now that everything else is known to work: a failed start leaves the older run where it is.
    archived = None if resume else run_folder.move_older_run_aside()
    run_folder.prepare()
    _write_effective_options(options, run_folder)
    progress = _open_progress(options, model)
    numbers, rounds = NumbersGuard(), ValidationRounds(options, model, validations, progress)
    stop = StopRequest()
    store = _open_store(options, run_folder, numbers=numbers, rounds=rounds, progress=progress, stop=stop)
    faults = ImageFaults(batches.num_images)
    try:
        for words in store.tidy():
            progress.write(words)
        if auto_resume and resume is None:
            progress.write("there is no older state to resume from: starting at step 0")
        if resume is not None and resume.parent.resolve() == run_folder.states.resolve():
            store.restore_extras(model.step)
            store.discard_after(model.step)
        resumed = str(resume) if resume else None
        progress.write(run_header(options, model, num_images=batches.num_images, archived=archived, resumed=resumed))
        rounds.score_base(base)
        with stop:
            watch = Watch(progress, faults, numbers, rounds, stop)
            Trainer(model, batches=batches, rhythm=_rhythm(options), store=store, watch=watch).fit()
    finally:
        progress.close()
    return Outcome(run_folder, run_folder.weights("net_g", None), table=rounds.tables(), failed_files=faults.listing())


def _newest_state(run_folder: RunFolder) -> Path | None:
    manifest = find_newest(run_folder).manifest
    return run_folder.root / manifest.file(STATE).name if manifest else None


def _check_disk(options: Options, model: FineTuneModel, run_folder: RunFolder) -> None:
    rhythm = _rhythm(options)
    saves = sum(rhythm.saves_after(step) for step in range(model.step + 1, rhythm.total_steps + 1))
    check_room(
        run_folder,
        checkpoint=checkpoint_bytes(model, gt_size=options.crop_gt_size, scale=options.scale),
        count=count_checkpoints(keep_last=_keep_last(options), saves=saves),
    )


def _keep_last(options: Options) -> int | None:
    return None if options.logger.keep_last == "all" else options.logger.keep_last


def _open_store(
    options: Options,
    run_folder: RunFolder,
    *,
    numbers: NumbersGuard,
    rounds: ValidationRounds,
    progress: Progress,
    stop: StopRequest,
) -> CheckpointStore:
    best = rounds.steps_to_keep if options.logger.keep_best else nothing_more
    return CheckpointStore(
        run_folder,
        extras={"numbers": numbers, "rounds": rounds},
        retention=Retention(_keep_last(options), best),
        disk=DiskRules(options.logger.on_disk_full, progress.write, lambda: stop.number is not None),
    )


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
