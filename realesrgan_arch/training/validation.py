"""Scores of the base, of bicubic and of the model now, on pictures that never change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.data.dataset import PairSample
from realesrgan_arch.devices import choose_dtype
from realesrgan_arch.evaluation.evaluate import (
    EvaluationError,
    ImageScore,
    Method,
    ScoreRules,
    mean_of_defined,
    measured_metrics,
    score_outputs,
    score_truth,
)
from realesrgan_arch.evaluation.pairs import EvaluationPair, KeptPairs, picture_names
from realesrgan_arch.evaluation.panels import crop_busiest, side_by_side, stack
from realesrgan_arch.evaluation.table import format_table, with_hash
from realesrgan_arch.images import Pixels, from_tensor, write_image
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.types import Options
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.upscaling.engine import Upscaler

GRID_IMAGES = 4
GRID_SIZE = 192
TILE = 512
"""Whole validation pictures would need the memory that training needs."""


class Validation:
    """Scores networks on the pairs of one set, and shows each result beside the base.

    Args:
        pairs: at least one.
        name: of the set, for the heading of its table and for its folder.
        rules: what is measured.
        scale: of the networks.
        set_hash: of a frozen set, for the heading and the files.
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
        ranks: Ranks | None = None,
    ) -> None:
        if not len(pairs):
            raise EvaluationError(f"expected at least one readable picture in the validation set {name}, got none")
        self.name = name
        self.set_hash = set_hash
        self._pairs = pairs
        self._rules = rules
        self._scale = scale
        self._ranks = ranks or Ranks.single()
        self._files = picture_names(pairs.names)
        self._reference: list[ImageScore] = []
        self._base_crops: list[Tensor] = []
        self._rows: list[Tensor] = []
        self.table = ""
        """Of the last scores, under the name of the set."""

    @property
    def picture_names(self) -> list[str]:
        """The pictures that are scored."""
        return self._pairs.names

    def score_base(self, upscale: Method) -> dict[str, float]:
        """Score the truth, bicubic and the base once, and return the base's means."""
        self._reference, self._base_crops = [], []

        def work(index: int, pair: EvaluationPair) -> tuple[list[ImageScore], Tensor | None]:
            base = upscale(pair.lq)
            outputs = {"bicubic": magnify_bicubic(pair.lq, scale=self._scale), "base": base}
            scores = [*score_truth(pair, self._rules), *score_outputs(pair, outputs, self._rules)]
            return scores, self._crop_large(base, self._place(pair)) if index < GRID_IMAGES else None

        for scores, crop in self._ranks.share_out(self._pairs, work):
            self._reference += scores
            self._base_crops += [] if crop is None else [crop]
        self.table = self._format(self._reference)
        return means(self._reference, method="base")

    def score_now(self, upscale: Method, *, pictures: Path | None = None, step: int = 0) -> dict[str, float]:
        """Score a network in one pass, renew `table` and `grid`, and return its means.

        Args:
            upscale: of the network, see `snapshot`.
            pictures: folder for each result as `<name>/<name>_<step>.png`, BasicSR's layout; None writes none.
            step: for those names.
        """
        scores: list[ImageScore] = []
        self._rows = []

        def work(index: int, pair: EvaluationPair) -> tuple[list[ImageScore], Tensor | None, Pixels | None]:
            now = upscale(pair.lq)
            row = self._row(pair, now, self._base_crops[index : index + 1]) if index < GRID_IMAGES else None
            picture = None if pictures is None else from_tensor(now)
            return score_outputs(pair, {"tuned": now}, self._rules), row, picture

        for name, (found, row, picture) in zip(
            self._pairs.names, self._ranks.share_out(self._pairs, work), strict=True
        ):
            scores += found
            self._rows += [] if row is None else [row]
            if pictures is not None and picture is not None and self._ranks.is_first:
                file = self._files[name]
                write_image(pictures / file / f"{file}_{step}.png", picture)
        self.table = self._format(self._reference + scores)
        return means(scores, method="tuned")

    def grid(self) -> Tensor:
        """Return `LQ | base | now | GT` of the first pictures at their busiest place, `(3, H, W)` in [0, 1].

        It shows the last `score_now`; there is no base before a `score_base`.
        """
        return stack(self._rows)

    def _row(self, pair: EvaluationPair, now: Tensor, base: Sequence[Tensor]) -> Tensor:
        place = self._place(pair)
        large = {name: self._crop_large(image, place) for name, image in (("now", now), ("GT", pair.gt))}
        return side_by_side({"LQ": pair.lq[(..., *place)], **dict(zip(["base"], base, strict=False)), **large})

    def _place(self, pair: EvaluationPair) -> tuple[slice, slice]:
        """The busiest rows and columns of the LQ."""
        size = GRID_SIZE // self._scale
        top, left = crop_busiest(pair.lq, size)
        return slice(top, top + size), slice(left, left + size)

    def _crop_large(self, image: Tensor, place: tuple[slice, slice]) -> Tensor:
        rows, columns = (slice(part.start * self._scale, part.stop * self._scale) for part in place)
        return image[:, rows, columns].clone()

    def _format(self, scores: list[ImageScore]) -> str:
        table = format_table(scores, border=self._rules.border, y_channel=self._rules.y_channel)
        return "\n".join(part for part in (with_hash(self.name, self.set_hash), table, self._pairs.note) if part)


def snapshot(network: nn.Module, *, scale: int, device: torch.device, precision: str = "auto") -> Method:
    """Return what upscales whole pictures with a copy of `network` as it is now; one copy serves all sets."""
    dtype = choose_dtype(device, precision, training=False)
    return Upscaler(network, scale=scale, device=device, dtype=dtype, tile=TILE, tile_pad=16).upscale


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


def report(
    validations: Sequence[Validation], upscale: Method, *, step: int, progress: Progress, pictures: Path | None
) -> None:
    """Score a network on every set at `step`; show the tables, and write scores and pictures to the files.

    Args:
        validations: one a set.
        upscale: of the network, see `snapshot`.
        step: of training.
        progress: where tables, scores and panels go.
        pictures: each set's results are written to a folder of its name in there; None writes none.
    """
    for validation in validations:
        folder = pictures / validation.name if pictures else None
        scores = validation.score_now(upscale, pictures=folder, step=step)
        progress.write(f"validation at step {step}: {validation.table}")
        progress.log_scores(step, scores, dataset=validation.name, set_hash=validation.set_hash)
        progress.log_images(step, f"{validation.name}: LQ | base | now | GT", validation.grid())


def report_base(validations: Sequence[Validation], upscale: Method, *, progress: Progress) -> None:
    """Score the base on every set; show the tables, and write the scores to the files as those of step 0."""
    for validation in validations:
        scores = validation.score_base(upscale)
        progress.write(f"before training: {validation.table}")
        progress.log_scores(0, scores, dataset=validation.name, set_hash=validation.set_hash)
