"""From the options of a run to what looks after it: its console, guards, checkpoints and rhythm."""

import io
from collections.abc import Callable, Collection, Sequence

import yaml

from realesrgan_arch.atomic import write_text
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.adversary_watch import AdversaryWatch, bounds_of
from realesrgan_arch.training.best import FIDELITY, NATURALNESS, BestTable
from realesrgan_arch.training.checkpoint_manifest import look_for_newest
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.disk_rules import DiskRules
from realesrgan_arch.training.fault_report import FaultReports
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.pareto import CAP
from realesrgan_arch.training.preflight import check_room, checkpoint_bytes, count_checkpoints
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.ranks_store import RanksStore, Store
from realesrgan_arch.training.retention import Retention, nothing_more
from realesrgan_arch.training.rounds import ValidationRounds
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_ranks import write_num_ranks
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from realesrgan_arch.training.trackers import open_tracker
from realesrgan_arch.training.trainer import Rhythm
from realesrgan_arch.training.validation import Validation, score_rules


def rhythm_of(options: Options) -> Rhythm:
    """Return how often `options` print, save and validate."""
    return Rhythm(
        total_steps=require_train(options).total_iter,
        print_every=options.logger.print_freq,
        save_every=options.logger.save_checkpoint_freq,
        validate_every=options.val.val_freq if options.val else 0,
    )


def write_effective_options(options: Options, run_folder: RunFolder, *, num_ranks: int) -> None:
    """Write `options.yml`: what the run was given, with what the command line changed; and its number of ranks."""
    write_num_ranks(run_folder.root, num_ranks)
    text = yaml.safe_dump(options.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
    write_text(run_folder.root / "options.yml", text)


def count_saves(options: Options, *, after: int = 0) -> int:
    """Return how many checkpoints the run writes after step `after`."""
    rhythm = rhythm_of(options)
    return sum(rhythm.saves_after(step) for step in range(after + 1, rhythm.total_steps + 1))


def most_checkpoints(options: Options, *, saves: int) -> int:
    """Return how many checkpoints a run that saves so often may hold at once, the best ones among them."""
    return count_checkpoints(keep_last=_keep_last(options), saves=saves, best=_most_best(options))


def check_disk(options: Options, model: FineTuneModel, *, goes_on: bool) -> None:
    """Check that the disk has room for the checkpoints of the run, before anything is trained.

    Args:
        options: of the run.
        model: as it starts.
        goes_on: in its own folder, where its older checkpoints are.

    Raises:
        NotSavedError: it has not.
    """
    check_room(
        model.run_folder,
        checkpoint=checkpoint_bytes(model, gt_size=options.crop_gt_size, scale=options.scale),
        # That from which a run goes on lies in its folder, too.
        count=most_checkpoints(options, saves=(model.step > 0) + count_saves(options, after=model.step)),
        goes_on=goes_on,
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
    adversarial = model.game.losses.adversarial if model.discriminator is not None else None
    bounds = bounds_of(adversarial) if adversarial is not None else None
    return NumbersGuard(
        bad_steps=train.bad_steps,
        write=progress.write,
        report=FaultReports(options, model),
        num_ranks=model.game.ranks.world_size,
        scaler=model.game.scaler,
        adversary=AdversaryWatch(bounds) if bounds is not None else None,
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
    ranks, logger = model.game.ranks, options.logger
    if ranks.are_many and logger.on_disk_full == "pause":
        progress.write("several ranks train, so a full disk ends the run: the others cannot wait for one that pauses")
    store = CheckpointStore(
        model.run_folder,
        extras=extras,
        retention=Retention(_keep_last(options), _steps_to_keep(options, rounds.table)),
        disk=DiskRules(
            "stop" if ranks.are_many else logger.on_disk_full,
            progress.write,
            lambda: _check_stop(stop, model.run_folder),
        ),
    )
    return RanksStore(store, ranks, extras=extras) if ranks.are_many else store


def describe_data(batches: TrainingBatches, validations: Sequence[Validation]) -> dict[str, str]:
    """Return what each set holds, by its name, for the header."""
    return {"train": batches.in_words(), **{part.name: part.size_in_words() for part in validations}}


def _check_stop(stop: StopRequest, run_folder: RunFolder) -> None:
    """Raise where a signal asked the run to end, while its step cannot be saved."""
    if stop.number is not None:
        newest = look_for_newest(run_folder).manifest
        raise StoppedBySignal(newest.step if newest else 0, stop.number, disk_is_full=True)


def _steps_to_keep(options: Options, table: BestTable) -> Callable[[], Collection[int]]:
    """A guard that goes back needs its step, whether or not the best ones are wanted."""
    if options.logger.keep_best:
        return table.steps_to_keep
    goes_back = options.val is not None and options.val.guard == "rollback"
    return table.way_back if goes_back else nothing_more


def _keep_last(options: Options) -> int | None:
    return None if options.logger.keep_last == "all" else options.logger.keep_last


def _most_best(options: Options) -> int:
    """How many of the best may stay: one a metric, that of the composite, and the front, if it has both its axes."""
    if not (options.logger.keep_best and options.val and options.datasets.validation_sets()):
        return 0
    metrics = score_rules(options).metrics
    return len(metrics) + 1 + (CAP if {FIDELITY, NATURALNESS} <= set(metrics) else 0)
