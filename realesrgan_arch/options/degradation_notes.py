"""What a user should hear about keys of the degradation that training does not listen to."""

from collections.abc import Collection, Iterator

from realesrgan_arch.options.datasets import TrainDataset
from realesrgan_arch.options.degradation_keys import degradation_keys
from realesrgan_arch.options.types import Options


def degradation_notes(train: TrainDataset, options: Options) -> Iterator[str]:
    """Yield a sentence for each thing without effect: with pairs, and with bicubic data."""
    if train.is_paired and "degradation" in train.model_fields_set:
        yield "datasets.train.degradation has no effect: pairs bring their own LQ images"
    if train.is_plain:
        yield from _plain_degradation_notes(train, options)


def _plain_degradation_notes(train: TrainDataset, options: Options) -> Iterator[str]:
    """Say which keys of the two passes bicubic training does not listen to; a validation set may still do so."""
    why = f"datasets.train.degradation is {train.degradation}"
    if options.queue_size and "queue_size" in options.model_fields_set:
        yield f"queue_size has no effect: {why}, and such pairs need no pool"
    sets = {**options.datasets.validation_sets(), **options.datasets.test_sets()}
    ways = {train.degradation, *(data.degradation for data in sets.values() if data.type == "SyntheticPairs")}
    if "full" in ways:
        return
    top, blur = (keys.keys() for keys in degradation_keys(options.passes()))
    unused = [key for key in top if key in options.model_fields_set]
    unused += [f"datasets.train.{key}" for key in blur if key in train.model_fields_set and not _blurs(ways, key)]
    if unused:
        yield f"{', '.join(unused)}: no effect, as {why}"


def _blurs(ways: Collection[str], key: str) -> bool:
    return "blur_bicubic" in ways and key == "blur_sigma"
