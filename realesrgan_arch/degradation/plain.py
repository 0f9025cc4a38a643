"""The degradation of the papers before Real-ESRGAN: bicubic shrinking, with a Gaussian blur before it where asked.

SRGAN (arXiv 1609.04802) and ESRGAN (arXiv 1809.00219) shrink by 4 with MATLAB's bicubic kernel.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from realesrgan_arch.degradation.kernels import MAX_KERNEL_SIZE, generalized_gaussian_kernels
from realesrgan_arch.degradation.operators import blur, round_to_8bit
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.settings import Degradation, GatedSettings
from realesrgan_arch.resampling import resize_bicubic
from realesrgan_arch.seeding import Stream, numpy_generator

BORDER = 2
"""LQ pixels at each side that bicubic shrinking makes of mirrored pixels of the crop, too."""


@dataclass(frozen=True)
class PlainSettings:
    """A sigma in pixels of the ground truth, or None for no blur."""

    blur_sigma_range: tuple[float, float] | None = None


def choose_degradation(
    kind: Literal["full", "bicubic", "blur_bicubic", "medium", "mild", "camera-jpeg"], degradation: Degradation
) -> Degradation | PlainSettings:
    """Return the settings of `kind`.

    `full` is `degradation`, what the file says; `blur_bicubic` takes the sigma of the blur in the first of its passes;
    another name is a preset's.
    """
    match kind:
        case "full":
            return degradation
        case "bicubic":
            return PlainSettings()
        case "blur_bicubic":
            passes = degradation.passes if isinstance(degradation, GatedSettings) else degradation
            return PlainSettings(passes.first.blur_sigma_range)
        case _:
            return PRESETS[kind]


@dataclass(frozen=True)
class PlainRecipe:
    """Every random number of one batch: a sigma for each sample (0 for no blur), and the place of the crop.

    `crop_top` and `crop_left` are shares in [0, 1) of the places that a crop can have inside the border.
    """

    seed: int
    step: int
    blur_sigmas: tuple[float, ...]
    crop_top: float
    crop_left: float

    def __str__(self) -> str:
        sigmas = ", ".join(f"{sigma:.2f}" for sigma in self.blur_sigmas)
        blurred = f"Gaussian blur of sigma {sigmas} px, then " if any(self.blur_sigmas) else ""
        return f"seed {self.seed}, step {self.step}: {blurred}bicubic"


def draw_plain_recipe(
    settings: PlainSettings,
    *,
    seed: int,
    step: int,
    batch_size: int,
    stream: Stream = Stream.PLAIN_SAMPLE,
    first_sample: int = 0,
) -> PlainRecipe:
    """Draw the recipe of samples `first_sample`, ... of `step`; each sample's sigma depends on (seed, step, i) only.

    Those of validation are drawn from a `stream` of their own, so that training never sees one of them.
    """
    place = numpy_generator(seed, Stream.PLAIN_BATCH, step)
    top, left = float(place.random()), float(place.random())
    sigmas = (0.0,) * batch_size
    if settings.blur_sigma_range is not None:
        samples = range(first_sample, first_sample + batch_size)
        draws = (numpy_generator(seed, stream, step, i) for i in samples)
        sigmas = tuple(float(draw.uniform(*settings.blur_sigma_range)) for draw in draws)
    return PlainRecipe(seed=seed, step=step, blur_sigmas=sigmas, crop_top=top, crop_left=left)


def degrade_plainly(image: Tensor, recipe: PlainRecipe, *, scale: int) -> Tensor:
    """Return (B, 3, H / scale, W / scale) in [0, 1], rounded to 1/255, for `image` (B, 3, H, W) in [0, 1].

    Raises ValueError where the recipe was drawn for another batch size.
    """
    if len(image) != len(recipe.blur_sigmas):
        raise ValueError(f"The recipe is for {len(recipe.blur_sigmas)} images but {len(image)} came; draw it for them.")
    with torch.autocast(image.device.type, enabled=False):
        if any(recipe.blur_sigmas):
            image = blur(image, _gaussians(recipe.blur_sigmas).to(image))
        return round_to_8bit(resize_bicubic(image, scale=1 / scale))


def _gaussians(sigmas: tuple[float, ...]) -> Tensor:
    sigma = torch.tensor(sigmas, dtype=torch.float64)
    size = torch.full_like(sigma, MAX_KERNEL_SIZE)
    ones = torch.ones_like(sigma)
    return generalized_gaussian_kernels(size=size, sigma_x=sigma, sigma_y=sigma, rotation=ones * 0, beta=ones)
