"""What a step of a run was made of, from its numbers alone: files, crops, recipes, and what the pool dealt out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.sampler import SampleRequest, StepSampler
from realesrgan_arch.data.turn import Place
from realesrgan_arch.degradation.pair_pool import PoolTrace
from realesrgan_arch.degradation.plain import PlainRecipe
from realesrgan_arch.degradation.recipe import Recipe
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.options.types import Options
from realesrgan_arch.preview.words import recipe_words
from realesrgan_arch.training.assembly import assemble_synthesis

Fact = str | int | float | bool | None | list["Fact"] | Mapping[str, "Fact"]


@dataclass(frozen=True)
class TracedPair:
    """A pair that a step trains on: made in `step` (often an earlier one) at `place` of the batch of `rank`."""

    step: int
    place: int
    rank: int = 0


class BatchRecords:
    """Tells what the batches of a rank of a run are made of, without making them.

    Args:
        options: of the run, with training data.
        rank: whose part of each batch.
        world_size: number of ranks of the run.

    Raises:
        DataError: no training data, or data that cannot be used.
    """

    def __init__(self, options: Options, *, rank: int = 0, world_size: int = 1) -> None:
        section = options.datasets.train
        if section is None:
            raise DataError("Expected datasets.train in the option file, got none; there is nothing to replay.")
        self._options = options
        self.batch_size = section.batch_size_per_gpu
        self._dataset = build_training_set(
            section, scale=options.scale, gt_size=options.crop_gt_size, seed=options.manual_seed
        )
        self._rank = rank
        self._world_size = world_size
        self._synthesis = None if options.is_paired else assemble_synthesis(options)
        self._trace: PoolTrace | None = None
        if self._synthesis is not None:
            self._synthesis.rank = rank
            if self._synthesis.pool is not None:
                told = {"batch_size": self.batch_size, "seed": options.manual_seed, "rank": rank}
                self._trace = PoolTrace(self._synthesis.pool.capacity, **told)

    def requests(self, step: int) -> list[SampleRequest]:
        """Return which images the batch of `step` takes."""
        told = {"rank": self._rank, "world_size": self._world_size}
        sampler = StepSampler(len(self._dataset), self.batch_size, self._options.manual_seed, step, 1, **told)
        return next(iter(sampler))

    def recipe(self, step: int) -> Recipe | PlainRecipe | None:
        """Return the recipe of the batch of `step`; None for paired files."""
        return self._synthesis.draw(step=step, batch_size=self.batch_size) if self._synthesis else None

    def describe(self, step: int, files: Sequence[str]) -> list[Fact]:
        """Return the samples that `step` made of the pictures `files`, one each, as plain facts."""
        recipe, requests = self.recipe(step), self.requests(step)
        return [self._sample(request, Path(file), recipe) for request, file in zip(requests, files, strict=True)]

    def trace(self, step: int) -> list[TracedPair]:
        """Return the pairs that `step` trains on; those of its own batch where no pool has dealt out others."""
        own = [(step, place) for place in range(self.batch_size)]
        return [TracedPair(*pair, self._rank) for pair in (self._trace.at(step) if self._trace else own)]

    def _sample(self, request: SampleRequest, path: Path, recipe: Recipe | PlainRecipe | None) -> Fact:
        slot = request.slot - self._rank * self.batch_size
        where: dict[str, Fact] = {"rank": self._rank, "place": slot + 1}
        facts = {**where, "file": shown(path), **self._place(request, path)}
        if recipe is not None:
            words = recipe_words(recipe, slot=slot)
            passes = {row.name: f"{row.first}; then {row.second}" for row in words.rows}
            facts["recipe"] = {**passes, "ending": words.ending}
            # Of the room that the pair has in the crop of the file, which is larger.
            facts["pair_starts_at_share"] = {"top": recipe.crop_top, "left": recipe.crop_left}
        return facts

    def _place(self, request: SampleRequest, path: Path) -> dict[str, Fact]:
        try:
            return place_facts(self._dataset.place_of(request, path))
        except ImageError as error:
            return {"crop": str(error)}


def place_facts(place: Place) -> dict[str, Fact]:
    """Return the crop in pixels of the upright picture, and the turns, as plain facts."""
    box, turn = place.box, place.turn
    names = {"left to right": turn.hflip, "top to bottom": turn.vflip, "rows and columns exchanged": turn.transpose}
    return {
        "crop": {"top": box.top, "left": box.left, "bottom": box.bottom, "right": box.right},
        "flips": [name for name, is_on in names.items() if is_on],
    }


def replay_command(step: int, run: Path) -> str:
    """Return the command that makes the batch of `step` again, with what the pool dealt out in its place."""
    return f"realesrgan-arch data replay {step} --run {shown(run)} --trained"
