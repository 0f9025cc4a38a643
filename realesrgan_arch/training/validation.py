"""Scores of the base, of bicubic and of the model now, on pictures that never change."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from realesrgan_arch.data.dataset import PairSample
from realesrgan_arch.devices import choose_dtype
from realesrgan_arch.evaluation.composite import counts
from realesrgan_arch.evaluation.difference_table import format_differences
from realesrgan_arch.evaluation.evaluate import (
    Better,
    EvaluationError,
    ImageScore,
    Method,
    ScoreRules,
    mean_of_defined,
    measured_metrics,
    score_outputs,
    score_truth,
)
from realesrgan_arch.evaluation.metric_table import available_metrics
from realesrgan_arch.evaluation.pairs import EvaluationPair, KeptPairs, picture_names
from realesrgan_arch.evaluation.statistics import Judgement, judge
from realesrgan_arch.evaluation.table import format_table, with_hash
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import Pixels, from_tensor, write_image
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.train import MetricOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.plural import count_of
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.training.base_scores import content_digest
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.results_table import comparison_row
from realesrgan_arch.training.validation_panels import GRID_IMAGES, ValidationPanels
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler

_log = logging.getLogger(__name__)
TILE = 512
"""Whole validation pictures would need the memory that training needs."""
_WITH_CHANNEL = {"calculate_psnr", "calculate_ssim", "calculate_psnr_usm", "calculate_ssim_usm"}
Result = TypeVar("Result")


class Validation:
    """Scores networks on the pairs of one set, and shows each result beside the base and beside bicubic.

    Args:
        pairs: at least one.
        name: of the set, for the heading of its table and for its folder.
        rules: what is measured.
        scale: of the networks.
        set_hash: of a frozen set, for the heading and the files.
        scenes: the scene of each picture by the file of its truth; a picture without one is a scene of its own.
        better: for metrics of which it is not what `METRICS` says.
        ranks: among which the pictures are divided; each of them gets all scores.

    Raises:
        EvaluationError: no pair.
    """

    def __init__(
        self,
        pairs: KeptPairs,
        *,
        name: str,
        rules: ScoreRules,
        scale: int,
        set_hash: str = "",
        scenes: Mapping[str, str] | None = None,
        better: Mapping[str, Better] | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        if not len(pairs):
            raise EvaluationError(f"expected at least one readable picture in the validation set {name}, got none")
        self.name = name
        self.set_hash = set_hash
        self.rules = rules
        self.judgements: dict[str, Judgement] = {}
        """The last scores against the base and against bicubic; empty before there are both."""
        self.table = ""
        """Of the last scores, under the name of the set."""
        self.reference: list[ImageScore] = []
        """Of the truth, bicubic and the base."""
        self._pairs = pairs
        self._ranks = ranks or Ranks.single()
        self._scale = scale
        self._scenes = pairs.scenes(scenes or {})
        self._better: Mapping[str, Better] = better or {}
        self._files = picture_names(pairs.names)
        self._panels = ValidationPanels(scale=scale)
        self._scores: list[ImageScore] = []

    @property
    def names(self) -> list[str]:
        """The pictures, as they are called in the scores."""
        return self._pairs.names

    @cached_property
    def content_digest(self) -> str:
        """A SHA-256 of the pictures and of what is measured: scores of two digests cannot be compared."""
        return content_digest(self._pairs, self.rules)

    def score_base(self, upscale: Method) -> dict[str, float]:
        """Score the truth, bicubic and the base once, and return the base's means."""

        def work(index: int, pair: EvaluationPair) -> tuple[list[ImageScore], Tensor | None]:
            base = upscale(pair.lq)
            outputs = {"bicubic": magnify_bicubic(pair.lq, scale=self._scale), "base": base}
            scores = [*score_truth(pair, self.rules), *score_outputs(pair, outputs, self.rules)]
            return scores, self._panels.base_crop(index, pair, base)

        results = list(self._of_each_picture(work))
        self._panels.keep_base(crop for _, crop in results)
        return self._take_reference([score for scores, _ in results for score in scores])

    def take_base(self, scores: Sequence[ImageScore], upscale: Method) -> dict[str, float]:
        """Take over what `score_base` of an earlier process has left in `reference`, and return the base's means.

        Only the few pictures of the grid are upscaled.
        """
        first = enumerate(self._pairs[:GRID_IMAGES])
        self._panels.keep_base(self._panels.base_crop(index, pair, upscale(pair.lq)) for index, pair in first)
        return self._take_reference(scores)

    def score_now(self, upscale: Method, *, pictures: Path | None = None, step: int = 0) -> dict[str, float]:
        """Score a network in one pass, renew `table`, `judgements` and `grid`, and return its means.

        Args:
            upscale: of the network, see `snapshot`.
            pictures: folder for each result as `<name>/<name>_<step>.png`, BasicSR's layout; None writes none.
            step: for those names.
        """

        def work(index: int, pair: EvaluationPair) -> tuple[list[ImageScore], Tensor | None, Pixels | None]:
            now = upscale(pair.lq)
            picture = None if pictures is None else from_tensor(now)
            return score_outputs(pair, {"tuned": now}, self.rules), self._panels.row(index, pair, now), picture

        scores: list[ImageScore] = []
        rows: list[Tensor | None] = []
        for name, (found, row, picture) in zip(self._pairs.names, self._of_each_picture(work), strict=True):
            scores += found
            rows.append(row)
            if pictures is not None and picture is not None and self._ranks.is_first:
                file = self._files[name]
                write_image(pictures / file / f"{file}_{step}.png", picture)
        self._panels.keep_rows(rows)
        self.judgements = self._judge(scores)
        self._scores = self.reference + scores
        self.table = self._format(self._scores)
        return means(scores, method="tuned")

    def _of_each_picture(self, work: Callable[[int, EvaluationPair], Result]) -> Iterator[Result]:
        """Yield the result of each picture in the order of the set, on every rank: all decisions come from these."""
        yield from self._ranks.share_out(self._pairs, work)

    def grid(self) -> Tensor:
        """Return `LQ | base | now | GT` of the first pictures at their busiest place, `(3, H, W)` in [0, 1].

        It shows the last `score_now`; there is no base before a `score_base`.
        """
        return self._panels.grid()

    def comparison(self) -> dict[str, float]:
        """Return the last scores beside those of the base and of bicubic, as a row of `results.csv`."""
        return comparison_row(self._scores)

    @property
    def num_scenes(self) -> int:
        """Over how many scenes an interval is taken; a picture without one is a scene of its own."""
        return len({self._scenes.get(name, name) for name in self._pairs.names})

    def size_in_words(self) -> str:
        """Return how many pictures there are, and the hash of a frozen set."""
        return with_hash(count_of(len(self._pairs), "picture"), self.set_hash)

    def _take_reference(self, scores: Sequence[ImageScore]) -> dict[str, float]:
        self.reference = self._scores = list(scores)
        self.table = self._format(self.reference)
        return means(self.reference, method="base")

    def _judge(self, scores: Sequence[ImageScore]) -> dict[str, Judgement]:
        others = {name: [row for row in self.reference if row.method == name] for name in ("base", "bicubic")}
        return {
            name: judge(scores, rows, scenes=self._scenes, other=name, better=self._better)
            for name, rows in others.items()
            if rows
        }

    def _format(self, scores: list[ImageScore]) -> str:
        table = format_table(scores, border=self.rules.border, y_channel=self.rules.y_channel)
        differences = format_differences(self.judgements, method="tuned") if self.judgements else ""
        parts = (with_hash(self.name, self.set_hash), table, self._pairs.note, differences)
        return "\n".join(part for part in parts if part)


