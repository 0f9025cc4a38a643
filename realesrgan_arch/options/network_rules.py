"""Rules of networks that depend on the size of the crops or on the number of them."""

from collections.abc import Callable, Iterator

from realesrgan_arch.networks.spec import (
    BATCH_NORM_SPECS,
    LEAST_FOR_BATCH_NORM,
    SRGAN_STRIDE,
    VGG_STYLE_SIZES,
    WHOLE_CROP_SPECS,
    SRGANDiscriminatorSpec,
)
from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.train import FROZEN
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

Problems = Iterator[Problem]
_SIZE: KeyPath = ("network_d", "input_size")
_BATCH: KeyPath = ("datasets", "train", "batch_size_per_gpu")
_SHARED: KeyPath = ("dist_params", "sync_batch_norm")


def whole_crops_fit(options: Options) -> Problems:
    """A discriminator of whole crops can be built, and is built for the crops of this run."""
    spec = options.network_d
    if not isinstance(spec, WHOLE_CROP_SPECS) or spec.input_size < 1:
        return
    size = spec.input_size
    if isinstance(spec, SRGANDiscriminatorSpec) and size % SRGAN_STRIDE:
        yield Problem(_SIZE, f"expected a multiple of {SRGAN_STRIDE} for {spec.type}, got {size}")
    elif not isinstance(spec, SRGANDiscriminatorSpec) and size not in VGG_STYLE_SIZES:
        yield Problem(_SIZE, f"expected {' or '.join(map(str, VGG_STYLE_SIZES))} for {spec.type}, got {size}")
    elif options.datasets.train is not None and size != options.crop_gt_size:
        text = f"expected the side of the crops, gt_size ({options.crop_gt_size}), which {spec.type} sees whole"
        yield Problem(_SIZE, f"{text}, got {size}", reads=(options.crop_gt_path,))


def batch_norm_sees_several(options: Options) -> Problems:
    """Where a whole network with batch norm trains, each part of a batch has at least two images.

    Patterns that leave layers out, and batches whose statistics ranks share, are judged when the network and the ranks
    are there (`training/assembly.py`).
    """
    data, train = options.datasets.train, options.train
    if data is None or train is None or options.dist_params.sync_batch_norm:
        return
    if data.batch_size_per_gpu // train.num_parts >= LEAST_FOR_BATCH_NORM:
        return
    for key in batch_norms_that_train(options):
        if "all" in getattr(train.trainable, key):
            path: KeyPath = ("train", "accumulate") if data.batch_size_per_gpu >= LEAST_FOR_BATCH_NORM else _BATCH
            text = too_few_for_batch_norm(key, batch=data.batch_size_per_gpu, parts=train.num_parts)
            yield Problem(path, text, reads=((key,), _BATCH))
            return


def batch_norms_can_be_shared(options: Options) -> Problems:
    """PyTorch adds up the statistics of several processes by nccl only, and has no second derivative of that."""
    if not options.dist_params.sync_batch_norm:
        return
    if options.dist_params.backend != "nccl":
        text = f"expected nccl with sync_batch_norm, got {options.dist_params.backend}"
        yield Problem(("dist_params", "backend"), text, reads=(_SHARED,))
    gan = options.train.gan_opt if options.train else None
    if gan is not None and gan.gradient_penalty and "network_d" in batch_norms_that_train(options):
        text = "expected false with train.gan_opt.gradient_penalty, which derives the batch norm of network_d twice"
        yield Problem(_SHARED, f"{text}, got true", reads=(("train", "gan_opt", "gradient_penalty"), ("network_d",)))


def batch_norms_that_train(options: Options) -> list[str]:
    """Return the keys of the networks with batch norm of which anything trains."""
    if options.train is None:
        return []
    networks = {"network_g": options.network_g, "network_d": options.network_d}
    frozen = {key: getattr(options.train.trainable, key) == FROZEN for key in networks}
    return [key for key, spec in networks.items() if isinstance(spec, BATCH_NORM_SPECS) and not frozen[key]]


def too_few_for_batch_norm(key: str, *, batch: int, parts: int) -> str:
    """Return why so many `parts` of a `batch` are too many for the batch norm of the network `key`."""
    why = f"because the batch norm of {key} learns from the statistics of "
    if batch < LEAST_FOR_BATCH_NORM:
        least = f"expected at least {LEAST_FOR_BATCH_NORM}, {why}a batch"
        return f"{least}, got {batch}; or freeze its layers (train.trainable.{key})"
    return f"expected at most {batch // LEAST_FOR_BATCH_NORM}, {why}each part of the batch of {batch}, got {parts}"


NETWORK_RULES: tuple[Callable[[Options], Problems], ...] = (
    whole_crops_fit,
    batch_norm_sees_several,
    batch_norms_can_be_shared,
)
