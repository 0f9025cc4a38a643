"""Which pictures a report shows: the worst, the best and some at random, at their busiest place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.composite import composite_of
from realesrgan_arch.evaluation.contender import BASE, BICUBIC, MODEL, TUNED, Contender
from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH, METRICS, Better, ImageScore
from realesrgan_arch.evaluation.paired import paired_differences
from realesrgan_arch.evaluation.panels import crop_busiest
from realesrgan_arch.evaluation.proof import ShownPicture, Why
from realesrgan_arch.images import from_tensor, write_image
from realesrgan_arch.seeding import Stream, numpy_generator

SHOWN_OF_EACH = 5
CROP_SIZE = 384
PICTURES = "pictures"
LQ = "lq"
_SHOWN_FILE = re.compile(r"(worst|best|random)_\d\d_[a-z0-9.-]+\.png")
SHOWN_METHODS = (BICUBIC, BASE, TUNED, MODEL)
"""Controls have rows in the table, and no pictures."""


@dataclass(frozen=True)
class Chosen:
    """A picture that is shown, and why."""

    name: str
    why: Why
    composite: float


def picture_composites(scores: Sequence[ImageScore], against: Sequence[ImageScore]) -> dict[str, float]:
    """Return the composite of each picture that both methods have, in steps; NaN where it is not defined."""
    better: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}
    return {name: composite_of(row, better) for name, row in paired_differences(scores, against).items()}


def choose_shown(composites: Mapping[str, float], *, seed: int, most: int = SHOWN_OF_EACH) -> list[Chosen]:
    """Return the worst, the best and some others at random, no picture twice.

    Of few pictures each kind gets a third.

    Args:
        composites: by picture; one that is NaN can be chosen at random only.
        seed: of the random ones.
        most: of each kind.
    """
    ranked = sorted((name for name, value in composites.items() if value == value), key=lambda name: composites[name])
    number = min(most, -(-len(ranked) // 3))
    worst = ranked[:number]
    best = ranked[::-1][: min(number, len(ranked) - number)]
    others = [name for name in composites if name not in {*worst, *best}]
    order = numpy_generator(seed, Stream.SHOWN_PICTURES).permutation(len(others))
    drawn = [others[index] for index in order[:most]]
    kinds: list[tuple[Why, list[str]]] = [("worst", worst), ("best", best), ("random", drawn)]
    return [Chosen(name, why, composites[name]) for why, names in kinds for name in names]


def write_shown(
    chosen: Sequence[Chosen], choice: DataChoice, contenders: Sequence[Contender], folder: Path
) -> list[ShownPicture]:
    """Make the chosen pictures again and write their busiest place, at most 384 pixels a side, as PNG.

    Args:
        chosen: of `choose_shown`.
        choice: the set.
        contenders: whose pictures are shown, beside LQ and the truth.
        folder: of the proof; files go into `pictures/`.

    Raises:
        ImageError: a file cannot be written.
        DataError: a picture cannot be read any more.
    """
    numbers = {name: number for number, name in enumerate(choice.pairs.names)}
    shown: list[ShownPicture] = []
    for index, one in enumerate(chosen):
        crops = _crops(choice, numbers[one.name], contenders)
        stem = f"{one.why}_{index + 1:02d}"
        files = {method: f"{PICTURES}/{stem}_{_slug(method)}.png" for method in crops}
        for method, crop in crops.items():
            write_image(folder / files[method], from_tensor(crop))
        scene = choice.scenes.get(one.name, one.name)
        shown.append(ShownPicture(one.name, scene, one.why, one.composite, files))
    return shown


def remove_shown(folder: Path) -> None:
    """Remove what `write_shown` has written below `folder`, and nothing else.

    Raises:
        OSError: a file cannot be removed.
    """
    for path in (folder / PICTURES).glob("*.png"):
        if _SHOWN_FILE.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _crops(choice: DataChoice, number: int, contenders: Sequence[Contender]) -> dict[str, Tensor]:
    pair = choice.pairs[number]
    outputs = {one.facts.name: one.upscale(pair.lq).cpu() for one in contenders}
    whole = outputs | ({GROUND_TRUTH: pair.gt} if choice.has_truth else {})
    guide = next(reversed(whole.values()))
    scale = guide.shape[1] // pair.lq.shape[1]
    size = CROP_SIZE // scale
    top, left = (place // scale for place in crop_busiest(guide, size * scale))
    crops = {LQ: pair.lq[:, top : top + size, left : left + size]}
    rows, columns = (slice(place * scale, (place + size) * scale) for place in (top, left))
    return crops | {name: image[:, rows, columns] for name, image in whole.items()}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
