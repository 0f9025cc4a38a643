"""A whole training run: options in; weights, scores and a summary out."""

import hashlib
import io
import json
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from realesrgan_arch import basicsr_bridge
from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.torchrun import Place, RanksError
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint import CheckpointError, load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.header import run_header
from realesrgan_arch.training.image_faults import ImageFaults, SharedImageFaults
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.ranks_meeting import open_ranks
from realesrgan_arch.training.ranks_store import RanksStore, load_for_all, weight_sums
from realesrgan_arch.training.rounds import ValidationRounds, open_validations
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from realesrgan_arch.training.trainer import Rhythm, Trainer, Watch
from realesrgan_arch.training.validation import Validation

_SIGNAL_ECHO_SECONDS = 5.0


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


def train(options: Options, *, auto_resume: bool = False, place: Place | None = None) -> Outcome:
    """Train as `options` say and return where everything is.

    Args:
        options: with a `train` section.
        auto_resume: go on from the newest state of the run, if there is one.
        place: of this process among those that train together; alone without one.

    Raises:
        UserError: data, weights or folders that cannot be used; before the first step where that can be known.
    """
    with ExitStack() as held:
        ranks = held.enter_context(_meet(options, place or Place()))
        ranks.on_first(lambda: check_manifests_apart(options.datasets))
        run_folder = _open_run_folder(options, ranks, held)
        return _train_together(options, run_folder, ranks, auto_resume=auto_resume)


def _meet(options: Options, place: Place) -> AbstractContextManager[Ranks]:
    wants_cpu = options.num_gpu == 0 or options.device == "cpu"
    if place.world_size > 1 and options.device not in ("auto", "cuda", "cpu"):
        raise RanksError(
            f"device {options.device} is one for all {place.world_size} processes; set device: auto, and each takes "
            "the one of its own number"
        )
    told = options.dist_params
    return open_ranks(place, wants_cpu=wants_cpu, backend=told.backend, timeout_minutes=told.timeout_minutes)


def _open_run_folder(options: Options, ranks: Ranks, held: ExitStack) -> RunFolder:
    """Return the run's folder, held for this run; of other ranks an own one that is gone afterwards."""
    if not ranks.is_first:
        unused = held.enter_context(TemporaryDirectory(prefix=f"{options.name}-rank{ranks.rank}-"))
        run_folder = RunFolder(Path(unused) / options.name)
    else:
        run_folder = RunFolder((options.path.experiments_root or Path("experiments")) / options.name)

    def hold() -> None:
        run_folder.check_place()
        held.enter_context(run_folder.lock())

    ranks.on_first(hold)
    return run_folder


def _train_together(options: Options, run_folder: RunFolder, ranks: Ranks, *, auto_resume: bool) -> Outcome:
    resume = ranks.on_first(lambda: options.path.resume_state or (run_folder.newest_state() if auto_resume else None))
    model = ranks.machine_by_machine(lambda: basicsr_bridge.build_model(options, run_folder=run_folder))
    model.join(ranks)
    base = load_base_generator(options)
    if resume is not None:
        model.resume_training(load_for_all(ranks, lambda: load_state(resume)))
        ranks.on_first(lambda: _check_unfinished(model, require_train(options).total_iter))
    batches = TrainingBatches(options, pin_memory=model.device.type == "cuda", ranks=ranks)
    validations = open_validations(options, ranks)
    ranks.check_same(_facts(options, model, batches, validations), remedy="give every rank the same files")
    # Only now that everything else is known to work: a failed start leaves the older run where it is.
    archived = None if resume else run_folder.move_older_run_aside()
    run_folder.prepare()
    _write_effective_options(options, run_folder)
    progress = _open_progress(options, model, ranks)
    numbers, rounds = NumbersGuard(), ValidationRounds(options, model, validations, progress)
    extras = {"numbers": numbers, "rounds": rounds}
    store = CheckpointStore(run_folder, extras=extras)
    faults = ImageFaults(batches.num_images)
    if ranks.are_many:
        store, faults = RanksStore(store, ranks, extras=extras), SharedImageFaults(batches.num_images, ranks)
    try:
        if auto_resume and resume is None:
            progress.write("there is no older state to resume from: starting at step 0")
        if ranks.on_first(lambda: resume is not None and resume == run_folder.state(model.step)):
            store.restore_extras(model.step)
        resumed = str(resume) if resume else None
        progress.write(run_header(options, model, num_images=batches.num_images, archived=archived, resumed=resumed))
        rounds.score_base(base)
        with StopRequest(echo_seconds=_SIGNAL_ECHO_SECONDS if ranks.are_many else 0) as stop:
            watch = Watch(progress, faults, numbers, rounds, stop, ranks)
            Trainer(model, batches=batches, rhythm=_rhythm(options), store=store, watch=watch).fit()
    except StoppedBySignal as stopped:
        if ranks.is_first:
            raise
        raise SystemExit(stopped.exit_code) from stopped  # the first rank says it for all
    finally:
        progress.close()
    return Outcome(run_folder, run_folder.weights("net_g", None), table=rounds.tables(), failed_files=faults.listing())


def _facts(
    options: Options, model: FineTuneModel, batches: TrainingBatches, validations: list[Validation]
) -> dict[str, str]:
    """What must be the same on every rank, in short; where the files are may differ."""
    told = options.model_dump(mode="json", exclude={"path": True, "datasets": True})
    pictures = [Path(name).name for validation in validations for name in validation.picture_names]
    batch = options.datasets.train.batch_size_per_gpu if options.datasets.train else 0
    return {
        "options": _digest(json.dumps(told, sort_keys=True)),
        "batch_size_per_gpu": str(batch),
        "number of training images": str(batches.num_images),
        "validation pictures": _digest("\n".join(pictures)),
        "first step": str(model.step),
        **weight_sums(model.weights()),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_unfinished(model: FineTuneModel, total_steps: int) -> None:
    if model.step >= total_steps:
        raise CheckpointError(
            f"nothing is left to do: the state is of step {model.step} and train.total_iter is {total_steps}; raise it "
            "to go on"
        )


def _write_effective_options(options: Options, run_folder: RunFolder) -> None:
    text = yaml.safe_dump(options.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
    write_text(run_folder.root / "options.yml", text)


def _open_progress(options: Options, model: FineTuneModel, ranks: Ranks) -> Progress:
    if not ranks.is_first:  # its console is nowhere, and its files are in the folder that goes away
        return Progress(
            model.run_folder,
            first_step=model.step,
            total_steps=require_train(options).total_iter,
            device=model.device,
            use_tensorboard=False,
            stream=io.StringIO(),
        )
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
