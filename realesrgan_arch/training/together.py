"""How processes that train together begin: they meet, agree that they train the same, and know where to write."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from realesrgan_arch.options.types import Options
from realesrgan_arch.torchrun import Place, RanksError
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.ranks_meeting import open_ranks
from realesrgan_arch.training.ranks_store import weight_sums
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.validation import Validation

SIGNAL_ECHO_SECONDS = 5.0
"""Under torchrun a cluster's signal comes twice within a moment."""


def meet(options: Options, place: Place) -> AbstractContextManager[Ranks]:
    """Return the ranks that train together, as long as the block lasts; a process alone meets nobody.

    Raises:
        RanksError: options that fit one process only, or ranks that do not come.
    """
    wants_cpu = options.num_gpu == 0 or options.device == "cpu"
    if place.world_size > 1 and options.device not in ("auto", "cuda", "cpu"):
        raise RanksError(
            f"device {options.device} is one for all {place.world_size} processes; set device: auto, and each takes "
            "the one of its own number"
        )
    pixel = options.train.pixel_opt if options.train else None
    if place.world_size > 1 and pixel is not None and pixel.reduction == "sum":
        raise RanksError(
            f"expected train.pixel_opt.reduction: mean with {place.world_size} processes, whose gradients are "
            "averaged, got sum; choose mean and another loss_weight"
        )
    told = options.dist_params
    if place.world_size > 1 and told.sync_batch_norm and (wants_cpu or not torch.cuda.is_available()):
        raise RanksError(
            f"dist_params.sync_batch_norm needs CUDA, and these {place.world_size} processes train on the CPU; set "
            "it to false, and each learns its statistics of its own part of the batch"
        )
    return open_ranks(place, wants_cpu=wants_cpu, backend=told.backend, timeout_minutes=told.timeout_minutes)


def run_folder_of(options: Options) -> RunFolder:
    """Return the folder of the run, which need not be there."""
    return RunFolder(options.run_path)


def hold_run_folder(options: Options, ranks: Ranks, held: ExitStack) -> RunFolder:
    """Return the run's folder, locked as long as `held`; of other ranks an own one that is gone afterwards.

    Raises:
        RunFolderError: it cannot be used, or another process trains in it.
    """
    run_folder = run_folder_of(options)
    if not ranks.is_first:
        unused = held.enter_context(TemporaryDirectory(prefix=f"{options.name}-rank{ranks.rank}-"))
        run_folder = RunFolder(Path(unused) / options.name)

    def hold() -> None:
        run_folder.check_place()
        held.enter_context(run_folder.lock())

    ranks.on_first(hold)
    return run_folder


def check_equal_start(
    options: Options,
    model: FineTuneModel,
    batches: TrainingBatches,
    validations: Sequence[Validation],
    *,
    ranks: Ranks,
) -> None:
    """Check that all ranks begin alike; where their files are may differ.

    Raises:
        RanksError: they do not.
    """
    told = options.model_dump(mode="json", exclude={"path": True, "datasets": True})
    pictures = [Path(name).name for validation in validations for name in validation.names]
    batch = options.datasets.train.batch_size_per_gpu if options.datasets.train else 0
    facts = {
        "options": _digest(json.dumps(told, sort_keys=True)),
        "batch_size_per_gpu": str(batch),
        "number of training images": str(batches.num_images),
        "validation pictures": _digest("\n".join(pictures)),
        "first step": str(model.step),
        "precision": str(model.dtype),
        **weight_sums(model.weights()),
    }
    ranks.check_same(facts, remedy="give every rank the same files")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