def snapshot(network: nn.Module, *, scale: int, device: torch.device, precision: str = "auto") -> Method:
    """Return what upscales whole pictures with a copy of `network` as it is now; one copy serves all sets."""
    dtype = choose_dtype(device, precision, training=False)
    backend = TorchBackend(network, scale=scale, device=device, dtype=dtype)
    return Upscaler(backend, tile=TILE, tile_pad=16).upscale


def score_rules(options: Options) -> ScoreRules:
    """Return how `val.metrics` are measured.

    Raises:
        OptionsError: metrics that ask for different borders, or for different channels; one table has one of each.
    """
    chosen = list(options.val.metrics.values()) if options.val else []
    if not chosen:
        return ScoreRules()
    borders = sorted({metric.crop_border for metric in chosen})
    channels = sorted({metric.test_y_channel for metric in chosen if metric.type in _WITH_CHANNEL})
    if len(borders) > 1 or len(channels) > 1:
        raise OptionsError(
            options.name,
            [f"val.metrics: expected one crop_border and one test_y_channel, got {borders} and {channels}"],
        )
    asked = tuple(dict.fromkeys(metric.type.removeprefix("calculate_") for metric in chosen))
    weights = _folder_of_weights(options, chosen)
    return ScoreRules(
        metrics=_usable(options, asked, weights),
        border=borders[0],
        y_channel=channels == [True],
        perceptual_weights=str(weights or ""),
    )


