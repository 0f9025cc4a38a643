"""Batches of training images from any step on: the sampler's place is arithmetic, so nothing is skipped or repeated."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from torch.utils.data import DataLoader

from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.sampler import StepSampler
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.stopping import leave_signals_to_the_parent

Batch = Mapping[str, object]


class BatchSource(Protocol):
    """Where the loop takes its batches from."""

    def open(self, first_step: int) -> Iterator[Batch]:
        """Yield the batches of `first_step` (from 1) and of every later one."""
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
        self._dataset = build_training_set(
            self._section, scale=options.scale, gt_size=options.crop_gt_size, seed=self._seed
        )
        self.num_images = len(self._dataset)

    def open(self, first_step: int) -> Iterator[Batch]:
        """Yield the batches of `first_step` (from 1) to the last step of the run."""
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
            self._dataset,
            batch_sampler=sampler,
            num_workers=self._section.num_worker_per_gpu,
            pin_memory=self._pin_memory,
            worker_init_fn=leave_signals_to_the_parent,
        )
        yield from loader
