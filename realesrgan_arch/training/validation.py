"""Scores of the base, of bicubic and of the model now, on pictures that never change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.devices import choose_dtype
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
from realesrgan_arch.images import from_tensor, write_image
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.types import Options
from realesrgan_arch.resampling import magnify_bicubic
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

    def save_pictures(self, network: nn.Module, folder: Path, *, step: int) -> None:
        """Write each pair's result as `<name>/<name>_<step>.png`, BasicSR's layout."""
        upscale = self._upscaler(network).upscale
        for pair in self._pairs:
            stem = Path(pair.name).stem
            write_image(folder / stem / f"{stem}_{step}.png", from_tensor(upscale(pair.lq)))

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


def score_rules(options: Options) -> ScoreRules:
    """Return how `val.metrics` are measured.

    Raises:
        OptionsError: metrics that ask for different borders, or for different channels; one table has one of each.
    """
    chosen = list(options.val.metrics.values()) if options.val else []
    if not chosen:
        return ScoreRules()
    borders = sorted({metric.crop_border for metric in chosen})
    channels = sorted({metric.test_y_channel for metric in chosen if metric.type != "calculate_niqe"})
    if len(borders) > 1 or len(channels) > 1:
        raise OptionsError(
            options.name,
            [f"val.metrics: expected one crop_border and one test_y_channel, got {borders} and {channels}"],
        )
    return ScoreRules(
        metrics=tuple(dict.fromkeys(metric.type.removeprefix("calculate_") for metric in chosen)),
        border=borders[0],
        y_channel=channels == [True],
    )


def pairs_of_batches(batches: Iterable[Mapping[str, object]]) -> Iterator[EvaluationPair]:
    """Yield the pairs of a `DataLoader` of whole images, ours (uint8) or BasicSR's (float in [0, 1]), one a batch."""
    for batch in batches:
        names, (lq, gt) = batch["lq_path"], (_as_float(batch[key]) for key in ("lq", "gt"))
        yield EvaluationPair(str(names[0]) if isinstance(names, (list, tuple)) else str(names), lq[0], gt[0])


def _as_float(images: object) -> Tensor:
    if not isinstance(images, Tensor):
        raise TypeError(f"expected a batch of tensors, got {type(images).__name__}")
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


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
