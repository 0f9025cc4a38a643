"""Scores of weights on the pictures that decide: the first validation set of the options, made once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from realesrgan_arch.data.assembly import build_whole_images, scenes_of
from realesrgan_arch.devices import choose_device
from realesrgan_arch.evaluation.evaluate import evaluate
from realesrgan_arch.evaluation.pairs import KeptPairs, picture_names
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.base_scores import content_digest
from realesrgan_arch.training.validation import score_rules, snapshot
from realesrgan_arch.weights.load import load_generator

Scores = Mapping[str, Mapping[str, float]]
"""By metric, then by picture."""
_METHOD = "now"


@dataclass(frozen=True)
class Judge:
    """Scores networks on the same pictures, again and again."""

    options: Options
    pairs: KeptPairs
    scenes: Mapping[str, str]
    """By the short name of the picture; one without stands alone."""

    @property
    def digest(self) -> str:
        """A SHA-256 of pictures and rules: scores of two digests cannot be compared."""
        return content_digest(self.pairs, score_rules(self.options))

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured; PSNR first."""
        return score_rules(self.options).metrics

    def score(self, network: nn.Module) -> dict[str, dict[str, float]]:
        """Return the scores of `network` by metric and picture."""
        options = self.options
        device = choose_device("cpu" if options.num_gpu == 0 else options.device)
        upscale = snapshot(network, scale=options.scale, device=device, precision=options.precision)
        names = picture_names(self.pairs.names)
        found = evaluate(self.pairs, methods={_METHOD: upscale}, rules=score_rules(options))
        rows = [score for score in found if score.method == _METHOD]
        return {metric: {names[row.name]: row.values[metric] for row in rows} for metric in self.metrics}

    def score_file(self, weights: Path) -> dict[str, dict[str, float]]:
        """Return the scores of a checkpoint; of averaged weights where it has them."""
        network, _ = load_generator(weights)
        return self.score(network)


def open_judge(options: Options) -> Judge:
    """Read and degrade the first validation set of `options`.

    Raises:
        StudyError: there is none, or PSNR is not among its metrics.
        UserError: pictures that cannot be used.
    """
    sections = list(options.datasets.validation_sets().values())
    if not sections:
        raise StudyError("datasets.val: a study needs a validation set, which chooses the layer; got none")
    if "psnr" not in score_rules(options).metrics:
        raise StudyError("val.metrics: a study chooses by PSNR; add psnr: {type: calculate_psnr}")
    dataset = build_whole_images(sections[0], scale=options.scale, degradation=options.degradation())
    pairs = KeptPairs(dataset[index] for index in range(len(dataset)))
    if not len(pairs):
        raise StudyError("datasets.val: expected at least one readable picture, got none")
    names = picture_names(pairs.names)
    scenes = pairs.scenes(scenes_of(sections[0], dataset))
    return Judge(options, pairs, {names[picture]: scene for picture, scene in scenes.items()})


def difference(scores: Mapping[str, float], against: Mapping[str, float]) -> dict[str, float]:
    """Return the differences picture by picture; NaN where either is not defined."""
    return {name: _less(value, against[name]) for name, value in scores.items() if name in against}


def _less(value: float, other: float) -> float:
    # Two pictures that both equal the truth do not differ, though infinity less infinity is no number.
    return 0.0 if value == other and not math.isnan(value) else value - other
