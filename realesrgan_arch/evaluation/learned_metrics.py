"""LPIPS, DISTS and LPIPS-like as metrics: networks that are loaded once, and compare each result with its truth."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.evaluation.lpips_like import LpipsLike, load_lpips_like
from realesrgan_arch.evaluation.metrics import rgb_levels
from realesrgan_arch.extras import require_extra
from realesrgan_arch.losses.backbone import load_backbone
from realesrgan_arch.losses.learned import BACKBONE_FILES, LearnedDistance, LpipsNet, build_dists, build_lpips
from realesrgan_arch.weights.table import WeightsError, find_weights

LearnedName = Literal["lpips", "dists"]
_LPIPS_NET: LpipsNet = "alex"
"""The network that LPIPS' authors advise for measuring; their VGG is for training."""
_DISTS_NET: LpipsNet = "vgg"
SMALLEST = 31
"""Pixels each way: AlexNet's second pooling leaves nothing of fewer."""
TILE = 2048
"""Side in pixels of the pieces of a larger picture, so that memory does not grow with it."""


def measure_learned(
    name: LearnedName, images: Sequence[Tensor], truth: Tensor, *, border: int, weights: Path | None
) -> list[float]:
    """Return LPIPS (AlexNet, v0.1) or DISTS of each image, as the 8-bit file that it becomes; lower is nearer.

    A picture of more than `TILE` pixels a side is measured in nearly equal pieces, and the value is their mean by
    pixels. LPIPS is a mean over places itself, and only the pieces' edges tell; DISTS is then that of pieces.

    Args:
        name: which one.
        images: RGB (3, H, W) in [0, 1].
        truth: the same shape.
        border: pixels left out at each edge.
        weights: a folder in which the backbone's file is looked for first.

    Raises:
        MissingExtraError: torchmetrics is not installed.
        WeightsError: the backbone's file is not on this machine.
    """
    distance = load_learned(name, weights)
    expected = _as_written(truth, border)[None]
    with torch.inference_mode():
        return [_in_pieces(distance, _as_written(image, border)[None], expected) for image in images]


def measure_lpips_like(images: Sequence[Tensor], truth: Tensor, *, border: int, weights: Path | None) -> list[float]:
    """Return LPIPS-like of each image, see `evaluation.lpips_like`; arguments as for `measure_learned`.

    Raises:
        WeightsError: no folder, or one without the files.
    """
    inside = [_as_written(picture, border) for picture in (*images, truth)]
    return load_like(weights).distances(inside[:-1], inside[-1])


@cache
def load_learned(name: LearnedName, weights: Path | None) -> LearnedDistance:
    """Return LPIPS or DISTS with its weights, on the CPU; nothing is downloaded in the midst of a measurement.

    Raises:
        MissingExtraError: torchmetrics is not installed.
        WeightsError: the backbone's file is neither in `weights` nor where known weights lie.
    """
    purpose = f"the metric {name}"
    import_shims()  # torchmetrics imports torchvision
    require_extra("torchmetrics", extra="perceptual", purpose=purpose)
    path = _backbone_file(_LPIPS_NET if name == "lpips" else _DISTS_NET, weights, purpose)
    built = build_lpips(_LPIPS_NET, purpose=purpose) if name == "lpips" else build_dists(purpose=purpose)
    load_backbone(built, path, torch.device("cpu"))
    return built


@cache
def load_like(weights: Path | None) -> LpipsLike:
    """Return LPIPS-like with the weights in a folder.

    Raises:
        WeightsError: no folder, or one without the files.
    """
    if weights is None:
        raise WeightsError(
            "the metric lpips_like is left out: name the folder of its weights with --perceptual-weights, "
            "or as `weights` in val.metrics"
        )
    return load_lpips_like(weights)


def _backbone_file(net: LpipsNet, weights: Path | None, purpose: str) -> Path:
    name = BACKBONE_FILES[net]
    if weights is not None and (weights / name).is_file():
        return weights / name
    try:
        return find_weights(name)
    except WeightsError as error:
        raise WeightsError(f"{purpose} is left out: {error}") from error


def _in_pieces(distance: LearnedDistance, image: Tensor, truth: Tensor) -> float:
    total = 0.0
    for ours, theirs in zip(_pieces(image), _pieces(truth), strict=True):
        total += float(distance(sr=ours, gt=theirs, lq=theirs)) * ours[0, 0].numel()
    return total / image[0, 0].numel()


def _pieces(image: Tensor) -> Iterator[Tensor]:
    """Yield the nearly equal pieces of (1, 3, H, W) that are at most `TILE` pixels a side."""
    rows, columns = (-(-side // TILE) for side in image.shape[2:])
    for strip in image.tensor_split(rows, 2):
        yield from strip.tensor_split(columns, 3)


def _as_written(image: Tensor, border: int) -> Tensor:
    return torch.from_numpy(rgb_levels(image, border=border)).div_(255)
