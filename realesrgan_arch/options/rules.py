"""Rules between the keys of an option file.

A rule is a generator of problems; adding one is a function and a line in `RULES`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from realesrgan_arch.image_header import shown
from realesrgan_arch.networks.spec import (
    DiscriminatorSpec,
    GeneratorSpec,
    PatchDiscriminatorSpec,
    RRDBNetSpec,
    UNetDiscriminatorSpec,
)
from realesrgan_arch.options.adversary_rules import ADVERSARY_RULES
from realesrgan_arch.options.datasets import TrainDataset
from realesrgan_arch.options.fields import read_share
from realesrgan_arch.options.loss_rules import LOSS_RULES
from realesrgan_arch.options.network_rules import NETWORK_RULES
from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.training_rules import TRAINING_RULES
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.validation_rules import VALIDATION_RULES
from realesrgan_arch.options.yaml_dialect import KeyPath

Problems = Iterator[Problem]
_SUM_TOLERANCE = 1e-6
_CHANNELS = 3
_UNET_STRIDE = 8
"""Three convolutions of stride 2."""
_UNSHUFFLE = 4
"""RRDBNet folds pixels into channels until its inside runs at a quarter of the output's side."""
_RANGES = ("resize_range", "noise_range", "poisson_scale_range", "jpeg_range")
_BLUR_RANGES = ("blur_sigma", "betag_range", "betap_range")
_TRAIN: KeyPath = ("datasets", "train")
_WIDEST_BLUR = 3.5
"""Sigma in pixels: beyond it the kernel of 21 x 21 px loses more than 3 in a thousand of the bell along each axis."""


def _both_passes(names: Sequence[str]) -> list[str]:
    return [name + suffix for suffix in ("", "2") for name in names]


def ranges_rise(options: Options) -> Problems:
    """Every range is `[low, high]`."""
    train = options.datasets.train
    places = [((name,), getattr(options, name)) for name in _both_passes(_RANGES)]
    if train is not None:
        places += [((*_TRAIN, name), getattr(train, name)) for name in _both_passes(_BLUR_RANGES)]
    for path, (low, high) in places:
        if low > high:
            yield Problem(path, f"expected [low, high], got [{low:g}, {high:g}]")


def blur_fits_its_kernel(options: Options) -> Problems:
    """The Gaussian of `blur_bicubic` is not cut off by the kernel that holds it."""
    train = options.datasets.train
    if train is None or not train.is_plain or train.degradation != "blur_bicubic":
        return
    if max(train.blur_sigma) > _WIDEST_BLUR:
        text = f"expected at most {_WIDEST_BLUR} with degradation blur_bicubic, whose kernel is 21 px wide"
        path = (*_TRAIN, "blur_sigma")
        yield Problem(path, f"{text}, got {max(train.blur_sigma):g}", reads=((*_TRAIN, "degradation"),))


def probabilities_sum_to_one(options: Options) -> Problems:
    """Up, down, keep; the kinds of kernels; and the gate's branches."""
    train = options.datasets.train
    places: list[tuple[KeyPath, Sequence[float]]] = [
        ((name,), getattr(options, name)) for name in _both_passes(["resize_prob"])
    ]
    if train is not None:
        places += [((*_TRAIN, name), getattr(train, name)) for name in _both_passes(["kernel_prob"])]
    for path, shares in places:
        if abs(math.fsum(shares) - 1) > _SUM_TOLERANCE:
            yield Problem(
                path, f"expected probabilities that sum to 1, got {list(shares)}, which sum to {sum(shares):g}"
            )
    if options.gate is not None:
        yield from _gate_sums_to_one({str(name): prob for name, prob in options.gate.items()})


def gate_beside_wrong_branches(gate: object, wrong: Sequence[KeyPath]) -> Problems:
    """The sum of a gate of which branches are wrong themselves, where it is wrong however they are mended.

    A misspelt branch counts with its share; where one is no share, the others must not be too much already.
    """
    if not isinstance(gate, Mapping) or not any(path[:1] == ("gate",) and len(path) > 1 for path in wrong):
        return
    shares = {str(name): read_share(item) for name, item in gate.items() if item is not None}
    known = {name: share for name, share in shares.items() if share is not None}
    if len(known) == len(shares) or math.fsum(known.values()) > 1 + _SUM_TOLERANCE:
        yield from _gate_sums_to_one(known)


