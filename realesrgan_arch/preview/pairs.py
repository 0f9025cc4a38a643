"""The pairs of the first steps of a run, made as the run makes them, without a network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.dataset import GtSample, PairedDataset, PairSample
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.sampler import StepSampler
from realesrgan_arch.degradation.plain import PlainRecipe, PlainSettings
from realesrgan_arch.degradation.recipe import Recipe
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import assemble_synthesis
from realesrgan_arch.training.steps import as_float

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Draw:
    """One low-quality picture `lq` (3, h, w) in [0, 1], and its recipe (place `slot` of it); None for paired files."""

    lq: Tensor
    recipe: Recipe | PlainRecipe | None


@dataclass(frozen=True)
class PreviewPair:
    """What place `slot` of the batch of `step` holds: `gt` (3, H, W) in [0, 1]; the first draw is the run's own."""

    step: int
    slot: int
    gt_path: str
    failed_path: str
    """The file that this picture stands in for because it cannot be read, else empty."""
    gt: Tensor
    draws: tuple[Draw, ...]
    rank: int | None = None
    """Whose batch, where several ranks train."""


def make_preview(
    options: Options, *, first_step: int, num_images: int, num_draws: int, rank: int = 0, world_size: int = 1
) -> Iterator[PreviewPair]:
    """Yield `num_images` pairs of the batches from `first_step` (1 or more) on, in the order of training.

    Of `world_size` ranks that train together, those are the pairs of one `rank`.

    The first draw of each is, byte for byte, the LQ that the run makes on a CPU before its pool exchanges pairs. The
    others are the same crop under the recipes of the steps that follow, at the place that the first recipe has chosen.

    Raises:
        DataError: no training data, or data that cannot be used.
    """
    section = options.datasets.train
    if section is None:
        raise DataError("Expected datasets.train in the option file, got none; there is nothing that training sees.")
    dataset = build_training_set(section, scale=options.scale, gt_size=options.crop_gt_size, seed=options.manual_seed)
    batch_size = section.batch_size_per_gpu
    num_steps = -(-num_images // batch_size)
    who = {"rank": rank, "world_size": world_size}
    sampler = StepSampler(len(dataset), batch_size, options.manual_seed, first_step, num_steps, **who)
    for requests in sampler:
        step = requests[0].step
        # The whole batch, though not all of it is shown: another batch size may round differently.
        if isinstance(dataset, PairedDataset):
            batch = _as_in_files([dataset[request] for request in requests], step)
        else:
            batch = _degrade([dataset[request] for request in requests], step, options, num_draws, rank)
        shown_rank = rank if world_size > 1 else None
        pairs = [replace(pair, rank=shown_rank) for pair in batch]
        yield from pairs[: num_images - (step - first_step) * batch_size]


def _as_in_files(samples: Sequence[PairSample], step: int) -> Iterator[PreviewPair]:
    for slot, sample in enumerate(samples):
        lq = as_float(sample["lq"], device=_CPU)
        yield _pair(sample, as_float(sample["gt"], device=_CPU), (Draw(lq, None),), step=step, slot=slot)


def _degrade(
    samples: Sequence[GtSample], step: int, options: Options, num_draws: int, rank: int
) -> Iterator[PreviewPair]:
    synthesis = assemble_synthesis(options)
    synthesis.rank = rank
    crops = as_float(torch.stack([sample["gt"] for sample in samples]), device=_CPU)
    if synthesis.settings == PlainSettings():
        num_draws = 1  # bicubic leaves nothing to chance
    recipes = [synthesis.draw(step=step + later, batch_size=len(samples)) for later in range(num_draws)]
    place = recipes[0]
    recipes = [replace(recipe, crop_top=place.crop_top, crop_left=place.crop_left) for recipe in recipes]
    made = [synthesis.apply(crops, recipe) for recipe in recipes]
    for slot, sample in enumerate(samples):
        draws = tuple(Draw(lq[slot], recipe) for (lq, _), recipe in zip(made, recipes, strict=True))
        yield _pair(sample, made[0][1][slot], draws, step=step, slot=slot)


def _pair(sample: GtSample, gt: Tensor, draws: tuple[Draw, ...], *, step: int, slot: int) -> PreviewPair:
    return PreviewPair(step, slot, sample["gt_path"], sample["failed_path"], gt, draws)
