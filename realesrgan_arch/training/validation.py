"""Scores of the base, of bicubic and of the model now, on pictures that never change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realesrgan_arch.devices import choose_dtype
from realesrgan_arch.evaluation.bicubic import magnify_bicubic
from realesrgan_arch.evaluation.evaluate import (
    EvaluationPair,
    ImageScore,
    Method,
    evaluate,
    mean_of_defined,
    measured_metrics,
)
from realesrgan_arch.evaluation.panels import crop_busiest, side_by_side, stack
from realesrgan_arch.evaluation.table import format_table
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.upscaling.engine import Upscaler

GRID_IMAGES = 4
GRID_SIZE = 192
TILE = 512
"""Whole validation pictures would need the memory that training needs."""


@dataclass(frozen=True)
class ScoreRules:
    """What is measured, and how."""

    metrics: tuple[str, ...] = ("psnr", "ssim", "niqe")
    border: int = 4
    y_channel: bool = False


class Validation:
    """Scores networks on fixed pairs, and shows each result beside the base.

    Args:
        pairs: small enough to be kept in memory.
        rules: what is measured.
        scale: of the networks.
        device: where they run.
    """

    def __init__(self, pairs: Sequence[EvaluationPair], *, rules: ScoreRules, scale: int, device: torch.device) -> None:
        self._pairs = pairs
        self._rules = rules
        self._scale = scale
        self._device = device
        self._reference: list[ImageScore] = []
        self._grid_base: list[Tensor] = []
        self.table = ""
        """Of the last scores."""

    def score_base(self, base: nn.Module) -> dict[str, float]:
        """Score bicubic and the base once, and return the base's means; without pairs there is nothing to score."""
        if not self._pairs:
            return {}
        upscale = self._upscaler(base).upscale
        bicubic = lambda lq: magnify_bicubic(lq, scale=self._scale)  # noqa: E731
        self._reference = self._evaluate({"bicubic": bicubic, "base": upscale})
        self._grid_base = [upscale(pair.lq) for pair in self._pairs[:GRID_IMAGES]]
        self.table = self._format(self._reference)
        return means(self._reference, method="base")

    def score_now(self, network: nn.Module) -> dict[str, float]:
        """Score `network`, renew `table`, and return its means."""
        if not self._pairs:
            return {}
        scores = self._evaluate({"tuned": self._upscaler(network).upscale})
        self.table = self._format(self._reference + [score for score in scores if score.method == "tuned"])
        return means(scores, method="tuned")

    def grid(self, network: nn.Module) -> Tensor:
        """Return `LQ | base | now | GT` of the first pictures at their busiest place, `(3, H, W)` in [0, 1]."""
        upscale = self._upscaler(network).upscale
        rows = [self._row(pair, base, upscale) for pair, base in zip(self._pairs, self._grid_base, strict=False)]
        return stack(rows)

    def _row(self, pair: EvaluationPair, base: Tensor, upscale: Method) -> Tensor:
        size = GRID_SIZE // self._scale
        top, left = crop_busiest(pair.lq, size)
        lq = pair.lq[:, top : top + size, left : left + size]
        rows = slice(top * self._scale, top * self._scale + lq.shape[1] * self._scale)
        columns = slice(left * self._scale, left * self._scale + lq.shape[2] * self._scale)
        now = upscale(pair.lq)
        large = {"base": base, "now": now, "GT": pair.gt}
        return side_by_side({"LQ": lq} | {name: image[:, rows, columns] for name, image in large.items()})

    def _upscaler(self, network: nn.Module) -> Upscaler:
        dtype = choose_dtype(self._device, training=False)
        return Upscaler(network, scale=self._scale, device=self._device, dtype=dtype, tile=TILE, tile_pad=16)

    def _evaluate(self, methods: dict[str, Method]) -> list[ImageScore]:
        rules = self._rules
        return evaluate(
            self._pairs, methods=methods, border=rules.border, y_channel=rules.y_channel, metrics=rules.metrics
        )

    def _format(self, scores: list[ImageScore]) -> str:
        return format_table(scores, border=self._rules.border, y_channel=self._rules.y_channel)


def means(scores: Iterable[ImageScore], *, method: str) -> dict[str, float]:
    """Return the mean of each metric over the pictures, for one method."""
    chosen = [score for score in scores if score.method == method]
    return {name: mean_of_defined(score.values[name] for score in chosen) for name in measured_metrics(chosen)}


def report(validation: Validation, network: nn.Module, *, step: int, progress: Progress) -> None:
    """Score `network` at `step`; show the table, and write scores and pictures to the files."""
    scores = validation.score_now(network)
    if not scores:
        return
    progress.write(f"validation at step {step}\n{validation.table}")
    progress.log_scores(step, scores)
    progress.log_images(step, "LQ | base | now | GT", validation.grid(network))
