"""Rules of the losses that need more than a picture and its ground truth."""

from collections.abc import Callable, Iterator

from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

Problems = Iterator[Problem]
LEAST_SIDES = {"alex": 32, "vgg": 16, "squeeze": 32}
"""Pixels of a side below which nothing is left of a picture after the last pooling."""


def artefacts_have_an_average(options: Options) -> Problems:
    """LDL compares with the averaged generator, in windows with a centre that fit into the picture."""
    train = options.train
    if train is None or train.ldl_opt is None:
        return
    if train.ema_decay == 0:
        text = "expected more than 0 with train.ldl_opt, which compares with the averaged weights; 0.999 would do"
        yield Problem(("train", "ema_decay"), text, reads=(("train", "ldl_opt"),))
    window, side = train.ldl_opt.window, options.crop_gt_size
    if window % 2 == 0 or not 3 <= window <= side:
        text = f"expected an odd number between 3 and gt_size ({side}), got {window}"
        yield Problem(("train", "ldl_opt", "window"), text, reads=(("gt_size",),))


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
            yield Problem(("gt_size",), text, reads=(("train", key),))


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
    base_is_known,
)
