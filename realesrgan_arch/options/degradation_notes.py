"""What a user should hear about keys of the degradation that training does not listen to."""

from collections.abc import Collection, Iterator

from realesrgan_arch.degradation.gate import OWN, OWN_PASSES
from realesrgan_arch.options.datasets import TrainDataset
from realesrgan_arch.options.degradation_keys import degradation_keys
from realesrgan_arch.options.types import Options


def degradation_notes(train: TrainDataset, options: Options) -> Iterator[str]:
    """Yield a sentence for each thing without effect: with pairs, with bicubic data, and behind a gate."""
    if train.is_paired and "degradation" in train.model_fields_set:
        yield "datasets.train.degradation has no effect: pairs bring their own LQ images"
    if train.is_plain:
        yield from _plain_degradation_notes(train, options)
    yield from _gate_notes(train, options)


def _gate_notes(train: TrainDataset, options: Options) -> Iterator[str]:
    """Say where the gate leads nowhere, and which pass of the file is behind none of its branches."""
    if options.gate is None:
        return
    if "full" not in _ways(train, options):
        why = f"datasets.train.degradation is {train.degradation}"
        yield f"gate has no effect: {'pairs bring their own LQ images' if train.is_paired else why}"
        return
    taken = {name for name, share in options.gate.items() if share > 0}
    top, blur = (keys.keys() for keys in degradation_keys(options.passes()))
    given = [
        *(key for key in top if key in options.model_fields_set),
        *(k for k in blur if k in train.model_fields_set),
    ]
    if given and not taken & {*OWN}:
        yield f"the gate draws nothing from the ranges of this file: it has neither {' nor '.join(OWN)}"
    elif OWN_PASSES not in taken and any(_is_of_second_pass(key) for key in given):
        yield f"the gate draws nothing from the second pass of this file: it has no {OWN_PASSES}"


def _is_of_second_pass(key: str) -> bool:
    return key.endswith("2") or key in ("second_blur_prob", "final_sinc_prob")


def _ways(train: TrainDataset, options: Options) -> set[str]:
    """Return how LQ images are made from single ones, in training and in all sets."""
    sets = {**options.datasets.validation_sets(), **options.datasets.test_sets()}
    own = () if train.is_paired else (train.degradation,)
    return {*own, *(data.degradation for data in sets.values() if data.type == "SyntheticPairs")}


def _plain_degradation_notes(train: TrainDataset, options: Options) -> Iterator[str]:
    """Say which keys of the two passes bicubic training does not listen to; a validation set may still do so."""
    why = f"datasets.train.degradation is {train.degradation}"
    if options.queue_size and "queue_size" in options.model_fields_set:
        yield f"queue_size has no effect: {why}, and such pairs need no pool"
    ways = _ways(train, options)
    if "full" in ways:
        return
    top, blur = (keys.keys() for keys in degradation_keys(options.passes()))
    unused = [key for key in top if key in options.model_fields_set]
    unused += [f"datasets.train.{key}" for key in blur if key in train.model_fields_set and not _blurs(ways, key)]
    if unused:
        yield f"{', '.join(unused)}: no effect, as {why}"


def _blurs(ways: Collection[str], key: str) -> bool:
    return "blur_bicubic" in ways and key == "blur_sigma"
