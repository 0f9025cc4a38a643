"""What a user should hear about an option file that is right: keys without effect, texts that were read as numbers."""

from collections.abc import Iterator, Mapping
from typing import cast

from realesrgan_arch.options.adversary_rules import adversary_notes
from realesrgan_arch.options.datasets import TrainDataset, ValDataset
from realesrgan_arch.options.degradation_notes import degradation_notes
from realesrgan_arch.options.loss_rules import loss_notes
from realesrgan_arch.options.network_rules import batch_norms_that_train
from realesrgan_arch.options.problems import dotted, show
from realesrgan_arch.options.sharpening_notes import sharpening_notes
from realesrgan_arch.options.train import FROZEN, MultiStepOptions, TrainOptions, ValidationOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

_CHOICES_OF_A_FROZEN_SET = (
    "dataroot_lq", "manifest", "allow_changed", "meta_info", "meta_info_file", "io_backend", "filename_tmpl",
    "degradation", "seed", "max_size", "max_images",
)  # fmt: skip


def write_notes(options: Options, values: Mapping[str, object]) -> tuple[str, ...]:
    """Return one sentence for each thing worth knowing; `values` is what `options` was made from."""
    return (*_read_differently(values, options.model_dump(), ()), *_without_effect(options))


def _read_differently(written: object, read: object, path: KeyPath) -> Iterator[str]:
    """Compare the file with what became of it; only changes of kind are worth a word."""
    if isinstance(written, Mapping) and isinstance(read, Mapping):
        for key in written.keys() & read.keys():
            yield from _read_differently(written[key], read[key], (*path, cast(str, key)))
    elif isinstance(written, list | tuple) and isinstance(read, list | tuple):
        for index, pair in enumerate(zip(written, read, strict=False)):
            yield from _read_differently(*pair, (*path, index))
    elif isinstance(read, bool) and not isinstance(written, bool):
        yield f"{dotted(path)}: {show(written)} was read as {show(read)}"
    elif isinstance(written, str) and isinstance(read, int | float):
        yield f"{dotted(path)}: {show(written)} was read as the number {read!r}"


def _without_effect(options: Options) -> Iterator[str]:
    if options.datasets.train is not None:
        yield from _train_data_notes(options.datasets.train, options)
    if options.train is not None:
        yield from _train_notes(options.train, options)
        yield from _batch_norm_notes(options.train, options)
        yield from adversary_notes(options)
        yield from loss_notes(options)
    yield from sharpening_notes(options)
    sets = {**options.datasets.validation_sets(), **options.datasets.test_sets()}
    for key, data in sets.items():
        yield from _whole_image_notes(key, data)
    if options.val is not None:
        yield from _validation_notes(options.val, has_sets=bool(sets))
    if options.train is not None and options.val is None and options.datasets.validation_sets():
        yield "datasets.val has no effect: there is no `val` section that says how often"
    if options.path.pretrain_network_d is not None and options.network_d is None:
        yield "path.pretrain_network_d has no effect: there is no network_d"
    if options.logger.wandb.project is not None and options.logger.tracker not in (None, "wandb"):
        yield f"logger.wandb has no effect: logger.tracker is {options.logger.tracker}"
    if isinstance(options.num_gpu, int) and options.num_gpu > 1:
        yield (
            f"num_gpu: {options.num_gpu} has no effect: one process trains on one device, so a batch has "
            + (
                f"{options.datasets.train.batch_size_per_gpu} images"
                if options.datasets.train
                else "batch_size_per_gpu images"
            )
            + f"; start {options.num_gpu} with torchrun --nproc_per_node {options.num_gpu}"
            + f"; torchrun --nproc_per_node {options.num_gpu} realesrgan_arch/train.py ... starts as many"
        )


def _whole_image_notes(key: str, data: ValDataset) -> Iterator[str]:
    if data.is_frozen:
        for field in _CHOICES_OF_A_FROZEN_SET:
            if field in data.model_fields_set:
                yield f"datasets.{key}.{field} has no effect: a frozen set is scored whole and as it is"
        return
    if data.is_paired and data.degradation != "bicubic":
        yield f"datasets.{key}.degradation has no effect: pairs bring their own LQ images"


def _validation_notes(val: ValidationOptions, *, has_sets: bool) -> Iterator[str]:
    if not has_sets:
        yield "val has no effect: there is no datasets.val"
    if val.suffix is not None:
        yield "val.suffix has no effect: saved pictures are named after their source"
    if val.guard != "rollback" and "rollbacks" in val.model_fields_set:
        yield f"val.rollbacks has no effect: val.guard is {val.guard}"
    if not val.pbar:
        yield "val.pbar has no effect: validation shows no bar"


def _train_data_notes(train: TrainDataset, options: Options) -> Iterator[str]:
    """Say which keys of upstream's data sets ask for what does not happen; the others need no word."""
    for key in ("blur_kernel_size", "blur_kernel_size2"):
        if getattr(train, key) != 21:
            yield f"datasets.train.{key} has no effect: kernels are 21 wide, with 7 to 21 used, as upstream"
    if not train.use_shuffle:
        yield "datasets.train.use_shuffle has no effect: images are always drawn in a seeded random order"
    if train.dataset_enlarge_ratio != 1:
        yield "datasets.train.dataset_enlarge_ratio has no effect: images are drawn without end"
    if train.prefetch_mode is not None or train.num_prefetch_queue != 1:
        yield "datasets.train.prefetch_mode and num_prefetch_queue have no effect: the workers prefetch"
    yield from degradation_notes(train, options)
    if train.persistent_workers:
        yield "datasets.train.persistent_workers has no effect: the workers live as long as the run"
    if not train.is_paired and train.gt_size not in (None, options.gt_size):
        yield f"datasets.train.gt_size has no effect: `gt_size` at the top ({options.gt_size}) is the crop"


def _batch_norm_notes(train: TrainOptions, options: Options) -> Iterator[str]:
    """Say whose statistics batch norm learns from, where that is not the batch of the options."""
    keys, data = batch_norms_that_train(options), options.datasets.train
    if keys and train.accumulate != 1 and data is not None:
        each = (
            "one" if train.accumulate == "auto" else f"the {data.batch_size_per_gpu // train.num_parts} images of one"
        )
        yield (
            f"train.accumulate: the batch norm of {' and '.join(keys)} learns from {each} part of the "
            "batch at a time, so a step is not that of the whole batch"
        )
    if options.dist_params.sync_batch_norm and not keys:
        yield "dist_params.sync_batch_norm has no effect: no network that trains has batch norm"


def _train_notes(train: TrainOptions, options: Options) -> Iterator[str]:
    if train.optim_d is not None and (options.network_d is None or train.trainable.network_d == FROZEN):
        yield "train.optim_d has no effect: no discriminator is trained"
    if isinstance(train.scheduler, MultiStepOptions) and max(train.scheduler.milestones, default=0) > train.total_iter:
        yield f"train.scheduler.milestones: those after total_iter ({train.total_iter}) are never reached"
