"""A run in small, on the real path, that leaves nothing: will it work, how long will it take, will it fit?"""

import io
import logging
import shutil
import signal
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from types import FrameType

import torch

from realesrgan_arch.data.assembly import build_whole_images
from realesrgan_arch.devices import choose_device
from realesrgan_arch.disk_room import existing_folder, free_bytes
from realesrgan_arch.dry_run_report import Cost, DryRunReport
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.session import Outcome, check_start, train
from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.opening import count_saves, most_checkpoints
from realesrgan_arch.training.peak_memory import peak_bytes
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.together import run_folder_of

STEPS = 3
RESUMED_STEP = 2
logger = logging.getLogger(__name__)
_PREFIX = ".dry-run-"
Weights = dict[str, dict[str, dict[str, torch.Tensor]]]
_TOLERANCE = 1e-3
"""On a GPU two runs differ a little, and Adam's first steps are as long as the learning rate."""


class InterruptedDryRun(KeyboardInterrupt):
    """A dry run that was asked to stop, and has removed its folder."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__("the dry run was interrupted; it has left nothing")


def dry_run(options: Options, *, allow_changed: Sequence[str] = ()) -> DryRunReport:
    """Train 3 steps, validate one picture of each set, save, load again and train a step from there, in a hidden folder
    beside the runs, which is removed however this ends.

    The run of that name, if there is one, is not touched, even while it trains. A state from which the real run would
    go on is loaded and must fit; the steps here begin at 0 all the same.

    Args:
        options: of the real run.
        allow_changed: keys that may differ from those of the state although they change what the run means.

    Raises:
        UserError: what would stop the run before or in its first steps.
        InterruptedDryRun: SIGINT or SIGTERM.
    """
    real = run_folder_of(options)
    real.check_place()
    place = existing_folder(real.root.absolute().parent)
    _sweep(place)
    with _folder_for_a_while(place) as folder:
        small = _in_small(options, folder)
        said = _Echo(sys.stderr, hide=folder, show=real.root.parent)
        with redirect_stderr(said):
            if options.resume_from != "none":
                check_start(options, allow_changed=allow_changed)
            outcome = train(small, listens=False)
        found = _cost_of(options, outcome)
        problems = [*said.warnings(), *_compare_resumed(small, outcome)]
    return DryRunReport(found, problems=tuple(problems), free_bytes=free_bytes(place))


@contextmanager
def _folder_for_a_while(place: Path) -> Iterator[Path]:
    """Yield a folder in `place`; the first signal ends the block at once, and the folder goes in any case."""
    numbers: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        numbers.append(number)
        # A second signal must not disturb the removal.
        if len(numbers) == 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    folder = place / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        with file_lock(_lock_of(folder)), _removed_afterwards(folder):
            folder.mkdir()
            yield folder
    except KeyboardInterrupt as stop:
        raise InterruptedDryRun(numbers[0] if numbers else signal.SIGINT) from stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _removed_afterwards(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _sweep(place: Path) -> None:
    """Remove what dry runs have left in `place` that were killed: those whose lock nobody holds."""
    for folder in sorted({path.with_suffix("") for path in place.glob(f"{_PREFIX}*")}):
        try:
            with file_lock(_lock_of(folder)), _removed_afterwards(folder):
                logger.debug("removing %s of a dry run that was killed", folder)
        except OSError:
            logger.debug("%s stays", folder, exc_info=True)


def _in_small(options: Options, folder: Path) -> Options:
    """Return the options of the dry run: the same parts, few steps, each of the slowest kind."""
    full = require_train(options)
    # The adversary plays from the first step, as its steps are the long ones.
    gan = full.gan_opt.model_copy(update={"start_iter": 0, "ramp_iter": 0}) if full.gan_opt else None
    short = full.model_copy(update={"total_iter": STEPS, "net_d_init_iters": 0, "net_d_iters": 1, "gan_opt": gan})
    sets = {key: part.model_copy(update={"max_images": 1}) for key, part in options.datasets.validation_sets().items()}
    logger = options.logger.model_copy(
        update={"print_freq": 1, "save_checkpoint_freq": RESUMED_STEP, "tracker": "none", "keep_last": "all"},
    )
    return options.resuming("none").model_copy(
        update={
            "train": short,
            "datasets": options.datasets.model_copy(update=sets),
            "path": options.path.model_copy(update={"experiments_root": folder, "resume_state": None}),
            "val": options.val.model_copy(update={"val_freq": STEPS, "guard": "none"}) if options.val else None,
            "logger": logger,
        }
    )


def _cost_of(options: Options, outcome: Outcome) -> Cost:
    total = require_train(options).total_iter
    timings, validates = outcome.timings, bool(options.val and options.datasets.validation_sets())
    rounds = -(-total // options.val.val_freq) if options.val and validates else 0
    saves = count_saves(options)
    return Cost(
        steps=total,
        first_step_s=timings.first_step_s,
        step_s=timings.typical_s("step"),
        validations=rounds,
        # One picture of each set was scored; of a frozen set, all.
        pictures_per_scored=_pictures_per_scored(options) if validates else 0.0,
        base_s=timings.typical_s("base"),
        validation_s=timings.typical_s("validation"),
        saves=saves,
        saving_s=timings.typical_s("saving"),
        kept=most_checkpoints(options, saves=saves),
        checkpoint_bytes=_checkpoint_bytes(outcome.run_folder),
        peak_bytes=peak_bytes(_device(options)),
    )


def _device(options: Options) -> torch.device:
    return choose_device("cpu" if options.num_gpu == 0 else options.device)


def _pictures_per_scored(options: Options) -> float:
    sections = options.datasets.validation_sets().values()
    sizes = [len(build_whole_images(part, scale=options.scale, degradation=options.degradation())) for part in sections]
    scored = sum(size if part.is_frozen else 1 for size, part in zip(sizes, sections, strict=True))
    return sum(sizes) / scored


def _checkpoint_bytes(run_folder: RunFolder) -> int:
    """The size of the larger one of the two checkpoints that were written."""
    return max(manifest.total_bytes for manifest in read_manifests(run_folder).values())


def _compare_resumed(small: Options, outcome: Outcome) -> Iterator[str]:
    """Go back to the older checkpoint, resume from it on the real path, and compare the end with the first one."""
    before = _read_weights(outcome.run_folder)
    with redirect_stderr(io.StringIO()):
        CheckpointStore(outcome.run_folder).discard_after(RESUMED_STEP)
        train(small, auto_resume=True, listens=False)
    after = _read_weights(outcome.run_folder)
    difference = max(
        float((before[file][key][name] - value).abs().max())
        for file, content in after.items()
        for key, tensors in content.items()
        for name, value in tensors.items()
        if value.is_floating_point() and value.numel()
    )
    allowed = 0.0 if _device(small).type == "cpu" else _TOLERANCE
    if difference > allowed:
        yield f"a resumed run does not end as an undisturbed one: weights differ by up to {difference:.2g}"


def _read_weights(run_folder: RunFolder) -> Weights:
    files = sorted(run_folder.models.glob("*_latest.pth"))
    return {file.name: torch.load(file, map_location="cpu", weights_only=True) for file in files}


class _Echo(io.TextIOBase):
    """Passes on what the run says, under the name of its real folder, and keeps it."""

    def __init__(self, stream: object, *, hide: Path, show: Path) -> None:
        self._stream: io.TextIOBase = stream  # pyright: ignore[reportAttributeAccessIssue]
        self._hide, self._show = str(hide), str(show)
        self._kept: list[str] = []

    def write(self, text: str) -> int:
        """Write to both."""
        shown = text.replace(self._hide, self._show)
        self._kept.append(shown)
        self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def warnings(self) -> list[str]:
        """Return what the run has warned of."""
        lines = "".join(self._kept).splitlines()
        marks = ("warning: ", "cannot read ")
        return [line.removeprefix("warning: ") for line in lines if line.startswith(marks)]
