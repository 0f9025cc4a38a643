"""The training pairs of one seed, made once and read by every candidate.

Candidates of one seed see the same pictures, degraded alike: their batches follow from the seed and the step alone.
Decoding and degrading them once is what makes k short runs cheaper than k runs. Pairs lie on the grid of 1/255, so
eight bits keep them exactly, and a run from the tape is the run without it, to the last bit.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor
from tqdm import tqdm

from realesrgan_arch.atomic import move_into_place
from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.devices import choose_device
from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.disk import NoRoomError, disk_faults
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import assemble_synthesis
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.steps import as_float

_SIDES = ("lq", "gt")
_SPARE = 1.1
"""So much room more than the pairs need has to be free."""


class PairTape:
    """Pairs that `record_pairs` has written.

    Args:
        folder: of the tape.
    """

    def __init__(self, folder: Path) -> None:
        self._pairs = {side: np.load(folder / f"{side}.npy", mmap_mode="r") for side in _SIDES}

    def batch(self, step: int) -> Mapping[str, Tensor]:
        """Return `lq` and `gt` of `step` (from 1), uint8 (B, 3, H, W), as `FineTuneModel.feed_data` takes them."""
        return {side: torch.from_numpy(pairs[step - 1].copy()) for side, pairs in self._pairs.items()}


def record_pairs(
    options: Options, folder: Path, *, tell: Callable[[str], None], check_stop: Callable[[], None]
) -> None:
    """Write the pairs of all steps of `options` into `folder`, unless they are there.

    Args:
        options: of a run; of its network only the scale counts.
        folder: of the tape, whole or absent.
        tell: takes warnings of pictures that cannot be read.
        check_stop: is called after each step, and raises where the work is to end.

    Raises:
        NoRoomError: no room for them.
        StudyError: they cannot be written.
        DataError: pictures that cannot be used.
    """
    if folder.exists():
        return
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _check_room(options, folder)
    try:
        with disk_faults(folder):
            partial.mkdir(parents=True)
        pairs = _record(options, partial, folder, tell=tell, check_stop=check_stop)
        with disk_faults(folder):
            for values in pairs.values():
                values.flush()
            pairs.clear()
            move_into_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _record(
    options: Options, partial: Path, folder: Path, *, tell: Callable[[str], None], check_stop: Callable[[], None]
) -> dict[str, np.memmap]:
    steps = require_train(options).total_iter
    pairs: dict[str, np.memmap] = {}
    made = tqdm(_pairs(options, tell), total=steps, desc=f"pairs of {folder.name}", leave=False, disable=None)
    for place, batch in enumerate(made):
        for side, value in batch.items():
            if side not in pairs:
                with disk_faults(folder):
                    shape = (steps, *value.shape)
                    pairs[side] = open_memmap(partial / f"{side}.npy", mode="w+", dtype=np.uint8, shape=shape)
            pairs[side][place] = value.numpy()
        check_stop()
    return pairs


def tape_bytes(options: Options) -> int:
    """Return how much the pairs of all steps of `options` take on the disk."""
    data = options.datasets.train
    batch = data.batch_size_per_gpu if data else 1
    pixels = options.crop_gt_size**2 + (options.crop_gt_size // options.scale) ** 2
    return require_train(options).total_iter * batch * 3 * pixels


def _pairs(options: Options, tell: Callable[[str], None]) -> Iterator[dict[str, Tensor]]:
    device = choose_device("cpu" if options.num_gpu == 0 else options.device)
    source = TrainingBatches(options, pin_memory=device.type == "cuda")
    faults = ImageFaults(source.num_images)
    synthesis = None if options.is_paired else assemble_synthesis(options)
    with closing(source.open(1)) as batches:
        for step, batch in enumerate(batches, start=1):
            for words in faults.note(batch):
                tell(words)
            gt = as_float(batch["gt"], device=device)
            if synthesis is None:
                lq = as_float(batch["lq"], device=device)
            else:
                lq, gt = synthesis.make_pairs(gt, step=step)
            yield {"lq": _eight_bits(lq), "gt": _eight_bits(gt)}


def _eight_bits(pictures: Tensor) -> Tensor:
    return pictures.mul(255).round().to(torch.uint8).cpu()


def _check_room(options: Options, folder: Path) -> None:
    needed, free = _SPARE * tape_bytes(options), free_bytes(folder)
    if needed > free:
        raise NoRoomError(
            f"{shown(folder.parent)}: expected room for {say_bytes(needed)} of training pairs, got {say_bytes(free)}; "
            "lower --steps, or choose another --out"
        )
