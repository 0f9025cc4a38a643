"""Cheap scores of layers, from gradients at the base alone: which layers would move, and would both sides gain?

For each block and each candidate, over crops of the validation pictures:

- relative gradient norm, |g| / |w|: Lee et al., "Surgical fine-tuning improves adaptation to distribution shifts"
  (ICLR 2023, arXiv 2210.11466, Auto-RGN);
- trace of the diagonal empirical Fisher information, the mean over crops of |g|^2: Sung et al., "Training neural
  networks with fixed sparse masks" (NeurIPS 2021, arXiv 2111.09839);
- agreement, the cosine between the gradients of fidelity and of perception: above 0 both can fall with one step, as in
  Yu et al., "Gradient surgery for multi-task learning" (NeurIPS 2020, arXiv 2001.06782).

A score says where a gradient is, not what training does: `spearman` compares them with what the short runs measured.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from realesrgan_arch.layer_study.crop_gradients import CropGradients

_FEWEST = 4
"""Candidates without which a rank correlation has no interval."""
_BLOCK_PARTS = 2


@dataclass
class Sums:
    """Over the crops, of one or more tensors; all but `fisher` of mean gradients."""

    parameters: int = 0
    weight: float = 0.0
    """Squared norm of the weights."""
    gradient: float = 0.0
    """Squared norm of the gradient of both terms together."""
    fidelity: float = 0.0
    perception: float = 0.0
    product: float = 0.0
    """Of the gradients of both terms."""
    fisher: float = 0.0

    def add(self, other: "Sums") -> None:
        """Take in other tensors."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class CheapScore:
    """Of one block or candidate."""

    name: str
    parameters: int
    gradient_ratio: float
    """|g| / |w|; NaN where all weights are zero."""
    fisher: float
    agreement: float
    """Cosine from -1 to 1; NaN where one of the gradients vanishes."""
    faig_fidelity: float = math.nan
    """Share of all that a short training moved, see `layer_study.path_scores`; NaN where none was looked at."""
    faig_perception: float = math.nan

    @classmethod
    def of(cls, name: str, sums: Sums) -> "CheapScore":
        """Return the scores of the tensors in `sums`."""
        both = math.sqrt(sums.fidelity * sums.perception)
        ratio = math.sqrt(sums.gradient / sums.weight) if sums.weight else math.nan
        return cls(name, sums.parameters, ratio, sums.fisher, sums.product / both if both else math.nan)


@dataclass(frozen=True)
class TensorScores:
    """The sums of every parameter of a network, by name."""

    tensors: Mapping[str, Sums]
    perception: str
    """What stood for perception, in words."""
    crops: int

    @property
    def blocks(self) -> dict[str, frozenset[str]]:
        """The parameters of each block, in the network's order."""
        names: dict[str, list[str]] = defaultdict(list)
        for name in self.tensors:
            names[block_of(name)].append(name)
        return {block: frozenset(own) for block, own in names.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "TensorScores":
        """Return the scores that `record` returned."""
        tensors = {name: Sums(**values) for name, values in record["tensors"].items()}
        return cls(tensors, record["perception"], record["crops"])

    def record(self) -> dict[str, Any]:
        """Return all that they are as plain values."""
        tensors = {name: asdict(sums) for name, sums in self.tensors.items()}
        return {"tensors": tensors, "perception": self.perception, "crops": self.crops}

    def of(self, name: str, tensors: Sequence[str] | frozenset[str]) -> CheapScore:
        """Return the scores of several tensors together, under a name."""
        sums = Sums()
        for tensor in tensors:
            sums.add(self.tensors[tensor])
        return CheapScore.of(name, sums)


def block_of(name: str) -> str:
    """Return the block of a parameter: `body.3.rdb1.conv1.weight` is of `body.3`, `conv_last.weight` of `conv_last`."""
    modules = name.split(".")[:-1]
    return ".".join(modules[:_BLOCK_PARTS]) or name


def score_tensors(gradients: CropGradients) -> TensorScores:
    """Return the scores of the base: one forward and one backward pass for each term and crop."""
    parameters, crops = dict(gradients.network.named_parameters()), len(gradients.crops)
    means = [_zeros(parameters), _zeros(parameters)]
    fisher = dict.fromkeys(parameters, 0.0)
    for found in gradients.crop_by_crop():
        for name in parameters:
            fisher[name] += float((found[0][name] + found[1][name]).square().sum()) / crops
            for mean, one in zip(means, found, strict=True):
                mean[name] += one[name] / crops
    sums = {name: _sums(value, means[0][name], means[1][name], fisher[name]) for name, value in parameters.items()}
    return TensorScores(sums, gradients.words, crops)


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho with a 95 % interval; NaN where it is not defined."""

    rho: float
    low: float
    high: float
    count: int


def spearman(scores: Sequence[float], outcomes: Sequence[float]) -> RankCorrelation:
    """Return the rank correlation of what is finite in both.

    The interval is Bonett and Wright's ("Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations", Psychometrika 2000), on Fisher's scale with the variance (1 + rho^2 / 2) / (n - 3).
    """
    both = [pair for pair in zip(scores, outcomes, strict=True) if all(map(math.isfinite, pair))]
    count, nan = len(both), math.nan
    if any(len(set(column)) < 2 for column in zip(*both, strict=True)) or not both:
        return RankCorrelation(nan, nan, nan, count)
    ranks = [stats.rankdata(column) for column in zip(*both, strict=True)]
    rho = float(np.corrcoef(ranks)[0, 1])
    if count < _FEWEST:
        return RankCorrelation(rho, nan, nan, count)
    # At 1 the scale has no end, and a few ranks in order prove little: half a step back, as continuity asks for.
    most = 1 - 6 / (count * (count**2 - 1))
    centre = math.atanh(max(-most, min(most, rho)))
    reach = float(stats.norm.ppf(0.975)) * math.sqrt((1 + rho**2 / 2) / (count - 3))
    return RankCorrelation(rho, math.tanh(centre - reach), math.tanh(centre + reach), count)


def _zeros(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    return {name: torch.zeros_like(value) for name, value in parameters.items()}


def _sums(weight: Tensor, fidelity: Tensor, perception: Tensor, fisher: float) -> Sums:
    return Sums(
        parameters=weight.numel(),
        weight=float(weight.detach().square().sum()),
        gradient=float((fidelity + perception).square().sum()),
        fidelity=float(fidelity.square().sum()),
        perception=float(perception.square().sum()),
        product=float((fidelity * perception).sum()),
        fisher=fisher,
    )
