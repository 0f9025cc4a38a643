"""One match from crops to a verdict: look, search, and check on draws and places that the search has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from realesrgan_arch.degradation.knobs import build_knobs, with_last_jpeg
from realesrgan_arch.degradation.matching import (
    Comparison,
    Search,
    compare,
    measure_pictures,
    measure_synthetic,
    total_distance,
)
from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.degradation.settings import DegradationSettings, Range
from realesrgan_arch.images import Pixels, to_tensor


@dataclass(frozen=True)
class Halves:
    """Crops to search with, and crops of other pictures to check with."""

    search: Sequence[Pixels]
    check: Sequence[Pixels]


@dataclass(frozen=True)
class Match:
    """The outcome: distances on fresh draws of the preset (`before`) and of `settings` (`after`)."""

    preset: DegradationSettings
    settings: DegradationSettings
    before: tuple[Comparison, ...]
    after: tuple[Comparison, ...]
    evaluations: int

    @property
    def is_better(self) -> bool:
        """Whether the found settings are nearer on fresh draws, by more than chance."""
        return total_distance(self.before) - total_distance(self.after) > self.before[0].chance / 2


def run_match(
    preset: DegradationSettings,
    *,
    yours: Halves,
    gt: Halves,
    scale: int,
    seed: int,
    file_qualities: Range | None,
    budget: int,
    sharpens: bool,
    on_evaluation: Callable[[], object],
) -> Match:
    """Search settings that make `gt` look like `yours`, and compare both on the halves for checking.

    Args:
        preset: where the search starts.
        yours: low-quality crops, RGB uint8 (H, W, 3).
        gt: ground truth, RGB uint8 (H * scale, W * scale, 3).
        scale: GT side over LQ side.
        seed: of the recipes.
        file_qualities: JPEG qualities of the user's files, which the second pass takes over; None where they are no
            JPEG. What the tables of a file say is exact, what its pixels say is not.
        budget: most evaluations of the search.
        sharpens: whether `gt` is sharpened before it is degraded, as training does with `lq_from_usm`.
        on_evaluation: called after each.
    """
    target = measure_pictures(yours.search)
    crops = [_prepared(crop, sharpens) for crop in gt.search]

    def distance(settings: DegradationSettings) -> float:
        return total_distance(compare(target, measure_synthetic(crops, settings, scale=scale, seed=seed)))

    start = preset if file_qualities is None else with_last_jpeg(preset, file_qualities)
    knobs = build_knobs(is_last_jpeg_known=file_qualities is not None)
    found = Search(start, knobs, distance, budget=budget, on_evaluation=on_evaluation).run()
    check = _Check(yours.check, [_prepared(crop, sharpens) for crop in gt.check], scale=scale, seed=seed + 1)
    return Match(preset, found.settings, check.of(preset), check.of(found.settings), found.evaluations)


class _Check:
    """Compares settings on pictures and draws that the search has not seen."""

    def __init__(self, yours: Sequence[Pixels], gt: Sequence[Tensor], *, scale: int, seed: int) -> None:
        self._target, self._gt, self._scale, self._seed = measure_pictures(yours), gt, scale, seed

    def of(self, settings: DegradationSettings) -> tuple[Comparison, ...]:
        return compare(self._target, measure_synthetic(self._gt, settings, scale=self._scale, seed=self._seed))


def _prepared(crop: Pixels, sharpens: bool) -> Tensor:
    with torch.no_grad():
        return usm_sharpen(to_tensor(crop)[None])[0] if sharpens else to_tensor(crop)
