"""Score upscaling methods on pictures whose truth is known: one row a picture and method."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from realesrgan_arch.atomic import write_text
from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.metrics import niqe, psnr, ssim
from realesrgan_arch.evaluation.pairs import EvaluationPair

Method = Callable[[Tensor], Tensor]
"""From lq (3, H, W) to sr (3, H * scale, W * scale), RGB float in [0, 1]."""

Better = Literal["higher", "lower"]

GROUND_TRUTH = "ground truth"
"""The method name of the truth's own scores, in the metrics that need no truth to compare with."""


class EvaluationError(UserError):
    """Pictures that cannot be scored."""


@dataclass(frozen=True)
class Metric:
    """How a score is computed and written; exactly one of `compare` and `judge` is there."""

    label: str
    unit: str = ""
    decimals: int = 3
    compare: Callable[..., float] | None = None
    """(image, truth, *, border, y_channel)"""
    judge: Callable[..., float] | None = None
    """(image, *, border): needs no truth, which then has a score of its own."""
    better: Better = "higher"
    step: float = 1.0
    """What counts as one step of difference, see `evaluation.composite`."""


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR", unit="dB", decimals=2, compare=psnr, step=0.5),
    "ssim": Metric("SSIM", decimals=4, compare=ssim, step=0.02),
    "niqe": Metric("NIQE", decimals=3, judge=niqe, better="lower", step=0.5),
}


@dataclass(frozen=True)
class ImageScore:
    """The scores of one method on one picture, by metric; NaN where a metric is not defined."""

    name: str
    method: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class ScoreRules:
    """What is measured, and how.

    Raises:
        EvaluationError: unknown metric, or none.
    """

    metrics: tuple[str, ...] = ("psnr", "ssim", "niqe")
    """Names in `METRICS`."""
    border: int = 4
    """Pixels left out at each edge, usually the scale."""
    y_channel: bool = False
    """PSNR and SSIM on BT.601 luma instead of RGB; NIQE is of luma in either case."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise EvaluationError(f"expected metrics out of {', '.join(METRICS)}, got {', '.join(unknown) or 'none'}")


def evaluate(pairs: Iterable[EvaluationPair], *, methods: Mapping[str, Method], rules: ScoreRules) -> list[ImageScore]:
    """Score each method on each pair; at any time one picture is in memory if `pairs` is lazy.

    Args:
        pairs: what to score on.
        methods: by name; `magnify_bicubic` and `Upscaler.upscale` are such functions.
        rules: what is measured.

    Returns:
        Picture by picture: the truth's own scores (if a metric needs no truth), then each method's.

    Raises:
        EvaluationError: no pair, or a method's picture that does not fit the truth.
    """
    scores: list[ImageScore] = []
    for pair in pairs:
        outputs = {name: upscale(pair.lq) for name, upscale in methods.items()}
        scores += [*score_truth(pair, rules), *score_outputs(pair, outputs, rules)]
    if not scores:
        raise EvaluationError("expected at least one picture to score, got none; look at the data set's folders")
    return scores


def score_truth(pair: EvaluationPair, rules: ScoreRules) -> list[ImageScore]:
    """Return the truth's own scores, in the metrics that need no truth; nothing where there is no such metric."""
    own = _judge(pair.gt, rules)
    return [ImageScore(pair.name, GROUND_TRUTH, own)] if own else []


def score_outputs(pair: EvaluationPair, outputs: Mapping[str, Tensor], rules: ScoreRules) -> list[ImageScore]:
    """Return the scores of each method's picture.

    Raises:
        EvaluationError: a picture that does not fit the truth.
    """
    scores: list[ImageScore] = []
    for method, sr in outputs.items():
        _check_fits(sr, pair, method=method, border=rules.border)
        scores.append(ImageScore(pair.name, method, _compare(sr, pair.gt, rules) | _judge(sr, rules)))
    return scores


def _compare(image: Tensor, truth: Tensor, rules: ScoreRules) -> dict[str, float]:
    measures = {name: METRICS[name].compare for name in rules.metrics}
    return {
        name: measure(image, truth, border=rules.border, y_channel=rules.y_channel)
        for name, measure in measures.items()
        if measure
    }


def _judge(image: Tensor, rules: ScoreRules) -> dict[str, float]:
    measures = {name: METRICS[name].judge for name in rules.metrics}
    return {name: measure(image, border=rules.border) for name, measure in measures.items() if measure}


def write_scores_csv(path: Path, scores: Sequence[ImageScore], *, set_hash: str = "") -> None:
    """Write one row a picture and method: `name,method,psnr,ssim,niqe`; what was not measured stays empty.

    Of a frozen set there is a last column `set_hash`.

    Raises:
        EvaluationError: the file cannot be written.
    """
    metrics = measured_metrics(scores)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    frozen = {"set_hash": set_hash} if set_hash else {}
    writer.writerow(["name", "method", *metrics, *frozen])
    for score in scores:
        cells = [score.values.get(metric) for metric in metrics]
        numbers = ("" if cell is None else f"{cell:.6f}" for cell in cells)
        writer.writerow([score.name, score.method, *numbers, *frozen.values()])
    try:
        write_text(path, text.getvalue())
    except OSError as error:
        raise EvaluationError(f"{path} cannot be written: {error.strerror}") from error


def measured_metrics(scores: Iterable[ImageScore]) -> list[str]:
    """Return the names of the metrics in `scores`, in the order of `METRICS`."""
    measured = {name for score in scores for name in score.values}
    return [name for name in METRICS if name in measured]


def mean_of_defined(values: Iterable[float]) -> float:
    """Return the mean of the values that are not NaN; NaN where none is left."""
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _check_fits(sr: Tensor, pair: EvaluationPair, *, method: str, border: int) -> None:
    if sr.shape != pair.gt.shape:
        raise EvaluationError(
            f"{pair.name}: {method} made a picture of {_size(sr)}, but the truth has {_size(pair.gt)}; "
            "is it a model of another scale, or an LQ picture of another GT?"
        )
    if min(sr.shape[1:]) < 2 * border + 11:
        raise EvaluationError(
            f"{pair.name} has {_size(sr)}; inside the border of {border} at least 11 pixels each way are needed"
        )


def _size(image: Tensor) -> str:
    return f"{image.shape[2]}x{image.shape[1]} pixels"
