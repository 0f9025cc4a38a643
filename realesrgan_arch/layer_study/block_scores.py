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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.devices import choose_device
from realesrgan_arch.evaluation.pairs import KeptPairs
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.losses.amplitude import amplitude_distance
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.options.types import Options, UsmSettings
from realesrgan_arch.seeding import Stream, numpy_generator
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.loss_assembly import LossParts, assemble_losses
from realesrgan_arch.training.steps import Targets
from realesrgan_arch.upscaling.backends.footprint import multiple_of

_CROPS = 1
"""The counter of the draw, beside those of the study's seeds."""
_NO_PERCEPTION = {"l_g_base", "l_g_low_frequency"}
"""Further losses that do not look at how natural a picture is."""
_FEWEST = 4
"""Candidates without which a rank correlation has no interval."""
_BLOCK_PARTS = 2

Term = Callable[[Tensor, Targets, Tensor], Tensor]
"""From sr, its targets and lq, each (1, 3, ., .), to a scalar."""


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
    blocks: Sequence[CheapScore] = field(init=False)
    """Of each block, in the network's order."""

    def __post_init__(self) -> None:
        names: dict[str, list[str]] = defaultdict(list)
        for name in self.tensors:
            names[block_of(name)].append(name)
        object.__setattr__(self, "blocks", tuple(self.of(block, chosen) for block, chosen in names.items()))

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


def score_tensors(options: Options, pairs: KeptPairs, *, crops: int) -> TensorScores:
    """Return the scores of the base of `options`: one forward and one backward pass for each term and crop.

    Args:
        options: whose network, weights, losses and sharpened targets count; the adversary does not, which would judge
            before it learns.
        pairs: of validation, at least one.
        crops: how many to look at, each of the side that training sees or the whole picture.

    Raises:
        UserError: weights of the losses that are absent or damaged.
    """
    device = choose_device("cpu" if options.num_gpu == 0 else options.device)
    network = load_base_generator(options).to(device).eval().requires_grad_(requires_grad=True)
    losses = assemble_losses(options, LossParts(network, network, device))
    perception, words = _perception(losses)
    parameters = dict(network.named_parameters())
    means = [_zeros(parameters), _zeros(parameters)]
    fisher = dict.fromkeys(parameters, 0.0)
    side, multiple = options.crop_gt_size, multiple_of(network)
    for lq, gt in draw_crops(pairs, crops=crops, side=side, scale=options.scale, multiple=multiple):
        low, high = lq[None].to(device), gt[None].to(device)
        sr, targets = network(low), _targets(high, options.usm())
        found = (
            _gradients(functional.l1_loss(sr, targets.pixel), parameters, keep=True),
            _gradients(perception(sr, targets, low), parameters, keep=False),
        )
        for name in parameters:
            fisher[name] += float((found[0][name] + found[1][name]).square().sum()) / crops
            for mean, one in zip(means, found, strict=True):
                mean[name] += one[name] / crops
    sums = {name: _sums(value, means[0][name], means[1][name], fisher[name]) for name, value in parameters.items()}
    return TensorScores(sums, words, crops)


def draw_crops(
    pairs: KeptPairs, *, crops: int, side: int, scale: int, multiple: int = 1
) -> list[tuple[Tensor, Tensor]]:
    """Return (lq, gt) crops, picture after picture and round again, at places that depend on their number alone.

    Args:
        pairs: at least one.
        crops: how many.
        side: of the truth, where the picture has as much.
        scale: of the pairs.
        multiple: what the sides of `lq` must be multiples of; they are made shorter for it.

    Raises:
        StudyError: no pair, or a picture that is smaller than `multiple`.
    """
    if not len(pairs):
        raise StudyError("datasets.val: expected at least one readable picture, got none")
    found: list[tuple[Tensor, Tensor]] = []
    for number in range(crops):
        pair = pairs[number % len(pairs)]
        generator = numpy_generator(0, Stream.LAYER_STUDY, _CROPS, number)
        height, width = (min(side // scale, length) // multiple * multiple for length in pair.lq.shape[1:])
        if not height or not width:
            raise StudyError(f"{shown(Path(pair.name))}: expected sides of at least {multiple} pixels, got less")
        top = int(generator.integers(pair.lq.shape[1] - height + 1))
        left = int(generator.integers(pair.lq.shape[2] - width + 1))
        lq = pair.lq[:, top : top + height, left : left + width]
        gt = pair.gt[:, scale * top : scale * (top + height), scale * left : scale * (left + width)]
        found.append((lq, gt))
    return found


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


def _perception(losses: Losses) -> tuple[Term, str]:
    more = {name: term for name, term in losses.more.items() if name not in _NO_PERCEPTION}
    perceptual = losses.perceptual
    if perceptual is None and not more:
        return lambda sr, targets, lq: amplitude_distance(sr, targets.pixel), "Fourier amplitude"

    def term(sr: Tensor, targets: Targets, lq: Tensor) -> Tensor:
        values = [one(sr=sr, gt=targets.pixel, lq=lq) for one in more.values()]
        return torch.stack([*values, *([perceptual(sr, targets.perceptual)] if perceptual else [])]).sum()

    return term, ", ".join([*(["l_g_percep"] if perceptual else []), *more])


def _targets(gt: Tensor, switches: UsmSettings) -> Targets:
    """Return what training compares with: the truth, or the truth sharpened."""
    sharp = usm_sharpen(gt) if switches.pixel or switches.perceptual else gt
    perceptual = sharp if switches.perceptual else gt
    return Targets(pixel=sharp if switches.pixel else gt, perceptual=perceptual, adversarial=gt)


def _gradients(value: Tensor, parameters: Mapping[str, nn.Parameter], *, keep: bool) -> dict[str, Tensor]:
    found = torch.autograd.grad(value, list(parameters.values()), retain_graph=keep, materialize_grads=True)
    return dict(zip(parameters, found, strict=True))


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
