"""Rules of the losses that need more than a picture and its ground truth, and notes about those without effect."""

from collections.abc import Callable, Iterator

from realesrgan_arch.options.losses import FEATURE_LAYERS, VGG19_LAYERS
from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.train import FROZEN
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

Problems = Iterator[Problem]
LEAST_SIDES = {"alex": 32, "vgg": 16, "squeeze": 32}
"""Pixels of a side below which nothing is left of a picture after the last pooling."""
WIDEST_WINDOW = 31
"""Of LDL: half of it is mirrored at each border, and a picture of 32 pixels tells the memory (`training/rehearsal`)."""
_OF_A_GENERATOR_THAT_TRAINS = (
    *("ldl_opt", "lpips_opt", "dists_opt", "feature_opt", "amplitude_opt", "low_frequency_opt", "base_opt"),
)


def artefacts_have_an_average(options: Options) -> Problems:
    """LDL compares with the averaged generator, in windows with a centre that fit into the picture."""
    train = options.train
    if train is None or train.ldl_opt is None:
        return
    if train.ema_decay == 0:
        text = "expected more than 0 with train.ldl_opt, which compares with the averaged weights; 0.999 would do"
        yield Problem(("train", "ema_decay"), text, reads=(("train", "ldl_opt"),))
    window, side = train.ldl_opt.window, options.crop_gt_size
    if window % 2 == 0 or not 3 <= window <= min(side, WIDEST_WINDOW):
        most = f"gt_size ({side})" if side < WIDEST_WINDOW else WIDEST_WINDOW
        text = f"expected an odd number between 3 and {most}, got {window}"
        yield Problem(("train", "ldl_opt", "window"), text, reads=(options.crop_gt_path,))


def learned_distances_see_enough(options: Options) -> Problems:
    """The networks of LPIPS and DISTS halve a picture several times; something must be left."""
    train, side = options.train, options.crop_gt_size
    if train is None:
        return
    least: dict[str, int] = {"dists_opt": LEAST_SIDES["vgg"]} if train.dists_opt else {}
    if train.lpips_opt:
        least["lpips_opt"] = LEAST_SIDES[train.lpips_opt.net]
    for key, wanted in least.items():
        if side < wanted:
            text = f"expected at least {wanted} with train.{key}, got {side}"
            yield Problem(options.crop_gt_path, text, reads=(("train", key),))


def features_have_a_place(options: Options) -> Problems:
    """VGG19 halves a picture once a block; each layer that is compared has something left of it."""
    train, side = options.train, options.crop_gt_size
    if train is None or train.perceptual_opt is None:
        return
    least = {layer: _least_side(layer) for layer in VGG19_LAYERS & train.perceptual_opt.layer_weights.keys()}
    layer = max(least, key=lambda name: (least[name], name), default=None)
    if layer is not None and side < least[layer]:
        text = f"expected at least {least[layer]} with VGG19's layer {layer}, got {side}"
        yield Problem(options.crop_gt_path, text, reads=(("train", "perceptual_opt", "layer_weights"),))


def _least_side(layer: str) -> int:
    """Return the side that leaves one value at `layer` of VGG19; a pooling ends its block."""
    kind, block = layer[:4], int(layer[4])
    return 2**block if kind == "pool" else 2 ** (block - 1)


def distilled_features_have_a_place(options: Options) -> Problems:
    """The distilled VGG19 has the layers, and a map of the deepest has two pixels each way, as its borders mirror."""
    train, side = options.train, options.crop_gt_size
    if train is None or train.feature_opt is None:
        return
    path: KeyPath = ("train", "feature_opt", "layer_weights")
    named = train.feature_opt.layer_weights
    for layer in sorted(set(named) - set(FEATURE_LAYERS)):
        text = f"the distilled VGG19 has no such layer; expected one of {', '.join(FEATURE_LAYERS)}"
        yield Problem((*path, layer), text)
    if not named:
        yield Problem(path, "expected at least one layer, such as conv3_1: 1")
    least = max((2 ** FEATURE_LAYERS.index(layer) * 2 for layer in named if layer in FEATURE_LAYERS), default=0)
    if side < least:
        text = (
            f"expected at least {least} with train.feature_opt's layer {FEATURE_LAYERS[least.bit_length() - 2]}, got "
        )
        yield Problem(options.crop_gt_path, f"{text}{side}", reads=(path,))


def base_is_known(options: Options) -> Problems:
    """A distance to the base needs the base, which a chain of stages supplies under a name that is known before."""
    train = options.train
    if train is None or train.base_opt is None or options.path.pretrain_network_g is not None:
        return
    path: KeyPath = ("path", "pretrain_network_g")
    text = (
        "this key is required by train.base_opt: the distance is to these weights; where another stage trains them, "
        "name experiments/<name of that stage>/models/net_g_best_psnr.pth"
    )
    yield Problem(path, text, reads=(("train", "base_opt"),))


LOSS_RULES: tuple[Callable[[Options], Problems], ...] = (
    artefacts_have_an_average,
    learned_distances_see_enough,
    features_have_a_place,
    distilled_features_have_a_place,
    base_is_known,
)


def loss_notes(options: Options) -> Iterator[str]:
    """Return sentences about losses that are asked for and move nothing, and about one that its judge shares."""
    train = options.train
    if train is None:
        return
    for key in _OF_A_GENERATOR_THAT_TRAINS if train.trainable.network_g == FROZEN else ():
        if getattr(train, key) is not None:
            yield f"train.{key} has no effect: the generator is frozen"
    metrics = options.val.metrics.values() if options.val else ()
    if train.feature_opt is not None and any(metric.type == "calculate_lpips_like" for metric in metrics):
        yield (
            "val.metrics: calculate_lpips_like reads the features that train.feature_opt trains on, so it flatters the "
            "model; go by another metric as well"
        )