def _folder_of_weights(options: Options, chosen: Iterable[MetricOptions]) -> Path | None:
    folders = sorted({metric.weights for metric in chosen if metric.weights is not None})
    if len(folders) > 1:
        names = ", ".join(map(shown, folders))
        raise OptionsError(options.name, [f"val.metrics: expected one folder of weights, got {names}"])
    return folders[0] if folders else None


def _usable(options: Options, asked: Sequence[str], weights: Path | None) -> tuple[str, ...]:
    """Leave out, with a warning, what this machine lacks; not what decides which model is best, or when a run ends."""
    usable, sentences = available_metrics(asked, weights=weights)
    early = options.val.early_stopping if options.val else None
    needed = {name for name in asked if counts(name)} | {name for name in asked if early and name == early.metric}
    if needed.difference(usable) or not usable:
        raise OptionsError(options.name, [f"val.metrics: {sentence}" for sentence in sentences])
    for sentence in sentences:
        _log.warning("%s", sentence)
    return usable


def samples_of_batches(batches: Iterable[Mapping[str, object]]) -> Iterator[PairSample]:
    """Yield the samples of a `DataLoader` of whole images, one a batch: ours, or BasicSR's.

    BasicSR has read its floats in [0, 1] from 8-bit files, so nothing is lost by making them uint8 again.
    """
    for batch in batches:
        (lq, gt), text = (_as_uint8(batch[key]) for key in ("lq", "gt")), partial(_first_text, batch)
        yield PairSample(
            gt=gt[0],
            gt_path=text("gt_path"),
            lq=lq[0],
            lq_path=text("lq_path"),
            failed_path=text("failed_path"),
            padded=False,
        )


def _first_text(batch: Mapping[str, object], key: str) -> str:
    values = batch.get(key, "")
    return str(values[0]) if isinstance(values, (list, tuple)) else str(values)


def _as_uint8(images: object) -> Tensor:
    if not isinstance(images, Tensor):
        raise TypeError(f"expected a batch of tensors, got {type(images).__name__}")
    return images if images.dtype == torch.uint8 else images.clamp(0, 1).mul(255).round().to(torch.uint8)


def means(scores: Iterable[ImageScore], *, method: str) -> dict[str, float]:
    """Return the mean of each metric over the pictures, for one method."""
    chosen = [score for score in scores if score.method == method]
    return {name: mean_of_defined(score.values[name] for score in chosen) for name in measured_metrics(chosen)}
