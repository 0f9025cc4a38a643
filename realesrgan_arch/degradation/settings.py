"""What may be drawn: ranges and probabilities of the two-pass degradation, and a choice between several, without torch.

Defaults are those of Real-ESRGAN x4plus (Wang et al., arXiv 2107.10833; xinntao/Real-ESRGAN `options/`).
`presets.py` holds others by name.
"""

from dataclasses import dataclass, field
from typing import Literal

Range = tuple[float, float]
ResizeMode = Literal["area", "bilinear", "bicubic", "matlab_bicubic"]
RESIZE_MODES: tuple[ResizeMode, ...] = ("area", "bilinear", "bicubic")
"""Those of Real-ESRGAN; `matlab_bicubic` is drawn only where it is asked for."""
KERNEL_SIZES = (7, 9, 11, 13, 15, 17, 19, 21)
KernelType = Literal["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]
KERNEL_TYPES: tuple[KernelType, ...] = (
    "iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso",
)  # fmt: skip


@dataclass(frozen=True)
class StageSettings:
    """One pass of blur, resize, noise and JPEG. Every `_range` is `(low, high)`, every `_prob` lies in [0, 1]."""

    blur_prob: float = 1.0
    kernel_sizes: tuple[int, ...] = KERNEL_SIZES
    kernel_types: tuple[KernelType, ...] = KERNEL_TYPES
    kernel_probs: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    sinc_prob: float = 0.1
    blur_sigma_range: Range = (0.2, 3.0)
    betag_range: Range = (0.5, 4.0)
    betap_range: Range = (1.0, 2.0)
    resize_probs: tuple[float, float, float] = (0.2, 0.7, 0.1)
    """Up, down, keep."""
    resize_range: Range = (0.15, 1.5)
    resize_modes: tuple[ResizeMode, ...] = RESIZE_MODES
    noise_prob: float = 1.0
    """Of any noise at all."""
    gaussian_noise_prob: float = 0.5
    """Gaussian with this probability, else Poisson."""
    noise_sigma_255_range: Range = (1.0, 30.0)
    poisson_scale_range: Range = (0.05, 3.0)
    gray_noise_prob: float = 0.4
    jpeg_prob: float = 1.0
    jpeg_quality_range: Range = (30.0, 95.0)


def second_stage_defaults() -> StageSettings:
    """Return the milder second pass of Real-ESRGAN x4plus."""
    return StageSettings(
        blur_prob=0.8,
        blur_sigma_range=(0.2, 1.5),
        resize_probs=(0.3, 0.4, 0.3),
        resize_range=(0.3, 1.2),
        noise_sigma_255_range=(1.0, 25.0),
        poisson_scale_range=(0.05, 2.5),
    )


@dataclass(frozen=True)
class DegradationSettings:
    """Both passes, the resize to the target size, whose modes are those of the second pass, and the final sinc."""

    first: StageSettings = field(default_factory=StageSettings)
    second: StageSettings = field(default_factory=second_stage_defaults)
    final_sinc_prob: float = 0.8
    jpeg_last_prob: float = 0.5
    """The second JPEG comes after the resize to the target size and the final sinc with this probability."""


@dataclass(frozen=True)
class GateBranch:
    """One of the degradations that a gate leads to, with a probability above 0."""

    name: str
    prob: float
    settings: DegradationSettings


@dataclass(frozen=True)
class GatedSettings:
    """A choice between degradations, made anew for every batch; `gate.build_gate` makes one."""

    branches: tuple[GateBranch, ...]
    """Their probabilities sum to 1."""
    passes: DegradationSettings
    """The file's own ranges, whether a branch draws from them or not."""


Degradation = DegradationSettings | GatedSettings
