"""Which layers did the work of a short training of all of them: FAIG, the integrated gradient along its path.

Xie et al., "Finding discriminative filters for specific degradations in blind super-resolution" (NeurIPS 2021, arXiv
2108.01070): along the straight line from the base to the trained weights the gradients of a loss are averaged, and each
weight counts with |its change times its mean gradient|. Without the bars the products add up to the change of the loss,
so a layer's sum says how much of that change went through it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from realesrgan_arch.layer_study.crop_gradients import CropGradients

_POINTS = 4
"""Of the path, in the middle of equal parts of it."""


@dataclass(frozen=True)
class PathScores:
    """By parameter: the sum over its weights, for each of both losses."""

    fidelity: Mapping[str, float]
    perception: Mapping[str, float]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "PathScores":
        """Return the scores that `record` returned."""
        return cls(record["fidelity"], record["perception"])

    def record(self) -> dict[str, Any]:
        """Return all that they are as plain values."""
        return {"fidelity": dict(self.fidelity), "perception": dict(self.perception)}

    def shares(self, parameters: frozenset[str]) -> tuple[float, float]:
        """Return how much of fidelity's and of perception's sum over the network `parameters` have; NaN of nothing."""
        return _share(self.fidelity, parameters), _share(self.perception, parameters)


def score_path(gradients: CropGradients, trained: nn.Module) -> PathScores:
    """Return the scores of the path from the base of `gradients`, whose weights are the base's again in the end, to
    `trained`, a network of the same kind.
    """
    parameters = dict(gradients.network.named_parameters())
    before = {name: value.detach().clone() for name, value in parameters.items()}
    changes = {name: value.detach().to(before[name]) - before[name] for name, value in trained.named_parameters()}
    means = _means_along(gradients, parameters, before, changes)
    _place(parameters, before, changes, 0.0)
    found = [{name: float((change * mean[name]).abs().sum()) for name, change in changes.items()} for mean in means]
    return PathScores(*found)


def _means_along(
    gradients: CropGradients,
    parameters: Mapping[str, nn.Parameter],
    before: Mapping[str, Tensor],
    changes: Mapping[str, Tensor],
) -> list[dict[str, Tensor]]:
    means = [{name: torch.zeros_like(value) for name, value in before.items()} for _ in range(2)]
    for point in range(_POINTS):
        _place(parameters, before, changes, (point + 0.5) / _POINTS)
        for found in gradients.crop_by_crop():
            for mean, one in zip(means, found, strict=True):
                for name, value in one.items():
                    mean[name] += value / (_POINTS * len(gradients.crops))
    return means


@torch.no_grad()
def _place(
    parameters: Mapping[str, nn.Parameter], before: Mapping[str, Tensor], changes: Mapping[str, Tensor], at: float
) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(before[name] + at * changes[name])


def _share(sums: Mapping[str, float], parameters: frozenset[str]) -> float:
    whole = sum(sums.values())
    return sum(sums[name] for name in parameters) / whole if whole else float("nan")
