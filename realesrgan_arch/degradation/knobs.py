"""Handles on the ranges of a degradation: each moves several of them between mild and strong by one number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from realesrgan_arch.degradation.settings import DegradationSettings, Range, StageSettings

Position = tuple[int, ...]
"""For each knob the number of its choice."""

_DIGITS = 3
_LIMITS = {
    "noise": (0.0, 100.0),
    "poisson": (0.005, 10.0),
    "blur": (0.01, 8.0),
    "resize": (0.1, 4.0),
    "jpeg": (5.0, 100.0),
}


@dataclass(frozen=True)
class Knob:
    """`change` applies one of the `choices`, which rise; the one of number `start` stands for no change."""

    name: str
    choices: tuple[float, ...]
    start: int
    change: Callable[[DegradationSettings, float], DegradationSettings]


def turn(settings: DegradationSettings, knobs: Sequence[Knob], position: Position) -> DegradationSettings:
    """Return `settings` with every knob turned to its choice; ranges have three digits."""
    for knob, choice in zip(knobs, position, strict=True):
        if choice != knob.start:
            settings = knob.change(settings, knob.choices[choice])
    return settings


def build_knobs(*, is_last_jpeg_known: bool) -> tuple[Knob, ...]:
    """Return the knobs, those that change most first.

    Args:
        is_last_jpeg_known: the JPEG of the second pass is left alone.
    """
    strengths = (0.03, 0.1, 0.2, 0.35, 0.6, 1.0, 1.4)
    floors = (0.0, 0.35, 0.7)
    qualities = (0.05, 0.2, 0.35, 0.6, 1.0, 1.2)
    knobs = (
        Knob("noise", strengths, 5, _on_both(_scale_noise)),
        Knob("least noise", floors, 0, _on_both(_raise_noise)),
        Knob("JPEG", qualities, 4, _on_first(_scale_jpeg) if is_last_jpeg_known else _on_both(_scale_jpeg)),
        Knob("blur", (0.05, 0.25, 0.5, 0.75, 1.0, 1.3), 4, _on_both(_scale_blur)),
        Knob("resize", (0.05, 0.35, 0.7, 1.0), 3, _on_both(_scale_resize)),
        Knob("ringing", (0.0, 0.5, 1.0), 2, _scale_ringing),
        Knob("least blur", floors, 0, _on_both(_raise_blur)),
        Knob("gray noise", (0.0, 0.4, 0.7, 1.0), 1, _on_both(_set_gray)),
        Knob("noise of the first pass", (0.1, 0.4, 1.0), 2, _on_first(_scale_noise)),
        Knob("resize of the first pass", (0.1, 0.5, 1.0), 2, _on_first(_scale_resize)),
    )
    if is_last_jpeg_known:
        return knobs
    return (*knobs, Knob("JPEG of the first pass", (0.05, 0.4, 1.0), 2, _on_first(_scale_jpeg)))


def with_last_jpeg(settings: DegradationSettings, qualities: Range) -> DegradationSettings:
    """Return `settings` whose second pass saves with these qualities."""
    return replace(settings, second=replace(settings.second, jpeg_quality_range=qualities))


StageChange = Callable[[StageSettings, float], StageSettings]


def _on_both(change: StageChange) -> Callable[[DegradationSettings, float], DegradationSettings]:
    def apply(settings: DegradationSettings, value: float) -> DegradationSettings:
        return replace(settings, first=change(settings.first, value), second=change(settings.second, value))

    return apply


def _on_first(change: StageChange) -> Callable[[DegradationSettings, float], DegradationSettings]:
    def apply(settings: DegradationSettings, value: float) -> DegradationSettings:
        return replace(settings, first=change(settings.first, value))

    return apply


def _scale_noise(stage: StageSettings, strength: float) -> StageSettings:
    return replace(
        stage,
        noise_sigma_255_range=_scaled(stage.noise_sigma_255_range, strength, neutral=0.0, limits="noise"),
        poisson_scale_range=_scaled(stage.poisson_scale_range, strength, neutral=0.0, limits="poisson"),
    )


def _raise_noise(stage: StageSettings, share: float) -> StageSettings:
    return replace(
        stage,
        noise_sigma_255_range=_raised(stage.noise_sigma_255_range, share),
        poisson_scale_range=_raised(stage.poisson_scale_range, share),
    )


def _set_gray(stage: StageSettings, prob: float) -> StageSettings:
    return replace(stage, gray_noise_prob=prob)


def _scale_blur(stage: StageSettings, strength: float) -> StageSettings:
    blur_sigma = _scaled(stage.blur_sigma_range, strength, neutral=0.0, limits="blur")
    return replace(stage, blur_sigma_range=blur_sigma)


def _raise_blur(stage: StageSettings, share: float) -> StageSettings:
    return replace(stage, blur_sigma_range=_raised(stage.blur_sigma_range, share))


def _scale_resize(stage: StageSettings, strength: float) -> StageSettings:
    return replace(stage, resize_range=_scaled(stage.resize_range, strength, neutral=1.0, limits="resize"))


def _scale_jpeg(stage: StageSettings, strength: float) -> StageSettings:
    return replace(stage, jpeg_quality_range=_scaled(stage.jpeg_quality_range, strength, neutral=100.0, limits="jpeg"))


def _scale_ringing(settings: DegradationSettings, strength: float) -> DegradationSettings:
    first = replace(settings.first, sinc_prob=_rounded(settings.first.sinc_prob * strength))
    second = replace(settings.second, sinc_prob=_rounded(settings.second.sinc_prob * strength))
    final_sinc_prob = _rounded(settings.final_sinc_prob * strength)
    return replace(settings, first=first, second=second, final_sinc_prob=final_sinc_prob)


def _scaled(bounds: Range, strength: float, *, neutral: float, limits: str) -> Range:
    """Both ends `strength` times as far from where there is no effect, inside of the limits."""
    lowest, highest = _LIMITS[limits]
    low, high = (min(highest, max(lowest, neutral + strength * (end - neutral))) for end in bounds)
    return _rounded(low), _rounded(high)


def _raised(bounds: Range, share: float) -> Range:
    """The low end raised by `share` of the range."""
    low, high = bounds
    return _rounded(low + share * (high - low)), high


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
