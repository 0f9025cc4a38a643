"""Batches of training images from any step on: the sampler's place is arithmetic, so nothing is skipped or repeated."""

import multiprocessing
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing.process import BaseProcess
from typing import Protocol

from torch.utils.data import DataLoader

from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.list_hash import hash_training_set
from realesrgan_arch.data.sampler import StepSampler
from realesrgan_arch.errors import UserError
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.numbers_guard import TrainingError
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.stopping import leave_signals_to_the_parent
from realesrgan_arch.training.worker_faults import DeathNotice, WorkerError, explain, shared_memory_warning

Batch = Mapping[str, object]
_PREFETCHED = 2
"""Batches that each worker makes ahead: torch's default."""
_PATIENCE_S = 5.0


class BatchSource(Protocol):
    """Where the loop takes its batches from."""

    def open(self, first_step: int) -> Generator[Batch]:
        """Yield the batches of `first_step` (from 1) and of every later one.

        Raises:
            DataError: images that cannot be used.
            WorkerError: the workers bring no more; after `use_fewer_workers` it can be opened again.
        """
        ...

    def use_fewer_workers(self, fault: WorkerError) -> str:
        """Prepare for the next `open` after `fault`, and return what changes, in words.

        Raises:
            TrainingError: it has been done before.
        """
        ...


class TrainingBatches:
    """The training images of `options`, in batches.

    Args:
        options: with `datasets.train` and `train`.
        pin_memory: copy to a GPU from pinned memory, where the data set's options want it.
        ranks: among which every batch is divided.

    Raises:
        DataError: images that cannot be found.
    """

    def __init__(self, options: Options, *, pin_memory: bool, ranks: Ranks | None = None) -> None:
        if options.datasets.train is None:
            raise ValueError("expected options with datasets.train")
        self._section = options.datasets.train
        self._seed = options.manual_seed
        self._ranks = ranks or Ranks.single()
        self._total_steps = require_train(options).total_iter
        self._pin_memory = pin_memory and self._section.pin_memory
        side = options.crop_gt_size if options.is_paired else self._section.crop_size
        self.dataset = build_training_set(
            self._section, scale=options.scale, gt_size=options.crop_gt_size, seed=self._seed
        )
        self._batch_bytes = self._section.batch_size_per_gpu * 3 * side**2 * (2 if options.is_paired else 1)
        self._has_restarted = False
        self.num_workers = self._section.num_worker_per_gpu
        self.num_images = len(self.dataset)

    def in_words(self) -> str:
        """Return how many images there are, with a digest of their names and sizes."""
        return hash_training_set(self.dataset, self._section)

    def open(self, first_step: int) -> Generator[Batch]:
        """Yield the batches of `first_step` (from 1) to the last step of the run.

        The workers end with the iterator: when it is exhausted, closed or dropped.
        """
        sampler = StepSampler(
            num_images=self.num_images,
            batch_size=self._section.batch_size_per_gpu,
            seed=self._seed,
            start_step=first_step,
            num_steps=self._total_steps - first_step + 1,
            rank=self._ranks.rank,
            world_size=self._ranks.world_size,
        )
        loader = DataLoader(
            self.dataset,
            batch_sampler=sampler,
            num_workers=self.num_workers,
            pin_memory=self._pin_memory,
            timeout=self._section.worker_timeout_s if self.num_workers else 0,
            worker_init_fn=leave_signals_to_the_parent,
        )
        yield from _batches_of(loader)

    def use_fewer_workers(self, fault: WorkerError) -> str:
        """Halve the workers, once in a run.

        Raises:
            TrainingError: it has been done before.
        """
        if self._has_restarted:
            raise TrainingError(f"{fault}. It happened again with {self.num_workers} workers, so the run ends here")
        self._has_restarted = True
        before, self.num_workers = self.num_workers, self.num_workers // 2
        return f"{fault}. Going on with {self.num_workers} instead of {before} workers"

    def shared_memory_warning(self) -> str | None:
        """Return a sentence where /dev/shm has less room than the workers may need."""
        needed = self.num_workers * _PREFETCHED * self._batch_bytes
        return shared_memory_warning(needed) if needed else None


def _batches_of(loader: DataLoader) -> Iterator[Batch]:
    others = set(multiprocessing.active_children())
    plain_faults = _plain_faults if loader.num_workers else nullcontext
    with plain_faults():
        iterator, notice = iter(loader), DeathNotice()
    workers = [child for child in multiprocessing.active_children() if child not in others]
    if workers:
        notice.hold()
    try:
        while True:
            with plain_faults(), notice.waiting():
                batch = next(iterator, None)
            if batch is None:
                return
            yield batch
    finally:
        if workers:
            _end(iterator, workers)
        notice.release()


def _end(iterator: object, workers: Sequence[BaseProcess]) -> None:
    """Kill the workers, who only read, and let torch tidy up after them.

    torch would ask them to end, by an event with a lock: one that was killed in the middle of looking at it holds that
    lock for ever, and one that is stopped never looks. Nor is this left to the garbage collector: where an exception
    passes, its traceback keeps the workers alive.
    """
    _kill(workers)
    iterator._workers_done_event = threading.Event()  # pyright: ignore[reportAttributeAccessIssue]
    iterator._shutdown_workers()  # pyright: ignore[reportAttributeAccessIssue]


def _kill(workers: Iterable[BaseProcess]) -> None:
    """End processes; nothing happens to those that have ended."""
    for worker in workers:
        worker.kill()
        worker.join(_PATIENCE_S)


@contextmanager
def _plain_faults() -> Iterator[None]:
    """Turn what torch raises for a worker into a sentence."""
    try:
        yield
    except UserError as error:
        raise _without_traceback(error) from error
    except (RuntimeError, OSError, EOFError) as error:
        words = explain(error)
        if words is None:
            raise
        raise WorkerError(words) from error


def _without_traceback(error: UserError) -> UserError:
    """Return the error that a worker met with its own sentence; torch puts the worker's traceback before it."""
    kind = type(error)
    return kind(str(error).rstrip().rpartition(f"{kind.__qualname__}: ")[2])
