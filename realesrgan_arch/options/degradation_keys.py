"""The degradation of an option file the other way round: from settings to its keys."""

from collections.abc import Mapping
from dataclasses import fields, replace

from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings

KeyValue = float | tuple[float, ...] | tuple[str, ...]

_NO_NOISE = {"gaussian_noise_prob": 1.0, "noise_sigma_255_range": (0.0, 0.0)}
_NO_BLUR = {"blur_sigma_range": (0.01, 0.01), "sinc_prob": 0.0}
_TOP_KEYS = {
    "resize_prob": "resize_probs",
    "resize_range": "resize_range",
    "gaussian_noise_prob": "gaussian_noise_prob",
    "noise_range": "noise_sigma_255_range",
    "poisson_scale_range": "poisson_scale_range",
    "gray_noise_prob": "gray_noise_prob",
    "jpeg_range": "jpeg_quality_range",
}
_TRAIN_KEYS = {
    "kernel_list": "kernel_types",
    "kernel_prob": "kernel_probs",
    "sinc_prob": "sinc_prob",
    "blur_sigma": "blur_sigma_range",
    "betag_range": "betag_range",
    "betap_range": "betap_range",
}


def degradation_keys(settings: DegradationSettings) -> tuple[dict[str, KeyValue], dict[str, KeyValue]]:
    """Return the keys at the top of an option file and those of `datasets.train`, in the order of the passes.

    `Options.passes()` of a file with these keys is `settings` again, if they are `expressible`.
    """
    first, second = settings.first, settings.second
    top = {
        **_values(first, _TOP_KEYS, ""),
        "second_blur_prob": second.blur_prob,
        **_values(second, _TOP_KEYS, "2"),
    }
    train = {
        **_values(first, _TRAIN_KEYS, ""),
        **_values(second, _TRAIN_KEYS, "2"),
        "final_sinc_prob": settings.final_sinc_prob,
    }
    return top, train


def expressible(settings: DegradationSettings) -> DegradationSettings:
    """Return the nearest settings that an option file can say.

    It has no probabilities of noise, JPEG and the first blur: where one of them is less likely than not it is left out
    by its range, else it happens always. It has neither resize modes nor kernel sizes, nor how often JPEG comes last.
    """
    plain = DegradationSettings()
    return DegradationSettings(
        first=_expressible_stage(settings.first, plain.first, can_skip_blur=False),
        second=_expressible_stage(settings.second, plain.second, can_skip_blur=True),
        final_sinc_prob=settings.final_sinc_prob,
    )


def lost_fields(settings: DegradationSettings) -> tuple[str, ...]:
    """Return the names of what `expressible` cannot keep: `jpeg_last_prob`, `first.noise_prob`, ..."""
    said = expressible(settings)
    pairs = (("", settings, said), ("first.", settings.first, said.first), ("second.", settings.second, said.second))
    return tuple(
        f"{prefix}{field.name}"
        for prefix, wanted, nearest in pairs
        for field in fields(wanted)
        if field.name not in ("first", "second") and getattr(wanted, field.name) != getattr(nearest, field.name)
    )


def _expressible_stage(stage: StageSettings, plain: StageSettings, *, can_skip_blur: bool) -> StageSettings:
    said: dict[str, KeyValue] = {}
    if stage.noise_prob < 0.5:
        said |= _NO_NOISE
    if stage.jpeg_prob < 0.5:
        said["jpeg_quality_range"] = (100.0, 100.0)
    if not can_skip_blur and stage.blur_prob < 0.5:
        said |= _NO_BLUR
    return replace(
        stage,
        **said,  # pyright: ignore[reportArgumentType]
        blur_prob=stage.blur_prob if can_skip_blur else plain.blur_prob,
        kernel_sizes=plain.kernel_sizes,
        resize_modes=plain.resize_modes,
        noise_prob=1.0,
        jpeg_prob=1.0,
    )


def _values(stage: StageSettings, names: Mapping[str, str], suffix: str) -> dict[str, KeyValue]:
    return {key + suffix: getattr(stage, attribute) for key, attribute in names.items()}
