"""One form for all metrics, so that a table can hold them: what they are told, and how several results are compared.

All results of a picture come at once, since much is of the truth alone: its features, its sharpened form (which each
metric that compares with it makes once for all results).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.edge_orientation import orientation_error
from realesrgan_arch.evaluation.learned_metrics import load_learned, load_like, measure_learned, measure_lpips_like
from realesrgan_arch.evaluation.low_frequency_color import color_error
from realesrgan_arch.evaluation.metrics import measure_niqe, psnr, ssim
from realesrgan_arch.evaluation.niqe import load_pristine_model


@dataclass(frozen=True)
class Conditions:
    """What every metric is told."""

    border: int = 0
    """Pixels left out at each edge."""
    y_channel: bool = False
    """PSNR and SSIM on BT.601 luma, where their name does not say so already."""
    weights: Path | None = None
    """The folder of perceptual weights."""


@dataclass(frozen=True)
class Judged:
    """What a metric without truth says of one picture."""

    value: float
    left_out: int = 0
    """Parts of the picture that it cannot use."""


Compare = Callable[[Sequence[Tensor], Tensor, Conditions], list[float]]
"""(results, truth, conditions) -> a value for each result; RGB (3, H, W) in [0, 1]."""
Judge = Callable[[Tensor, Conditions], Judged]


def available_metrics(asked: Iterable[str], *, weights: Path | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of the metrics that are asked for can be measured here, and a sentence for each that cannot.

    What they need is loaded, so that a missing file shows before an hour of upscaling.

    Args:
        asked: names in `evaluate.METRICS`; those that need nothing pass.
        weights: the folder of perceptual weights.
    """
    usable: list[str] = []
    sentences: list[str] = []
    for name in dict.fromkeys(asked):
        try:
            _LOADERS.get(name, _needs_nothing)(weights)
        except UserError as error:
            sentences.append(str(error))
        else:
            usable.append(name)
    return tuple(usable), tuple(sentences)


def compare_psnr(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """PSNR in dB."""
    return [psnr(image, truth, border=told.border, y_channel=told.y_channel) for image in images]


def compare_ssim(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """SSIM."""
    return [ssim(image, truth, border=told.border, y_channel=told.y_channel) for image in images]


def compare_psnr_y(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """PSNR in dB on luma, as papers print it."""
    return [psnr(image, truth, border=told.border, y_channel=True) for image in images]


def compare_ssim_y(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """SSIM on luma, as papers print it."""
    return [ssim(image, truth, border=told.border, y_channel=True) for image in images]


def compare_psnr_usm(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """PSNR against the truth as Real-ESRGAN sharpens it: high where a model has learned to sharpen."""
    return compare_psnr(images, sharpened(truth), told)


def compare_ssim_usm(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """SSIM against the truth as Real-ESRGAN sharpens it."""
    return compare_ssim(images, sharpened(truth), told)


def judge_niqe(image: Tensor, told: Conditions) -> Judged:
    """NIQE; what it leaves out are blocks without texture."""
    measure = measure_niqe(image, border=told.border)
    return Judged(measure.value, measure.undefined_blocks)


def compare_lpips(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """LPIPS v0.1 on AlexNet."""
    return measure_learned("lpips", images, truth, border=told.border, weights=told.weights)


def compare_dists(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """DISTS."""
    return measure_learned("dists", images, truth, border=told.border, weights=told.weights)


def compare_lpips_like(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """LPIPS' formula on the distilled VGG19."""
    return measure_lpips_like(images, truth, border=told.border, weights=told.weights)


def compare_color(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """The error of blurred colours in CIELAB units."""
    return [color_error(image, truth, border=told.border) for image in images]


def compare_edges(images: Sequence[Tensor], truth: Tensor, told: Conditions) -> list[float]:
    """The error of orientation on the truth's edges in degrees."""
    return [orientation_error(image, truth, border=told.border) for image in images]


def sharpened(truth: Tensor) -> Tensor:
    """Return `truth` (3, H, W) as Real-ESRGAN sharpens its targets (`USMSharp`: weight 0.5, threshold 10)."""
    return usm_sharpen(truth[None])[0]


def _needs_nothing(weights: Path | None) -> None:
    del weights


def _load_niqe(weights: Path | None) -> None:
    del weights
    load_pristine_model()


def _load_lpips(weights: Path | None) -> None:
    load_learned("lpips", weights)


def _load_dists(weights: Path | None) -> None:
    load_learned("dists", weights)


_LOADERS: Mapping[str, Callable[[Path | None], object]] = {
    "niqe": _load_niqe,
    "lpips": _load_lpips,
    "dists": _load_dists,
    "lpips_like": load_like,
}
