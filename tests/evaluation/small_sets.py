"""Sets of a few small pictures, and methods that are no networks, for tests of whole evaluations."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from realesrgan_arch.evaluation.chosen_set import DataChoice, UnreadablePairError, build_choice
from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.proof import Kind, MethodFacts
from realesrgan_arch.resampling import magnify_bicubic

SCALE = 4
SIDE = 40


def random_pair(name: str, seed: int, *, side: int = SIDE) -> EvaluationPair:
    """A picture of smooth noise, and its bicubic twin."""
    generator = torch.Generator().manual_seed(seed)
    lq = torch.rand(3, side // SCALE, side // SCALE, generator=generator)
    gt = magnify_bicubic(lq, scale=SCALE) + 0.1 * torch.rand(3, side, side, generator=generator)
    return EvaluationPair(name, lq.mul(255).round() / 255, gt.clamp(0, 1).mul(255).round() / 255)


class CountedReads:
    """Reads pairs by number, and knows which were read; those of `broken` cannot be."""

    def __init__(self, names: Sequence[str], *, broken: Sequence[str] = (), has_truth: bool = True) -> None:
        self.names, self.broken, self.has_truth = names, broken, has_truth
        self.read: list[str] = []

    def __call__(self, number: int) -> EvaluationPair:
        name = self.names[number]
        self.read.append(name)
        if name in self.broken:
            raise UnreadablePairError(f"{name} is broken.")
        pair = random_pair(name, number)
        return pair if self.has_truth else EvaluationPair(name, pair.lq, torch.empty(3, 0, 0))


def small_choice(
    reads: Callable[[int], EvaluationPair], names: Sequence[str], *, has_truth: bool = True, identity: str = "one"
) -> DataChoice:
    return build_choice("small", names, reads, identity, has_truth=has_truth, made="of noise")


def names_of(count: int) -> list[str]:
    """Two kinds of folder, two pictures a scene."""
    return [f"{'north' if number % 4 < 2 else 'south'}/{number // 2}/{number}.png" for number in range(count)]


def brighter(lq: Tensor, *, by: float) -> Tensor:
    return magnify_bicubic(lq, scale=SCALE) + by


def contenders(shifts: Mapping[str, float], *, sha256: str = "") -> list[Contender]:
    """Bicubic made brighter by so much; 0.05 is the mean that the truth of `random_pair` has more."""
    kinds: dict[str, Kind] = {"base": "base", "tuned": "tuned", "model": "tuned"}
    return [
        Contender(MethodFacts(name, kinds.get(name, "control"), sha256=sha256), partial(brighter, by=by))
        for name, by in shifts.items()
    ]
