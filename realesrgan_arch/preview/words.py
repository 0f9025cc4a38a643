"""The numbers of recipes and options in words that a photographer can read."""

from collections.abc import Iterator
from typing import NamedTuple

from realesrgan_arch.degradation.plain import PlainRecipe, PlainSettings
from realesrgan_arch.degradation.recipe import KernelDraw, Recipe, StageRecipe
from realesrgan_arch.degradation.settings import DegradationSettings, GatedSettings, Range, StageSettings

_SHAPES = {
    "iso": "round bell",
    "aniso": "stretched bell",
    "generalized_iso": "round bell, peaked or flat",
    "generalized_aniso": "stretched bell, peaked or flat",
    "plateau_iso": "round disc",
    "plateau_aniso": "stretched disc",
}
_GATES = {
    "clean": "MATLAB's bicubic alone",
    "camera-jpeg": "shrunk and saved once as a JPEG",
    "mild": "resized and saved as a good JPEG, twice",
    "medium": "both passes of the preset medium",
    "one_order": "the first pass of this file, then resized",
    "two_orders": "both passes of this file",
    "full": "both passes of Real-ESRGAN",
}
NOT_USED = "none"


class Row(NamedTuple):
    """One line of a table: what, in the first pass, in the second pass."""

    name: str
    first: str
    second: str


class GateRow(NamedTuple):
    """One branch of a gate: its name, its share of the batches, and what it does."""

    name: str
    share: str
    words: str


class RecipeWords(NamedTuple):
    """A recipe for one sample: a table of both passes, and how it ends."""

    rows: tuple[Row, ...]
    ending: str


def recipe_words(recipe: Recipe | PlainRecipe, *, slot: int) -> RecipeWords:
    """Say what `recipe` does to the sample in place `slot`."""
    if isinstance(recipe, PlainRecipe):
        sigma = recipe.blur_sigmas[slot]
        return RecipeWords((), f"Gaussian blur of sigma {sigma:.2f} px, then bicubic" if sigma else "bicubic")
    factor, mode = recipe.first.resize_factor, recipe.first.resize_mode
    first = _stage_words(recipe.first, slot, resize=NOT_USED if factor == 1 else f"x {factor:.2f}, {mode}")
    to_size = f"to {recipe.second.resize_factor:.2f} of the LQ's side, {recipe.second.resize_mode}"
    second = _stage_words(recipe.second, slot, resize=to_size)
    names = ("blur", "resize", "noise", "JPEG")
    rows = tuple(Row(*cells) for cells in zip(names, first, second, strict=True))
    final = recipe.final_kernels[slot]
    sinc = "no ringing filter" if final.kind == "pulse" else f"ringing filter ({_kernel_words(final)})"
    size = f"to the final size ({recipe.final_mode})"
    ending = f"{size}, {sinc}, JPEG last" if recipe.is_jpeg_last else f"JPEG, then {size}, {sinc}"
    return RecipeWords(rows, f"{ending}; gate {recipe.gate}" if recipe.gate else ending)


def settings_rows(settings: DegradationSettings) -> tuple[Row, ...]:
    """Return the ranges and probabilities of both passes."""
    first, second = (_settings_words(stage) for stage in (settings.first, settings.second))
    return tuple(Row(name, first[name], second[name]) for name in first)


def gate_rows(gate: GatedSettings) -> tuple[GateRow, ...]:
    """Return what a batch may become, and how often."""
    return tuple(GateRow(branch.name, f"{branch.prob:.0%}", _GATES[branch.name]) for branch in gate.branches)


def plain_words(settings: PlainSettings) -> str:
    """Return how LQ pictures are made without the two passes, as a sentence."""
    blurred = "blurred by a Gaussian with a sigma of {} px and then " if settings.blur_sigma_range else ""
    return f"Each crop is {blurred.format(span(settings.blur_sigma_range or (0, 0)))}shrunk by MATLAB's bicubic kernel."


def span(bounds: Range) -> str:
    """Return `0.2 to 3`."""
    low, high = bounds
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _stage_words(stage: StageRecipe, slot: int, *, resize: str) -> Iterator[str]:
    sample = stage.samples[slot]
    yield _kernel_words(sample.kernel) if stage.use_blur else NOT_USED
    yield resize
    color = "gray" if sample.is_gray else "colour"
    if stage.noise == "none":
        yield NOT_USED
    elif stage.noise == "gaussian":
        yield f"{color}, Gaussian, sigma {sample.noise_sigma_255:.1f}"
    else:
        yield f"{color}, Poisson, strength {sample.poisson_scale:.2f}"
    yield f"quality {sample.jpeg_quality:.0f}" if stage.use_jpeg else NOT_USED


def _kernel_words(kernel: KernelDraw) -> str:
    if kernel.kind == "pulse":
        return NOT_USED
    if kernel.kind == "sinc":
        return f"rings, cutoff {kernel.cutoff:.2f}, {kernel.size} px"
    sigmas = f"{kernel.sigma_x:.2f}"
    if kernel.sigma_y != kernel.sigma_x:
        sigmas += f" x {kernel.sigma_y:.2f}"
    return f"{_SHAPES[kernel.kind]}, sigma {sigmas} px"


def _settings_words(stage: StageSettings) -> dict[str, str]:
    up, down, keep = (share / sum(stage.resize_probs) for share in stage.resize_probs)
    gaussian = stage.gaussian_noise_prob
    return {
        "blurred": f"{stage.blur_prob:.0%} of batches",
        "blur sigma (px)": span(stage.blur_sigma_range),
        "ringing (sinc) blur": f"{stage.sinc_prob:.0%} of samples",
        "resize factor": span(stage.resize_range),
        "larger, smaller, same size": f"{up:.0%}, {down:.0%}, {keep:.0%} of batches",
        "Gaussian noise sigma (of 255)": f"{span(stage.noise_sigma_255_range)}, {gaussian:.0%} of batches",
        "Poisson noise strength": f"{span(stage.poisson_scale_range)}, {1 - gaussian:.0%} of batches",
        "gray noise": f"{stage.gray_noise_prob:.0%} of samples",
        "JPEG quality": span(stage.jpeg_quality_range),
    }
