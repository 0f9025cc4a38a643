"""A whole training run: options in; weights, scores and a summary out."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import yaml

from realesrgan_arch import basicsr_bridge
from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.environment.collect import collect_environment
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.adversary_watch import AdversaryWatch
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.crash import crash_saved
from realesrgan_arch.training.fault_report import FaultReports
from realesrgan_arch.training.header import Start, run_header
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.outlook import QualityReport
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.resume import data_facts, is_finished, resume
from realesrgan_arch.training.rounds import ValidationRounds, open_validations
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StopRequest
from realesrgan_arch.training.timings import Timings
from realesrgan_arch.training.trackers import open_tracker
from realesrgan_arch.training.trainer import Rhythm, Trainer, Watch
from realesrgan_arch.training.validation import Validation
from realesrgan_arch.training.verdict import CONTINUE, Verdict


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    run_folder: RunFolder
    weights: Path
    table: str
    """Base against tuned on each validation set, or that nothing was left to do; empty without either."""
    failed_files: str
    quality: QualityReport
    """Whether it became better than the base, and the best weights."""
    verdict: Verdict
    """Why the run ended."""
    timings: Timings = field(default_factory=Timings)
    """How long its parts took in this process."""

    @property
    def exit_code(self) -> int:
        """0, or 4 where the guard ended the run because it was worse than its base."""
        return self.verdict.exit_code

    def summary(self) -> str:
        """Return what was made, where it is and what to do next."""
        lines = [self.table] if self.table else []
        if self.failed_files:
            lines.append(f"images that could not be read:\n{self.failed_files}")
        lines += self.quality.lines()
        if self.verdict.action == "finish":
            lines.append(f"ended    {self.verdict.reason}")
        lines += [
            f"weights  {self.weights}",
            f"run      {self.run_folder.root} (options.yml, metrics.jsonl, models/, training_states/)",
            f"curves   tensorboard --logdir {self.run_folder.tensorboard}",
            f"next     realesrgan-arch upscale -i photos/ -o results/ --model_path {self.quality.best or self.weights}",
        ]
        return "\n".join(lines)


def train(options: Options, *, auto_resume: bool = False, allow_changed: Sequence[str] = ()) -> Outcome:
    """Train as `options` say and return where everything is.

    Args:
        options: with a `train` section; they say where to go on from, too.
        auto_resume: whatever they say, go on from the newest state of the run, if there is one.
        allow_changed: keys that may differ from those of the state although they change what the run means.

    Raises:
        UserError: data, weights or folders that cannot be used; before the first step where that can be known.
    """
    check_manifests_apart(options.datasets)
    run_folder = RunFolder((options.path.experiments_root or Path("experiments")) / options.name)
    run_folder.check_place()
    with run_folder.lock():
        chosen = options.resuming("auto") if auto_resume else options
        return _train_alone(chosen, run_folder, allow_changed=allow_changed)


def _train_alone(options: Options, run_folder: RunFolder, *, allow_changed: Sequence[str]) -> Outcome:
    model = basicsr_bridge.build_model(options, run_folder=run_folder)
    base = load_base_generator(options)
    batches = TrainingBatches(options, pin_memory=model.device.type == "cuda")
    validations = open_validations(options)
    # Only now that everything else is known to work: a failed start leaves the older run where it is.
    model.describe(data_facts(options, batches, base))
    resumed = resume(model, options, allow_changed=allow_changed)
    is_own = resumed is not None and resumed.is_own
    archived = None if is_own else run_folder.move_older_run_aside()
    run_folder.prepare()
    _write_effective_options(options, run_folder)
    progress = _open_progress(options, model)
    numbers = _open_numbers_guard(options, model, progress)
    rounds = ValidationRounds(options, model, validations, progress)
    store = CheckpointStore(run_folder, extras={"numbers": numbers, "rounds": rounds})
    faults, rhythm = ImageFaults(batches.num_images), _rhythm(options)
    try:
        if options.resume_from == "auto" and resumed is None:
            progress.write("there is no older state to resume from: starting at step 0")
        if is_own:
            store.restore_extras(model.step)
            store.discard_after(model.step)
        if is_own and is_finished(model, rhythm, validated_step=rounds.last_step):
            return _finished(run_folder, model.step, rounds)
        source = str(resumed.source) if resumed else None
        start = Start(_data_words(batches, validations), batches.num_workers, archived, source)
        progress.write(run_header(options, model, start))
        if resumed and resumed.words:
            progress.write(resumed.words)
        if words := batches.shared_memory_warning():
            progress.warn(words)
        environment = partial(_describe_environment, run_folder.root)
        with StopRequest() as stop:
            with stop.at_once(model.step), progress.timings.measure("base"):
                rounds.score_base(base)
            watch = Watch(progress, faults, numbers, rounds, stop)
            trainer = Trainer(model, batches=batches, rhythm=rhythm, store=store, watch=watch)
            with crash_saved(model, environment=environment, write=progress.write):
                verdict = trainer.fit()
    finally:
        progress.close()
    return Outcome(
        run_folder,
        run_folder.weights("net_g", None),
        table=rounds.tables(),
        failed_files=faults.listing(),
        quality=rounds.report(),
        verdict=verdict,
        timings=progress.timings,
    )


def _finished(run_folder: RunFolder, step: int, rounds: ValidationRounds) -> Outcome:
    words = f"nothing is left to do: the run is finished at step {step}; raise train.total_iter to go on"
    weights = run_folder.weights("net_g", None)
    return Outcome(run_folder, weights, table=words, failed_files="", quality=rounds.report(), verdict=CONTINUE)


def _write_effective_options(options: Options, run_folder: RunFolder) -> None:
    text = yaml.safe_dump(options.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
    write_text(run_folder.root / "options.yml", text)


def _open_progress(options: Options, model: FineTuneModel) -> Progress:
    logger = options.logger
    service = logger.tracker or ("wandb" if logger.wandb.project else "none")
    project = logger.wandb.project or options.name
    tracker, words = open_tracker(service, project=project, name=options.name, resume_id=logger.wandb.resume_id)
    progress = Progress(
        model.run_folder,
        first_step=model.step,
        total_steps=require_train(options).total_iter,
        device=model.device,
        use_tensorboard=logger.use_tb_logger,
        tracker=tracker,
    )
    if words:
        progress.warn(words)
    return progress


def _data_words(batches: TrainingBatches, validations: Sequence[Validation]) -> dict[str, str]:
    return {"train": batches.in_words(), **{part.name: part.size_in_words() for part in validations}}


def _open_numbers_guard(options: Options, model: FineTuneModel, progress: Progress) -> NumbersGuard:
    train = require_train(options)
    gan = train.gan_opt if model.discriminator is not None else None
    return NumbersGuard(
        bad_steps=train.bad_steps,
        write=progress.write,
        report=FaultReports(options, model),
        scaler=model.game.scaler,
        adversary=AdversaryWatch(gan.gan_type) if gan is not None else None,
    )


def _describe_environment(folder: Path) -> str:
    return json.dumps(asdict(collect_environment(folder)), indent=2)


def _rhythm(options: Options) -> Rhythm:
    return Rhythm(
        total_steps=require_train(options).total_iter,
        print_every=options.logger.print_freq,
        save_every=options.logger.save_checkpoint_freq,
        validate_every=options.val.val_freq if options.val else 0,
    )
