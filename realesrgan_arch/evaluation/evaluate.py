"""Score upscaling methods on pictures whose truth is known: one row a picture and method."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from torch import Tensor

from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation import metric_table as measures
from realesrgan_arch.evaluation.learned_metrics import SMALLEST as SMALLEST_FOR_LPIPS
from realesrgan_arch.evaluation.lpips_like import SMALLEST as SMALLEST_FOR_LIKE
from realesrgan_arch.evaluation.metric_table import Compare, Conditions, Judge, Judged
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.image_header import printable
from realesrgan_arch.plural import count_of

Method = Callable[[Tensor], Tensor]
"""From lq (3, H, W) to sr (3, H * scale, W * scale), RGB float in [0, 1]."""

Better = Literal["higher", "lower"]
Side = Literal["fidelity", "naturalness", "perceptual"]
"""What a metric speaks for: nearness to the truth, likeness to photographs, or both at once as people see it."""

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
    compare: Compare | None = None
    judge: Judge | None = None
    """Needs no truth, which then has a score of its own."""
    better: Better = "higher"
    step: float = 1.0
    """What counts as one step of difference, see `evaluation.composite`."""
    side: Side = "fidelity"
    smallest: int = 1
    """Pixels each way inside the border; of fewer the value is NaN."""
    undefined: str = ""
    """Of which other pictures it is NaN."""


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR", unit="dB", decimals=2, compare=measures.compare_psnr, step=0.5),
    "ssim": Metric("SSIM", decimals=4, compare=measures.compare_ssim, step=0.02, smallest=11),
    "psnr_y": Metric("PSNR-Y", unit="dB", decimals=2, compare=measures.compare_psnr_y, step=0.5),
    "ssim_y": Metric("SSIM-Y", decimals=4, compare=measures.compare_ssim_y, step=0.02, smallest=11),
    "psnr_usm": Metric("PSNR-USM", unit="dB", decimals=2, compare=measures.compare_psnr_usm, step=0.5),
    "ssim_usm": Metric("SSIM-USM", decimals=4, compare=measures.compare_ssim_usm, step=0.02, smallest=11),
    "niqe": Metric(
        "NIQE",
        judge=measures.judge_niqe,
        better="lower",
        step=0.5,
        side="naturalness",
        smallest=96,
        undefined="with fewer than two blocks of texture",
    ),
    "lpips": Metric(
        "LPIPS",
        decimals=4,
        compare=measures.compare_lpips,
        better="lower",
        step=0.02,
        side="perceptual",
        smallest=SMALLEST_FOR_LPIPS,
    ),
    "dists": Metric("DISTS", decimals=4, compare=measures.compare_dists, better="lower", step=0.02, side="perceptual"),
    "lpips_like": Metric(
        "LPIPS-like",
        decimals=4,
        compare=measures.compare_lpips_like,
        better="lower",
        step=0.01,
        side="perceptual",
        smallest=SMALLEST_FOR_LIKE,
    ),
    "color": Metric("color", unit="dE", decimals=2, compare=measures.compare_color, better="lower", step=0.2),
    "edges": Metric(
        "edges",
        unit="deg",
        decimals=2,
        compare=measures.compare_edges,
        better="lower",
        step=0.5,
        smallest=17,
        undefined="without a strong edge",
    ),
}
"""In the order of their columns.

Only `psnr`, `ssim` and `niqe` count in the composite. The others are second readings of the same two sides: a PSNR on
another channel, or of the sharpened truth, would count one gain twice; colour and edges are parts of fidelity that PSNR
already weighs; a perceptual distance mixes both sides, is not there on every machine, and so a composite with it could
not be compared between machines.
"""


@dataclass(frozen=True)
class ImageScore:
    """The scores of one method on one picture, by metric; NaN where a metric is not defined."""

    name: str
    method: str
    values: Mapping[str, float]
    left_out: Mapping[str, int] = field(default_factory=dict, compare=False)
    """By metric: parts of the picture that it cannot use. NIQE leaves out blocks without texture."""


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
    perceptual_weights: str = ""
    """The folder of `lpips_like`, in which the other learned metrics look first."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.metrics if name not in METRICS]
        if unknown or not self.metrics:
            raise EvaluationError(f"expected metrics out of {', '.join(METRICS)}, got {', '.join(unknown) or 'none'}")

    @property
    def conditions(self) -> Conditions:
        """What each metric is told."""
        weights = Path(self.perceptual_weights).expanduser() if self.perceptual_weights else None
        return Conditions(self.border, self.y_channel, weights)


def evaluate(pairs: Iterable[EvaluationPair], *, methods: Mapping[str, Method], rules: ScoreRules) -> list[ImageScore]:
    """Score each method on each pair; at any time one picture is in memory if `pairs` is lazy.

    Args:
        pairs: what to score on.
        methods: by name; `magnify_bicubic` and `Upscaler.upscale` are such functions.
        rules: what is measured.

    Returns:
        Picture by picture: the truth's own scores (if a metric needs no truth), then each method's.

    Raises:
        EvaluationError: no pair, a method's picture that does not fit the truth, or nothing inside the border.
    """
    scores: list[ImageScore] = []
    for pair in pairs:
        outputs = {name: upscale(pair.lq) for name, upscale in methods.items()}
        scores += [*score_truth(pair, rules), *score_outputs(pair, outputs, rules)]
    if not scores:
        raise EvaluationError("expected at least one picture to score, got none; look at the data set's folders")
    return scores


