"""From the options of a run to what looks after it: its console, guards, checkpoints and rhythm."""

import io
from collections.abc import Callable, Collection, Sequence

import yaml

from realesrgan_arch.atomic import write_text
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.adversary_watch import AdversaryWatch
from realesrgan_arch.training.best import BestTable
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.disk_rules import DiskRules
from realesrgan_arch.training.fault_report import FaultReports
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.preflight import check_room, checkpoint_bytes, count_checkpoints
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.ranks_store import RanksStore, Store
from realesrgan_arch.training.retention import Retention, nothing_more
from realesrgan_arch.training.rounds import ValidationRounds
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StopRequest
from realesrgan_arch.training.trackers import open_tracker
from realesrgan_arch.training.trainer import Rhythm
from realesrgan_arch.training.validation import Validation


def rhythm_of(options: Options) -> Rhythm:
    """Return how often `options` print, save and validate."""
    return Rhythm(
        total_steps=require_train(options).total_iter,
        print_every=options.logger.print_freq,
        save_every=options.logger.save_checkpoint_freq,
        validate_every=options.val.val_freq if options.val else 0,
    )


def write_effective_options(options: Options, run_folder: RunFolder) -> None:
    """Write `options.yml`: what the run was given, with what the command line changed."""
    text = yaml.safe_dump(options.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
    write_text(run_folder.root / "options.yml", text)


def check_disk(options: Options, model: FineTuneModel) -> None:
    """Check that the disk has room for the checkpoints of the run, before anything is trained.

    Raises:
        NotSavedError: it has not.
    """
    rhythm = rhythm_of(options)
    # That from which a run goes on lies in its folder, too.
    saves = (model.step > 0) + sum(rhythm.saves_after(step) for step in range(model.step + 1, rhythm.total_steps + 1))
    check_room(
        model.run_folder,
        checkpoint=checkpoint_bytes(model, gt_size=options.crop_gt_size, scale=options.scale),
        count=count_checkpoints(keep_last=_keep_last(options), saves=saves),
    )


def open_progress(options: Options, model: FineTuneModel) -> Progress:
    """Return the console and the files for numbers; only the first of several ranks has a console and a tracker."""
    logger = options.logger
    is_first = model.game.ranks.is_first
    service = logger.tracker or ("wandb" if logger.wandb.project else "none")
    project = logger.wandb.project or options.name
    tracker, words = open_tracker(
        service if is_first else "none", project=project, name=options.name, resume_id=logger.wandb.resume_id
    )
    progress = Progress(
        model.run_folder,
        first_step=model.step,
        total_steps=require_train(options).total_iter,
        device=model.device,
        use_tensorboard=logger.use_tb_logger and is_first,
        tracker=tracker,
        stream=None if is_first else io.StringIO(),
    )
    if words:
        progress.warn(words)
    return progress


def open_numbers_guard(options: Options, model: FineTuneModel, progress: Progress) -> NumbersGuard:
    """Return what watches losses, gradients and the discriminator."""
    train = require_train(options)
    gan = train.gan_opt if model.discriminator is not None else None
    return NumbersGuard(
        bad_steps=train.bad_steps,
        write=progress.write,
        report=FaultReports(options, model),
        scaler=model.game.scaler,
        adversary=AdversaryWatch(gan.gan_type) if gan is not None else None,
    )


def open_store(
    options: Options,
    model: FineTuneModel,
    *,
    numbers: NumbersGuard,
    rounds: ValidationRounds,
    progress: Progress,
    stop: StopRequest,
) -> Store:
    """Return where checkpoints are kept, together with the guards' memory; of several ranks, one for all."""
    extras = {"numbers": numbers, "rounds": rounds}
    store = CheckpointStore(
        model.run_folder,
        extras=extras,
        retention=Retention(_keep_last(options), _steps_to_keep(options, rounds.table)),
        disk=DiskRules(options.logger.on_disk_full, progress.write, lambda: stop.number is not None),
    )
    ranks = model.game.ranks
    return RanksStore(store, ranks, extras=extras) if ranks.are_many else store


def describe_data(batches: TrainingBatches, validations: Sequence[Validation]) -> dict[str, str]:
    """Return what each set holds, by its name, for the header."""
    return {"train": batches.in_words(), **{part.name: part.size_in_words() for part in validations}}


def _steps_to_keep(options: Options, table: BestTable) -> Callable[[], Collection[int]]:
    """A guard that goes back needs its step, whether or not the best ones are wanted."""
    if options.logger.keep_best:
        return table.steps_to_keep
    goes_back = options.val is not None and options.val.guard == "rollback"
    return table.way_back if goes_back else nothing_more


def _keep_last(options: Options) -> int | None:
    return None if options.logger.keep_last == "all" else options.logger.keep_last
