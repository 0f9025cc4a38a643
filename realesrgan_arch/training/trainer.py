"""The loop: one screen, from top to bottom (DESIGN decision 3)."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from realesrgan_arch.data.files import DataError
from realesrgan_arch.errors import UserError
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest

Batch = Mapping[str, object]
MOST_FAILED_SHARE = 0.05


@dataclass(frozen=True)
class Rhythm:
    """How often the loop does what; 0 means never."""

    total_steps: int
    print_every: int = 100
    save_every: int = 5000
    validate_every: int = 0


class TrainingError(UserError):
    """Training that cannot go on."""


class ImageFaults:
    """Counts the images that could not be read and sees small ones; too many unreadable ones stop the run.

    Args:
        num_images: of the training set.
    """

    def __init__(self, num_images: int) -> None:
        self._num_images = num_images
        self._failed: set[str] = set()
        self._padding_was_said = False

    def note(self, batch: Batch) -> list[str]:
        """Take the `failed_path` and `padded` entries of a batch, and return what the user has not heard yet.

        Raises:
            DataError: more than 5 % of the images have failed.
        """
        new = sorted({str(path) for path in _as_list(batch.get("failed_path", ())) if path} - self._failed)
        self._failed.update(new)
        if len(self._failed) > max(1.0, MOST_FAILED_SHARE * self._num_images):
            raise DataError(
                f"expected at most {MOST_FAILED_SHARE:.0%} unreadable images, got {len(self._failed)} of "
                f"{self._num_images}, among them {', '.join(sorted(self._failed)[:3])}; mend or remove them"
            )
        words = [f"cannot read {path}: another image stands in for it" for path in new]
        if not self._padding_was_said and any(bool(padded) for padded in _as_list(batch.get("padded", ()))):
            self._padding_was_said = True
            words.append("some images are smaller than the crop and are padded by reflection (said once)")
        return words

    def listing(self) -> str:
        """Return the failed files, one a line, or an empty string."""
        return "\n".join(f"  {path}" for path in sorted(self._failed))


def fit(
    model: FineTuneModel,
    batches: Iterable[Batch],
    *,
    rhythm: Rhythm,
    progress: Progress,
    faults: ImageFaults,
    validate: Callable[[int], None],
    stop: StopRequest,
) -> None:
    """Train from the step after `model.step` to `rhythm.total_steps`; `batches` starts at that step.

    Raises:
        DataError: too many images cannot be read.
        TrainingError: losses that are not finite, or a device without memory for the batch.
        CheckpointError: a checkpoint cannot be written.
        StoppedBySignal: `stop` was asked for; the state of the step is saved.
    """
    progress.restart_clock()
    for step, (batch, waited) in enumerate(_timed(batches), start=model.step + 1):
        for words in faults.note(batch):
            progress.write(words)
        _run_step(model, batch, step)
        progress.count_step(data_seconds=waited)
        if _due(step, rhythm.print_every, rhythm):
            log = _finite(model.get_current_log(), step)
            progress.log_losses(step, log, model.get_current_learning_rate())
        with progress.pause():
            # A run that is asked to stop in its last step has nothing left to resume: it ends as ever.
            stopping = stop.number if step < rhythm.total_steps else None
            if _due(step, rhythm.save_every, rhythm) or stopping is not None:
                model.save(epoch=0, current_iter=step)
            if stopping is not None:
                raise StoppedBySignal(step, stopping)
            if _due(step, rhythm.validate_every, rhythm):
                validate(step)
        if step == rhythm.total_steps:
            break
    model.check_frozen()
    model.save(epoch=-1, current_iter=-1)


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


def _finite(log: dict[str, float], step: int) -> dict[str, float]:
    broken = [name for name, value in log.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(
            f"training has diverged by step {step} ({', '.join(broken)} not finite); go on from the last good state "
            "with --auto_resume and a lower train.optim_g.lr"
        )
    return log


def _due(step: int, every: int, rhythm: Rhythm) -> bool:
    return every > 0 and (step % every == 0 or step == rhythm.total_steps)


def _timed(batches: Iterable[Batch]) -> Iterator[tuple[Batch, float]]:
    iterator = iter(batches)
    while True:
        asked = time.monotonic()
        try:
            batch = next(iterator, None)
        except UserError as error:
            raise _without_traceback(error) from error
        if batch is None:
            return
        yield batch, time.monotonic() - asked


def _without_traceback(error: UserError) -> UserError:
    """Return the error that a worker met with its own sentence; torch puts the worker's traceback before it."""
    kind = type(error)
    return kind(str(error).rstrip().rpartition(f"{kind.__qualname__}: ")[2])


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple, Tensor)) else [value]