def score_truth(pair: EvaluationPair, rules: ScoreRules) -> list[ImageScore]:
    """Return the truth's own scores, in the metrics that need no truth; nothing where there is no such metric.

    Raises:
        EvaluationError: nothing is left of it inside the border.
    """
    return score_without_truth(pair.name, {GROUND_TRUTH: pair.gt}, rules)


def score_outputs(pair: EvaluationPair, outputs: Mapping[str, Tensor], rules: ScoreRules) -> list[ImageScore]:
    """Return the scores of each method's picture.

    Raises:
        EvaluationError: a picture that does not fit the truth, or of which nothing is left inside the border.
    """
    for method, sr in outputs.items():
        _check_fits(sr, pair, method=method)
    _check_inside(pair.name, pair.gt, rules)
    compared = {
        name: dict(zip(outputs, _compare(METRICS[name], compare, outputs, pair.gt, rules), strict=True))
        for name in rules.metrics
        if (compare := METRICS[name].compare)
    }
    scores: list[ImageScore] = []
    for method, sr in outputs.items():
        values = {name: by_method[method] for name, by_method in compared.items()}
        judged = _judge(sr, rules)
        values |= {name: one.value for name, one in judged.items()}
        scores.append(ImageScore(pair.name, method, values, _left_out(judged)))
    return scores


def score_without_truth(name: str, outputs: Mapping[str, Tensor], rules: ScoreRules) -> list[ImageScore]:
    """Return the scores of each method's picture in the metrics that need no truth; none where there is no such metric.

    Args:
        name: of the picture.
        outputs: RGB (3, H, W) in [0, 1] by method.
        rules: what is measured.

    Raises:
        EvaluationError: a picture of which nothing is left inside the border.
    """
    for image in outputs.values():
        _check_inside(name, image, rules)
    judged = {method: _judge(sr, rules) for method, sr in outputs.items()}
    return [
        ImageScore(name, method, {metric: one.value for metric, one in found.items()}, _left_out(found))
        for method, found in judged.items()
        if found
    ]


def left_out_notes(scores: Iterable[ImageScore]) -> list[str]:
    """Return a line for each metric that could not use all parts of the pictures; they poison no mean."""
    counts: dict[str, int] = {}
    for score in scores:
        for name, count in score.left_out.items():
            counts[name] = counts.get(name, 0) + count
    return [
        f"{METRICS[name].label} leaves out {count_of(count, 'block')} without texture" for name, count in counts.items()
    ]


def _compare(
    metric: Metric, compare: Compare, outputs: Mapping[str, Tensor], truth: Tensor, rules: ScoreRules
) -> list[float]:
    if not _is_large_enough(truth, metric, rules):
        return [math.nan] * len(outputs)
    return compare(list(outputs.values()), truth, rules.conditions)


def _judge(image: Tensor, rules: ScoreRules) -> dict[str, Judged]:
    return {
        name: judge(image, rules.conditions) if _is_large_enough(image, metric, rules) else Judged(math.nan)
        for name, metric in METRICS.items()
        if name in rules.metrics and (judge := metric.judge)
    }


def _is_large_enough(image: Tensor, metric: Metric, rules: ScoreRules) -> bool:
    return min(image.shape[1:]) - 2 * rules.border >= metric.smallest


def _left_out(judged: Mapping[str, Judged]) -> dict[str, int]:
    return {name: one.left_out for name, one in judged.items() if one.left_out}


def measured_metrics(scores: Iterable[ImageScore]) -> list[str]:
    """Return the names of the metrics in `scores`, in the order of `METRICS`."""
    measured = {name for score in scores for name in score.values}
    return [name for name in METRICS if name in measured]


def defined_metrics(scores: Sequence[ImageScore]) -> list[str]:
    """Return those of `measured_metrics` that are defined for a picture; all, where none is."""
    measured = measured_metrics(scores)
    defined = {name for score in scores for name, value in score.values.items() if not math.isnan(value)}
    return [name for name in measured if name in defined] or measured


def mean_of_defined(values: Iterable[float]) -> float:
    """Return the mean of the values that are not NaN; NaN where none is left."""
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _check_fits(sr: Tensor, pair: EvaluationPair, *, method: str) -> None:
    if sr.shape != pair.gt.shape:
        raise EvaluationError(
            f"{printable(pair.name)}: {method} made a picture of {_size(sr)}, but the truth has {_size(pair.gt)}; "
            "is it a model of another scale, or an LQ picture of another GT?"
        )


def _check_inside(name: str, image: Tensor, rules: ScoreRules) -> None:
    if min(image.shape[1:]) <= 2 * rules.border:
        raise EvaluationError(
            f"{printable(name)} has {_size(image)}, of which a border of {rules.border} leaves nothing; "
            "leave it out of the set or lower the border."
        )


def _size(image: Tensor) -> str:
    return f"{image.shape[2]}x{image.shape[1]} pixels"
