"""Which image at which step: arithmetic instead of state, so that a run resumes exactly where it stopped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from realesrgan_arch.data.files import DataError
from realesrgan_arch.plural import count_of
from realesrgan_arch.seeding import Stream, numpy_generator


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Image `index` for place `slot` (0..batch-1) in the batch of `step`; all that a sample depends on but the seed.

    The batch is that of all ranks together.
    """

    index: int
    step: int
    slot: int


class StepSampler(Sampler[list[SampleRequest]]):
    """A batch sampler for `DataLoader(batch_sampler=...)`: steps `start_step .. start_step + num_steps - 1`.

    The images follow one another in a permutation for each epoch, keyed by (seed, epoch); a batch may run over the end
    of an epoch, so that every image is seen once in each. The batch of a step depends on (seed, step) only.

    Of several processes that train together each takes its `batch_size` slots of the whole batch, by its rank: two with
    four images each see what one with eight sees.

    Raises:
        DataError: fewer images than the whole batch needs.
    """

    def __init__(
        self,
        num_images: int,
        batch_size: int,
        seed: int,
        start_step: int,
        num_steps: int,
        *,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        whole_batch = batch_size * world_size
        if num_images < whole_batch:
            raise DataError(
                f"Got {count_of(num_images, 'image')}, but the batch is {whole_batch}; "
                "lower datasets.train.batch_size_per_gpu or add images."
            )
        self.num_images = num_images
        self.batch_size = batch_size
        self.seed = seed
        self.start_step = start_step
        self.num_steps = num_steps
        self._whole_batch = whole_batch
        self._slots = range(rank * batch_size, (rank + 1) * batch_size)

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[list[SampleRequest]]:
        epoch, order = -1, np.empty(0, np.int64)
        for step in range(self.start_step, self.start_step + self.num_steps):
            batch: list[SampleRequest] = []
            for slot in self._slots:
                wanted_epoch, place = divmod(step * self._whole_batch + slot, self.num_images)
                if wanted_epoch != epoch:
                    epoch, order = wanted_epoch, epoch_order(self.num_images, seed=self.seed, epoch=wanted_epoch)
                batch.append(SampleRequest(int(order[place]), step, slot))
            yield batch


def epoch_order(num_images: int, *, seed: int, epoch: int) -> np.ndarray:
    """Return the permutation of image indices (int64) of an epoch."""
    return numpy_generator(seed, Stream.ORDER, epoch).permutation(num_images)
