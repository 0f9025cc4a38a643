"""The LQ that a picture always gets: degraded in float64 by a recipe that its own pixels seed."""

import torch

from realesrgan_arch.data.frozen_card import hash_pixels
from realesrgan_arch.data.middle import to_planes
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.recipe import Recipe, draw_recipe
from realesrgan_arch.degradation.settings import Degradation
from realesrgan_arch.images import Pixels, from_tensor
from realesrgan_arch.seeding import Stream, derived_seed

_SEED_DIGITS = 12


def make_frozen_lq(
    gt: Pixels, settings: Degradation, *, seed: int, scale: int, number: int = 0
) -> tuple[Pixels, Recipe]:
    """Return the LQ (H / scale, W / scale, 3) of a picture, uint8 RGB, and its recipe.

    Both depend on the pixels and on the arguments only: neither the picture's name nor the other pictures matter.

    Args:
        gt: uint8 RGB (H, W, 3), sides that are multiples of `scale`.
        settings: the ranges that the recipe is drawn from.
        seed: another one draws another recipe.
        scale: GT side over LQ side.
        number: of several LQ of one picture.
    """
    step = derived_seed(int(hash_pixels(gt)[:_SEED_DIGITS], 16), Stream.FROZEN, number)
    recipe = draw_recipe(settings, seed=seed, step=step, batch_size=1, stream=Stream.FROZEN)
    exact = to_planes(gt).double().div_(255)
    return from_tensor(degrade(exact[None], recipe, scale=scale)[0].to(torch.float32)), recipe
