"""Every random decision of one degraded batch, as plain numbers: `draw_recipe` draws them, a `Recipe` holds them.

The laws of the draws are those of `RealESRGANDataset` (kernels) and `RealESRGANModel.feed_data` (the rest) of
xinntao/Real-ESRGAN. What upstream shares over a batch is shared here; what it draws for each sample depends on
(seed, step, i) only, so a sample keeps its numbers when the batch grows.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from realesrgan_arch.degradation.settings import (
    KERNEL_SIZES,
    Degradation,
    DegradationSettings,
    GateBranch,
    GatedSettings,
    KernelType,
    Range,
    ResizeMode,
    StageSettings,
)
from realesrgan_arch.seeding import Stream, derived_seed, numpy_generator

KernelKind = KernelType | Literal["sinc", "pulse"]
NoiseKind = Literal["gaussian", "poisson", "none"]
Choice = TypeVar("Choice")

_SMALL_KERNEL = 13  # A sinc kernel below this size cannot hold the rings of a lower cutoff.


@dataclass(frozen=True)
class KernelDraw:
    """One blur kernel. Sigmas in pixels, rotation in radians, cutoff in radians per pixel; unused ones are 0."""

    kind: KernelKind
    size: int
    sigma_x: float = 0.0
    sigma_y: float = 0.0
    rotation: float = 0.0
    beta: float = 1.0
    cutoff: float = 0.0

    def __str__(self) -> str:
        if self.kind == "pulse":
            return "none"
        shape = f"cutoff {self.cutoff:.2f}" if self.kind == "sinc" else f"sigma {self.sigma_x:.2f} x {self.sigma_y:.2f}"
        return f"{self.kind} {self.size} px, {shape}"


PULSE = KernelDraw(kind="pulse", size=1)


@dataclass(frozen=True)
class StageSample:
    """What one sample has to itself in one pass. Both noise strengths are drawn; the pass says which one applies."""

    kernel: KernelDraw
    noise_sigma_255: float
    poisson_scale: float
    is_gray: bool
    noise_seed: int
    jpeg_quality: float

    def __str__(self) -> str:
        color = "gray" if self.is_gray else "colour"
        noise = f"{color} noise sigma {self.noise_sigma_255:.1f}/255 or Poisson x {self.poisson_scale:.2f}"
        return f"{self.kernel}; {noise}; JPEG {self.jpeg_quality:.0f}"


@dataclass(frozen=True)
class StageRecipe:
    """One pass of blur, resize, noise and JPEG over a batch. A `resize_factor` of 1 keeps the size."""

    use_blur: bool
    resize_factor: float
    resize_mode: ResizeMode
    noise: NoiseKind
    samples: tuple[StageSample, ...]
    use_jpeg: bool = True

    def __str__(self) -> str:
        blur = "blur" if self.use_blur else "no blur"
        noise = "no noise" if self.noise == "none" else f"{self.noise} noise"
        end = "" if self.use_jpeg else ", no JPEG"
        return f"{blur}, {self.resize_mode} x {self.resize_factor:.3f}, {noise}{end}"


@dataclass(frozen=True)
class Recipe:
    """Both passes, the way back to the target size and the crop: enough to repeat a batch exactly from its images.

    `final_kernels` holds a sinc or a pulse for each sample. `crop_top` and `crop_left` are shares in [0, 1) of the
    possible positions.
    """

    seed: int
    step: int
    first: StageRecipe
    second: StageRecipe
    final_mode: ResizeMode
    is_jpeg_last: bool
    final_kernels: tuple[KernelDraw, ...]
    crop_top: float
    crop_left: float
    gate: str = ""
    """The branch that was drawn; empty where there was no choice."""

    def __str__(self) -> str:
        order = "JPEG last" if self.is_jpeg_last else "sinc last"
        gate = f"gate {self.gate}; " if self.gate else ""
        lines = [f"seed {self.seed}, step {self.step}: {gate}{self.final_mode} to the target size, {order}"]
        for name, stage in (("first", self.first), ("second", self.second)):
            lines.append(f"  {name} pass: {stage}")
            lines.extend(f"    [{index}] {sample}" for index, sample in enumerate(stage.samples))
        finals = "; ".join(f"[{index}] {kernel}" for index, kernel in enumerate(self.final_kernels))
        return "\n".join([*lines, f"  final sinc: {finals}"])

    @property
    def batch_size(self) -> int:
        """Return the number of samples that this recipe is for."""
        return len(self.final_kernels)

    def to_dict(self) -> dict[str, Any]:
        """Return nested dicts and lists of plain numbers and strings, ready for JSON.

        Where there was no choice `gate` is left out: such recipes keep the hashes that frozen sets know them by.
        """
        values = _plain(dataclasses.asdict(self))
        return values if self.gate else {key: value for key, value in values.items() if key != "gate"}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """Return the recipe that `to_dict` described."""
        stages = {name: _stage_from_dict(values[name]) for name in ("first", "second")}
        final_kernels = tuple(KernelDraw(**kernel) for kernel in values["final_kernels"])
        return cls(**{**values, **stages, "final_kernels": final_kernels})


def draw_recipe(
    settings: Degradation,
    *,
    seed: int,
    step: int,
    batch_size: int,
    stream: Stream = Stream.RECIPE,
    first_sample: int = 0,
) -> Recipe:
    """Draw the recipe of batch `step` (>= 0) of a run with `seed` (>= 0); the same numbers give the same recipe.

    Recipes of validation are drawn from a `stream` of their own, so that training never sees one of them. The slice of
    a larger batch that begins with its sample `first_sample` is drawn without the rest.
    A gate chooses for the whole batch, whose images must keep one size; the pool mixes them. What it chose is drawn as
    it would be without a gate.
    """
    if isinstance(settings, GatedSettings):
        branch, others = _draw_branch(settings, seed, stream, step), len(settings.branches) > 1
        told = {"seed": seed, "step": step, "batch_size": batch_size, "stream": stream, "first_sample": first_sample}
        return dataclasses.replace(draw_recipe(branch.settings, **told), gate=branch.name if others else "")
    batch = numpy_generator(seed, stream, step)
    samples = [
        _draw_sample(settings, (seed, stream, step, index)) for index in range(first_sample, first_sample + batch_size)
    ]
    first, second, final_kernels = zip(*samples, strict=True)
    return Recipe(
        seed=seed,
        step=step,
        first=_draw_stage(settings.first, first, batch),
        second=_draw_stage(settings.second, second, batch),
        final_mode=_pick(batch, settings.second.resize_modes),
        is_jpeg_last=_happens(batch, settings.jpeg_last_prob),
        final_kernels=final_kernels,
        crop_top=float(batch.random()),
        crop_left=float(batch.random()),
    )


def _draw_branch(settings: GatedSettings, seed: int, stream: Stream, step: int) -> GateBranch:
    """Draw from numbers of its own, so that the draws behind the gate stay what they are without it."""
    generator = numpy_generator(seed, Stream.GATE, stream, step)
    return _pick(generator, settings.branches, [branch.prob for branch in settings.branches])


def _draw_stage(
    settings: StageSettings, samples: tuple[StageSample, ...], generator: np.random.Generator
) -> StageRecipe:
    """Draw what the whole batch shares: images of one batch must keep one size."""
    return StageRecipe(
        use_blur=_happens(generator, settings.blur_prob),
        resize_factor=_draw_resize_factor(settings, generator),
        resize_mode=_pick(generator, settings.resize_modes),
        noise=_draw_noise_kind(settings, generator),
        samples=samples,
        use_jpeg=_is_sure_or_happens(generator, settings.jpeg_prob),
    )


def _draw_noise_kind(settings: StageSettings, generator: np.random.Generator) -> NoiseKind:
    kind = "gaussian" if _happens(generator, settings.gaussian_noise_prob) else "poisson"
    return kind if _is_sure_or_happens(generator, settings.noise_prob) else "none"


def _draw_sample(
    settings: DegradationSettings, counters: tuple[int, Stream, int, int]
) -> tuple[StageSample, StageSample, KernelDraw]:
    """Draw from (seed, stream, step, index of the sample)."""
    generator = numpy_generator(*counters)
    first, second = (
        _draw_stage_sample(stage, noise_seed=derived_seed(*counters, number), generator=generator)
        for number, stage in enumerate((settings.first, settings.second))
    )
    return first, second, _draw_final_kernel(settings.final_sinc_prob, generator)


def _draw_stage_sample(settings: StageSettings, *, noise_seed: int, generator: np.random.Generator) -> StageSample:
    return StageSample(
        kernel=_draw_kernel(settings, generator),
        noise_sigma_255=_uniform(generator, settings.noise_sigma_255_range),
        poisson_scale=_uniform(generator, settings.poisson_scale_range),
        is_gray=_happens(generator, settings.gray_noise_prob),
        noise_seed=noise_seed,
        jpeg_quality=_uniform(generator, settings.jpeg_quality_range),
    )


def _draw_kernel(settings: StageSettings, generator: np.random.Generator) -> KernelDraw:
    size = _pick(generator, settings.kernel_sizes)
    if _happens(generator, settings.sinc_prob):
        lowest = math.pi / 3 if size < _SMALL_KERNEL else math.pi / 5
        return KernelDraw(kind="sinc", size=size, cutoff=_uniform(generator, (lowest, math.pi)))
    kind = _pick(generator, settings.kernel_types, settings.kernel_probs)
    is_round = not kind.endswith("aniso")
    sigma_x = _uniform(generator, settings.blur_sigma_range)
    return KernelDraw(
        kind=kind,
        size=size,
        sigma_x=sigma_x,
        sigma_y=sigma_x if is_round else _uniform(generator, settings.blur_sigma_range),
        rotation=0.0 if is_round else _uniform(generator, (-math.pi, math.pi)),
        beta=_draw_beta(kind, settings, generator),
    )


def _draw_beta(kind: KernelType, settings: StageSettings, generator: np.random.Generator) -> float:
    """Draw the shape: below and above 1 with equal chances, however far the range reaches on either side."""
    if kind in ("iso", "aniso"):
        return 1.0
    low, high = settings.betag_range if kind.startswith("generalized") else settings.betap_range
    return _uniform(generator, (low, 1.0) if _happens(generator, 0.5) else (1.0, high))


def _draw_final_kernel(sinc_prob: float, generator: np.random.Generator) -> KernelDraw:
    if not _happens(generator, sinc_prob):
        return PULSE
    size = _pick(generator, KERNEL_SIZES)
    return KernelDraw(kind="sinc", size=size, cutoff=_uniform(generator, (math.pi / 3, math.pi)))


def _draw_resize_factor(settings: StageSettings, generator: np.random.Generator) -> float:
    low, high = settings.resize_range
    bounds = _pick(generator, ((1.0, high), (low, 1.0), (1.0, 1.0)), settings.resize_probs)
    return _uniform(generator, bounds)


def _uniform(generator: np.random.Generator, bounds: Range) -> float:
    """Return a number between both `bounds`, in either order: `resize_range: [0.5, 0.9]` enlarges by 1 down to 0.9."""
    low, high = bounds
    return float(low + (high - low) * generator.random())


def _happens(generator: np.random.Generator, prob: float) -> bool:
    return bool(generator.random() < prob)


def _is_sure_or_happens(generator: np.random.Generator, prob: float) -> bool:
    """Draw nothing for a certain event: recipes of settings that never ask for less keep their numbers."""
    return prob >= 1 or _happens(generator, prob)


def _pick(generator: np.random.Generator, choices: Sequence[Choice], weights: Sequence[float] | None = None) -> Choice:
    """Return one of `choices`; `weights` need not sum to 1."""
    edges = np.cumsum(np.ones(len(choices)) if weights is None else weights)
    return choices[int(np.searchsorted(edges, generator.random() * edges[-1], side="right"))]


def _stage_from_dict(values: Mapping[str, Any]) -> StageRecipe:
    samples = tuple(StageSample(**{**sample, "kernel": KernelDraw(**sample["kernel"])}) for sample in values["samples"])
    return StageRecipe(**{**values, "samples": samples})


def _plain(value: Any) -> Any:
    """Return `value` with lists in place of tuples, so that a recipe equals what JSON gives back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