def _gate_sums_to_one(gate: Mapping[str, float]) -> Problems:
    """Branches are named, as those of an extended file may be among them unseen."""
    if abs(math.fsum(gate.values()) - 1) <= _SUM_TOLERANCE:
        return
    branches = ", ".join(f"{name} {prob:g}" for name, prob in gate.items()) or "no branch"
    text = f"expected probabilities that sum to 1, got {branches}, which sum to {math.fsum(gate.values()):g}"
    if len(gate) > 1:
        text += f"; a branch of an extended file stays until it is taken away, such as `{next(iter(gate))}: ~`"
    yield Problem(("gate",), text)


def kernels_have_probabilities(options: Options) -> Problems:
    """One probability for each kind of kernel."""
    train = options.datasets.train
    for suffix in ("", "2") if train is not None else ():
        kinds, shares = getattr(train, "kernel_list" + suffix), getattr(train, "kernel_prob" + suffix)
        if len(kinds) != len(shares):
            text = f"expected one probability for each of the {len(kinds)} in kernel_list{suffix}, got {len(shares)}"
            yield Problem((*_TRAIN, "kernel_prob" + suffix), text, reads=((*_TRAIN, "kernel_list" + suffix),))


def pool_holds_whole_batches(options: Options) -> Problems:
    """Upstream's pool exchanges a batch at a time."""
    train = options.datasets.train
    if train is None or options.pool_size % train.batch_size_per_gpu == 0:
        return
    batch = train.batch_size_per_gpu
    near = max(batch, (options.queue_size + batch // 2) // batch * batch)
    text = f"expected a multiple of datasets.train.batch_size_per_gpu ({batch}), got {options.queue_size}"
    yield Problem(("queue_size",), f"{text}; {near} would do", reads=((*_TRAIN, "batch_size_per_gpu"),))


def crops_fit(options: Options) -> Problems:
    """The crop's side suits the scale, both networks, and the larger crop that is degraded."""
    train = options.datasets.train
    if train is None:
        return
    size, divisors = options.crop_gt_size, list(_divisors(options))
    divisor = math.lcm(*(number for number, _, _ in divisors))
    if size % divisor:
        broken = [(reason, key) for number, reason, key in divisors if size % number]
        text = f"expected a multiple of {divisor} ({'; '.join(reason for reason, _ in broken)}), got {size}"
        yield Problem(options.crop_gt_path, text, reads=tuple((key,) for _, key in broken))
    if not train.is_paired:
        yield from _degraded_crop_fits(train, size=size, scale=options.scale)


def _divisors(options: Options) -> Iterator[tuple[int, str, str]]:
    """Yield what the crop's side must be a multiple of, why, and which key says so."""
    yield options.scale, f"the scale is {options.scale}", "scale"
    if isinstance(options.network_d, UNetDiscriminatorSpec):
        yield _UNET_STRIDE, "network_d halves its input three times", "network_d"
    if isinstance(options.network_d, PatchDiscriminatorSpec):
        stride = options.network_d.stride
        yield stride, f"network_d makes its input {stride} times smaller", "network_d"
    if isinstance(options.network_g, RRDBNetSpec) and options.network_g.scale < _UNSHUFFLE:
        yield _UNSHUFFLE, f"RRDBNet of scale {options.network_g.scale} folds pixels into channels", "network_g"


def _degraded_crop_fits(train: TrainDataset, *, size: int, scale: int) -> Problems:
    path = (*_TRAIN, "crop_size")
    if train.crop_size < size:
        yield Problem(path, f"expected at least gt_size ({size}), got {train.crop_size}", reads=(("gt_size",),))
    if train.crop_size % scale:
        yield Problem(path, f"expected a multiple of the scale ({scale}), got {train.crop_size}", reads=(("scale",),))


def networks_fit(options: Options) -> Problems:
    """The generator has the scale of the run, both take RGB, and their sizes are at least 1."""
    generator = options.network_g
    if generator.scale != options.scale:
        key = "scale" if isinstance(generator, RRDBNetSpec) else "upscale"
        text = f"expected {options.scale} (the `scale` at the top), got {generator.scale}"
        yield Problem(("network_g", key), text, reads=(("scale",),))
    yield from _sizes_fit(("network_g",), generator)
    if options.network_d is not None:
        yield from _sizes_fit(("network_d",), options.network_d)


def _sizes_fit(path: KeyPath, spec: GeneratorSpec | DiscriminatorSpec) -> Problems:
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name in {"num_in_ch", "num_out_ch"} and value != _CHANNELS:
            yield Problem((*path, field.name), f"expected {_CHANNELS} (images are RGB here), got {value}")
        elif field.type is int and value < 1:
            yield Problem((*path, field.name), f"expected a whole number >= 1, got {value}")


def data_has_a_source(options: Options) -> Problems:
    """Each set names its images; pairs name both sides; a list of files is given once."""
    sets = {**options.datasets.validation_sets(), **options.datasets.test_sets()}
    named = {"train": options.datasets.train, **sets} if options.datasets.train else sets
    for key, data in named.items():
        path: KeyPath = ("datasets", key)
        if data is None:
            continue
        if data.dataroot_gt is None:
            yield Problem((*path, "dataroot_gt"), "this key is required; expected the folder of the images")
        if data.is_paired and data.dataroot_lq is None:
            text = f"this key is required by type {data.type}; expected the folder of the low-quality images"
            yield Problem((*path, "dataroot_lq"), text, reads=((*path, "type"),))
        if data.meta_info and data.meta_info_file:
            yield Problem((*path, "meta_info_file"), "expected either meta_info or meta_info_file, got both")
        if data.dataroot_gt is not None:
            yield from _backend_fits(path, data.io_backend.type, data.dataroot_gt)


def _backend_fits(path: KeyPath, backend: str, root: Path) -> Problems:
    """An LMDB is named like one, as upstream wants it."""
    reads = ((*path, "io_backend", "type"),)
    if backend == "lmdb" and root.suffix != ".lmdb":
        text = f"expected a folder that ends in .lmdb because io_backend.type is lmdb, got {shown(root)}"
        yield Problem((*path, "dataroot_gt"), text, reads=reads)
    if backend == "disk" and root.suffix == ".lmdb":
        text = f"expected lmdb because dataroot_gt is {shown(root)}, got disk"
        yield Problem((*path, "io_backend", "type"), text, reads=((*path, "dataroot_gt"),))


def degradation_suits_data(options: Options) -> Problems:
    """Pairs are not degraded again, and single images cannot do without."""
    train = options.datasets.train
    if train is None or options.high_order_degradation in (None, not train.is_paired):
        return
    mend = "false, because type" if train.is_paired else "true, because type"
    brings = "brings its own LQ images" if train.is_paired else "has no LQ images"
    yield Problem(("high_order_degradation",), f"expected {mend} {train.type} {brings}", reads=((*_TRAIN, "type"),))


def said_once(options: Options) -> Problems:
    """Two keys for one thing agree."""
    train = options.datasets.train
    top_is_given = "gt_size" in options.model_fields_set
    if train and train.is_paired and top_is_given and train.gt_size not in (None, options.gt_size):
        text = f"expected the `gt_size` at the top ({options.gt_size}), got {train.gt_size}; give it once"
        yield Problem((*_TRAIN, "gt_size"), text, reads=(("gt_size",),))
    for key in ("l1_gt_usm", "lq_from_usm"):
        if options.gt_usm is not None and key in options.model_fields_set and getattr(options, key) != options.gt_usm:
            text = f"stands for l1_gt_usm and lq_from_usm, but {key} says otherwise; give one of them"
            yield Problem(("gt_usm",), text, reads=((key,),))


RULES: tuple[Callable[[Options], Problems], ...] = (
    ranges_rise,
    blur_fits_its_kernel,
    probabilities_sum_to_one,
    kernels_have_probabilities,
    pool_holds_whole_batches,
    crops_fit,
    networks_fit,
    data_has_a_source,
    degradation_suits_data,
    said_once,
    *NETWORK_RULES,
    *TRAINING_RULES,
    *LOSS_RULES,
    *ADVERSARY_RULES,
    *VALIDATION_RULES,
)


def broken_rules(options: Options) -> list[Problem]:
    """Return every problem between the keys of `options`."""
    return [problem for rule in RULES for problem in rule(options)]
