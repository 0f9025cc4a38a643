"""What to score on, from what a person names: a part of a split, a frozen set, a folder of photographs, real pairs.

Pictures are read, and photographs degraded, when they are asked for: a set of thousands takes the memory of one pair.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from realesrgan_arch.data.assembly import spread
from realesrgan_arch.data.derived import read_source
from realesrgan_arch.data.files import DataError, check_folder, list_images, name_of
from realesrgan_arch.data.frozen_card import CARD as FROZEN_CARD
from realesrgan_arch.data.frozen_card import FrozenCard, FrozenPair, hash_json
from realesrgan_arch.data.frozen_lq import make_frozen_lq
from realesrgan_arch.data.frozen_set import FrozenPairs
from realesrgan_arch.data.manifest import SPLIT_NAMES, ManifestRow, SplitName, check_manifest
from realesrgan_arch.data.middle import cut_middle, to_planes
from realesrgan_arch.data.scenes import folder_scene
from realesrgan_arch.data.split_folder import CARD as SPLIT_CARD
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.degradation.presets import PRESETS, PresetName
from realesrgan_arch.evaluation.chosen_set import (
    DataChoice,
    Photograph,
    UnreadablePairError,
    build_choice,
    file_stamp,
    name_below,
    pair_of,
    scene_of,
    top_folder,
)
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import Pixels, read_rgb
from realesrgan_arch.plural import count_of

MAX_SIZE = 1024
"""Pixels of the truth: larger pictures are cut to their middle, as `data freeze` does."""


def open_data(
    text: str,
    *,
    preset: PresetName = "full",
    seed: int = 0,
    scale: int = 4,
    max_size: int | None = MAX_SIZE,
    max_images: int | None = None,
    root: Path | None = None,
) -> DataChoice:
    """Return the set that `text` names: nothing is decoded yet.

    The LQ of a picture is the one that `data freeze` makes of it with the same preset, seed, scale and `max_size`.

    Args:
        text: `data_split/x/test` (or `test.csv` there), a frozen set's folder of one part, or a folder of photographs.
        preset: of `degradation.presets`: how photographs are degraded. A frozen set has its own.
        seed: of the degradation.
        scale: GT side over LQ side.
        max_size: larger photographs are cut to their middle of this side; None keeps them whole. A frozen set is as it
            was frozen.
        max_images: takes so many evenly over the set.
        root: of the photographs of a split, instead of what its `split.json` says.

    Raises:
        DataError: there is no such set, or it does not fit: changed photographs, another scale.
    """
    place = Path(text)
    if (place / FROZEN_CARD).is_file():
        return _open_frozen(place, scale=scale, max_size=max_size, max_images=max_images)
    degrader = _Degrader(preset, seed, scale, max_size)
    split, part = place.parent, place.name.removesuffix(".csv")
    if part in SPLIT_NAMES and (split / SPLIT_CARD).is_file():
        return _open_part(split, cast(SplitName, part), degrader, max_images=max_images, root=root)
    _refuse_whole_sets(place)
    return _open_folder(place, degrader, max_images=max_images)


@dataclass(frozen=True)
class _Degrader:
    preset: PresetName
    seed: int
    scale: int
    max_size: int | None

    def __post_init__(self) -> None:
        if self.max_size is not None and self.max_size < self.scale:
            raise DataError(
                f"Expected a max size of at least the scale {self.scale}, got {self.max_size}; its LQ would be empty."
            )

    def pair(self, name: str, pixels: Pixels, path: Path) -> EvaluationPair:
        try:
            gt = cut_middle(pixels, path, scale=self.scale, max_size=self.max_size)
        except DataError as error:  # Too small; the sentence names the file.
            raise UnreadablePairError(str(error)) from error
        lq, _ = make_frozen_lq(gt, PRESETS[self.preset], seed=self.seed, scale=self.scale)
        return pair_of(name, to_planes(lq), to_planes(gt))

    def identity(self, pictures: Sequence[object]) -> str:
        settings = asdict(PRESETS[self.preset])
        return hash_json(["degraded", settings, self.seed, self.scale, self.max_size, *pictures])

    def in_words(self) -> str:
        cut = "whole" if self.max_size is None else f"at most {self.max_size} pixels a side"
        return f"degraded by preset {self.preset}, seed {self.seed}; {cut}"


def _open_frozen(folder: Path, *, scale: int, max_size: int | None, max_images: int | None) -> DataChoice:
    samples = FrozenPairs(folder, scale=scale)
    card = samples.card
    numbers = spread(list(range(len(samples))), max_images)
    pairs = [card.pairs[number] for number in numbers]
    names = _frozen_names(pairs)

    def read(number: int) -> EvaluationPair:
        sample = samples[numbers[number]]
        return pair_of(names[number], sample["lq"], sample["gt"])

    is_whole = len(pairs) == len(card.pairs)
    return build_choice(
        f"{name_of(folder.absolute().parent)}/{name_of(folder)}",
        names,
        read,
        card.hash if is_whole else hash_json(["of a frozen set", card.hash, *numbers]),
        scenes=[pair.scene for pair in pairs],
        tags=[pair.tags for pair in pairs],
        folders=[top_folder(pair.source) for pair in pairs],
        # A share of a set is another set.
        set_hash=card.short_hash if is_whole else "",
        made=f"frozen by preset {card.plan.preset}, seed {card.plan.seed}",
        notes=list(_frozen_notes(card, len(pairs), max_size)),
        photographs=frozen_photographs(card, pairs),
    )


def frozen_photographs(card: FrozenCard, pairs: Sequence[FrozenPair]) -> list[Photograph]:
    """Return the pictures that `pairs` of a frozen set were made of."""
    root = Path(card.root)
    return [Photograph((root / pair.source,), pair.sha256, scene_of(pair.scene, root)) for pair in pairs]


def _frozen_notes(card: FrozenCard, num_chosen: int, max_size: int | None) -> Iterator[str]:
    """What a frozen set makes of sizes and numbers; the default size was not asked for."""
    if max_size != MAX_SIZE:
        yield "a frozen set is scored whole; --max-size has no effect"
    if num_chosen < len(card.pairs):
        total = count_of(len(card.pairs), "picture")
        yield f"{num_chosen:,} of {total} of frozen {card.short_hash}: scores carry no hash"


def _frozen_names(pairs: Sequence[FrozenPair]) -> list[str]:
    """The picture that each was made of; with several LQ of one, the file of the LQ."""
    sources = [pair.source for pair in pairs]
    return sources if len(set(sources)) == len(sources) else [pair.lq.removeprefix("lq/") for pair in pairs]


def _open_part(
    folder: Path, part: SplitName, degrader: _Degrader, *, max_images: int | None, root: Path | None
) -> DataChoice:
    split = open_split(folder, root=root)
    if part not in split.rows:
        raise DataError(
            f"Expected the part {part} in {shown(folder)}, got only {', '.join(split.rows)}; run `data split` with a "
            "larger share for it."
        )
    check_folder(split.root)
    rows: list[ManifestRow] = spread(split.rows[part], max_images)
    check_manifest(rows, split.root, remedy="")
    names = [row.path for row in rows]
    origin = Path(split.card.origin or split.root)

    def read(number: int) -> EvaluationPair:
        row = rows[number]
        return degrader.pair(row.path, read_source(row, split.root), split.root / row.path)

    return build_choice(
        f"{name_of(folder)}/{part}",
        names,
        read,
        degrader.identity([row.sha256 for row in rows]),
        scenes=[row.scene for row in rows],
        tags=[row.tags for row in rows],
        roots=[split.root],
        made=degrader.in_words(),
        photographs=[Photograph((split.root / row.path,), row.sha256, scene_of(row.scene, origin)) for row in rows],
    )


def _open_folder(folder: Path, degrader: _Degrader, *, max_images: int | None) -> DataChoice:
    files = spread(list_images(folder), max_images)
    names = [name_below(path, folder) for path in files]

    def read(number: int) -> EvaluationPair:
        return degrader.pair(names[number], read_rgb(files[number]), files[number])

    identity = degrader.identity([file_stamp(path, folder) for path in files])
    # Of tiles that were cut from this folder, only the names of the scenes tell.
    scenes = [scene_of(folder_scene(name), folder) for name in names]
    photographs = [Photograph((path,), scene=scene) for path, scene in zip(files, scenes, strict=True)]
    made = degrader.in_words()
    return build_choice(
        name_of(folder), names, read, identity, roots=[folder], made=made, photographs=photographs, walked=[folder]
    )


def _refuse_whole_sets(place: Path) -> None:
    """A split or a set of frozen parts is named whole: say which parts there are."""
    is_split = (place / SPLIT_CARD).is_file()
    for part in SPLIT_NAMES:
        if (place / part / FROZEN_CARD).is_file() or (is_split and (place / f"{part}.csv").is_file()):
            raise DataError(f"Expected one part of {shown(place)}, got all of it; name {shown(place / part)}.")
