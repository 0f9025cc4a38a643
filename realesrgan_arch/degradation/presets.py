"""Degradations by name, from harsh to none: what later users of Real-ESRGAN's pipeline made of its ranges.

The same name means different strengths in different trainers; these are the settings that their option files hold.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings

PresetName = Literal["full", "medium", "mild", "bicubic", "camera-jpeg"]

_ONLY_RESIZE = StageSettings(blur_prob=0.0, sinc_prob=0.0, noise_prob=0.0, jpeg_prob=0.0)
NOTHING = replace(_ONLY_RESIZE, resize_probs=(0.0, 0.0, 1.0))
"""A pass that leaves the picture alone; a second one brings it straight to the target size."""
_SHRINK_ONCE = replace(NOTHING, resize_modes=("matlab_bicubic",))


def _medium() -> DegradationSettings:
    """StableSR's (IceClear/StableSR `configs/stableSRNew/v2-finetune_text_T_512.yaml` and its RealESRGANDataset).

    Its `no_degradation_prob` of 0.01 is left out: a pair of a test set should be degraded.
    """
    first = StageSettings(
        kernel_sizes=tuple(range(3, 21, 2)),
        blur_sigma_range=(0.2, 1.5),
        betag_range=(0.5, 2.0),
        betap_range=(1.0, 1.5),
        resize_range=(0.3, 1.5),
        noise_sigma_255_range=(1.0, 15.0),
        poisson_scale_range=(0.05, 2.0),
        jpeg_quality_range=(60.0, 95.0),
    )
    second = replace(
        first,
        blur_prob=0.5,
        kernel_sizes=tuple(range(3, 11, 2)),
        blur_sigma_range=(0.2, 1.0),
        resize_probs=(0.3, 0.4, 0.3),
        resize_range=(0.6, 1.2),
        noise_sigma_255_range=(1.0, 12.0),
        poisson_scale_range=(0.05, 1.0),
        jpeg_quality_range=(60.0, 100.0),
    )
    return DegradationSettings(first, second)


def _mild() -> DegradationSettings:
    """Two resizes and two JPEGs of high quality, no blur, no noise, no ringing.

    The ranges are those of the-database/traiNNer-redux, `options/_templates/train/ESRGAN/ESRGAN_OTF_fidelity.yml`; the
    resize modes are Real-ESRGAN's, where it has nearest and Lanczos in place of area.
    """
    first = replace(_ONLY_RESIZE, resize_range=(0.4, 1.5), jpeg_prob=1.0, jpeg_quality_range=(75.0, 95.0))
    second = replace(first, resize_probs=(0.3, 0.4, 0.3), resize_range=(0.6, 1.2))
    return DegradationSettings(first, second, final_sinc_prob=0.0)


def _camera_jpeg() -> DegradationSettings:
    """A web listing's picture (ours): shrunk once with antialiasing, then saved once as a JPEG of quality 60 to 95."""
    saved = replace(_SHRINK_ONCE, jpeg_prob=1.0, jpeg_quality_range=(60.0, 95.0))
    return DegradationSettings(NOTHING, saved, final_sinc_prob=0.0, jpeg_last_prob=1.0)


PRESETS: Mapping[PresetName, DegradationSettings] = MappingProxyType({
    "full": DegradationSettings(),
    "medium": _medium(),
    "mild": _mild(),
    "bicubic": DegradationSettings(NOTHING, _SHRINK_ONCE, final_sinc_prob=0.0),
    "camera-jpeg": _camera_jpeg(),
})  # fmt: skip
"""`full` is Real-ESRGAN's own, `bicubic` MATLAB's alone; the others say where they come from above."""
