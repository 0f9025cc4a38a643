"""Make frozen pairs: every picture of a part is degraded once, in float64, by a recipe that its own pixels seed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from realesrgan_arch.data.derived import alone_in, check_apart, check_room, read_source
from realesrgan_arch.data.files import DataError, check_folder, some_names
from realesrgan_arch.data.frozen_card import (
    CARD,
    FreezePlan,
    FrozenCard,
    FrozenPair,
    hash_json,
    hash_pixels,
    read_card,
    read_json,
    read_recipe,
    write_card,
    write_json,
)
from realesrgan_arch.data.frozen_lq import make_frozen_lq
from realesrgan_arch.data.frozen_set import read_pair
from realesrgan_arch.data.manifest import ManifestRow, check_manifest
from realesrgan_arch.data.middle import cut_middle
from realesrgan_arch.data.tile_grid import free_name
from realesrgan_arch.degradation.settings import Degradation
from realesrgan_arch.errors import EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import ImageError, Pixels, write_image
from realesrgan_arch.plural import count_of

UNFINISHED = "unfinished.json"
"""Stands in the folder while the set is made; with other contents the folder is somebody else's."""


class UnreadablePicturesError(DataError):
    """Some pictures cannot be used, so there is no set; what could be made of the others is kept."""

    exit_code = EXIT_SOME_FILES_FAILED


@dataclass(frozen=True)
class _Picture:
    """A picture, and the name of its pairs, which differs from all others by more than case."""

    row: ManifestRow
    name: str


@dataclass(frozen=True)
class Freezer:
    """Makes the frozen set of one part of a split in `folder`, as `gt/`, `lq/`, `recipes/` and `frozen.json`.

    Every file is written whole, and `frozen.json` at the end: a run that was killed goes on where it stopped and ends
    with the same hash. The recipe of a picture depends on the seed and on the pixels of its GT only, so that neither
    its name nor the other pictures matter.
    """

    settings: Degradation
    plan: FreezePlan
    folder: Path
    root: Path
    """Of the pictures."""

    def freeze(
        self, rows: Sequence[ManifestRow], *, part: str, origin: str
    ) -> tuple[FrozenCard, Literal["made", "kept"]]:
        """Return the card of the set, and whether it was made or was there and is whole.

        Args:
            rows: of the manifest, at least one.
            part: of the split.
            origin: the folder by which scenes are compared, as the split's card names it.

        Raises:
            UnreadablePicturesError: names them.
            DataError: settings that make no LQ, pictures that changed or are too small, a folder that holds something
                else or lies among the pictures, another process in it, no room on the disk.
        """
        check_folder(self.root)
        check_apart(self.folder, self.root)
        self._check_sizes(rows)
        check_manifest(rows, self.root, remedy="")
        with alone_in(self.folder):
            is_made = (self.folder / CARD).exists()
            card = self._check_same(rows, part=part) if is_made else self._freeze_anew(rows, part, origin)
            (self.folder / UNFINISHED).unlink(missing_ok=True)
        return card, "kept" if is_made else "made"

    def _check_sizes(self, rows: Sequence[ManifestRow]) -> None:
        scale, most = self.plan.scale, self.plan.max_size
        if most is not None and most < scale:
            raise DataError(f"Expected a max size of at least the scale {scale}, got {most}; its LQ would be empty.")
        small = [f"{shown(Path(row.path))} ({row.width} x {row.height})" for row in rows if _side(row) < scale]
        if small:
            raise DataError(
                f"{len(small)} of {count_of(len(rows), 'picture')} are smaller than {scale} pixels: "
                f"{some_names(small)}; leave them out with `data audit` and `data split`."
            )

    def _freeze_anew(self, rows: Sequence[ManifestRow], part: str, origin: str) -> FrozenCard:
        pictures = _named(rows)
        self._begin(pictures)
        pairs = self._make_pairs(pictures)
        self._remove_others(pairs)
        card = FrozenCard(self.plan, origin, part, tuple(pairs))
        write_card(card, self.folder)
        return card

    def _begin(self, pictures: Sequence[_Picture]) -> None:
        """Claim the folder, or see that it is ours, and that the rest of the pairs will fit on the disk."""
        marker, plan = self.folder / UNFINISHED, asdict(self.plan)
        if marker.exists():
            if read_json(marker) != plan:
                raise DataError(
                    f"{shown(self.folder)} was begun with other settings; remove it, or name another folder with --out."
                )
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise DataError(f"{shown(self.folder)} holds something else; name an empty or new folder with --out.")
        check_room(
            self.folder,
            sum(self._most_bytes(picture.row) for picture in pictures if not self._is_begun(picture)),
            what="The set",
            advice="lower --max-size or --max-images",
        )
        write_json(marker, plan)

    def _check_same(self, rows: Sequence[ManifestRow], *, part: str) -> FrozenCard:
        """Return the card of a complete set after looking at all its pixels."""
        card = read_card(self.folder)
        wanted = [(row.path, row.sha256) for row in rows for _ in range(self.plan.per_image)]
        if card.plan != self.plan or card.part != part or [(p.source, p.sha256) for p in card.pairs] != wanted:
            raise DataError(
                f"{shown(self.folder)} is a set with other settings or pictures; a frozen set never changes, so name "
                "another folder with --out."
            )
        for pair in self._with_bar(card.pairs, "check"):
            read_pair(self.folder, pair)
        return card

    def _make_pairs(self, pictures: Sequence[_Picture]) -> list[FrozenPair]:
        pairs: list[FrozenPair] = []
        unreadable: list[str] = []
        for picture in self._with_bar(pictures, self.folder.name):
            try:
                pairs += self._kept(picture) or self._make(picture)
            except ImageError as error:
                unreadable.append(str(error))
        if unreadable:
            raise UnreadablePicturesError(
                f"{len(unreadable)} of {count_of(len(pictures), 'picture')} cannot be frozen, so the set is "
                f"not finished: {some_names(unreadable)} Leave them out with `data audit` and `data split`; what is "
                "done is kept."
            )
        return pairs

    def _make(self, picture: _Picture) -> list[FrozenPair]:
        """Write the pairs of one picture."""
        pixels = read_source(picture.row, self.root)
        path = self.root / picture.row.path
        gt = cut_middle(pixels, path, scale=self.plan.scale, max_size=self.plan.max_size)
        return [self._make_pair(picture, gt, number) for number in range(self.plan.per_image)]

    def _make_pair(self, picture: _Picture, gt: Pixels, number: int) -> FrozenPair:
        lq, recipe = make_frozen_lq(gt, self.settings, seed=self.plan.seed, scale=self.plan.scale, number=number)
        pair = FrozenPair(
            **_facts_of(picture.row),
            **self._names(picture, number),
            gt_sha256=hash_pixels(gt),
            lq_sha256=hash_pixels(lq),
            recipe_sha256=hash_json(recipe.to_dict()),
        )
        _write_png(self.folder / pair.gt, gt)
        _write_png(self.folder / pair.lq, lq)
        # Last, as it says that the two others are there. The seed is in the recipe.
        record = {"preset": self.plan.preset, "pair": asdict(pair), "recipe": recipe.to_dict()}
        write_json(self.folder / pair.recipe, record)
        return pair

    def _is_begun(self, picture: _Picture) -> bool:
        return (self.folder / self._names(picture, 0)["recipe"]).is_file()

    def _kept(self, picture: _Picture) -> list[FrozenPair] | None:
        """Return the pairs that an earlier run has made of a picture; None unless all are there and whole."""
        pairs = [self._kept_pair(picture.row, self._names(picture, n)) for n in range(self.plan.per_image)]
        whole = [pair for pair in pairs if pair is not None]
        return whole if len(whole) == len(pairs) else None

    def _kept_pair(self, row: ManifestRow, names: dict[str, str]) -> FrozenPair | None:
        try:
            pair, _ = read_recipe(self.folder / names["recipe"])
            read_pair(self.folder, pair)
        except DataError:  # Not made yet, or damaged or changed since; it is made again.
            return None
        return pair if pair == replace(pair, **_facts_of(row), **names) else None

    def _names(self, picture: _Picture, number: int) -> dict[str, str]:
        """Return the files of a pair."""
        stem = picture.name if self.plan.per_image == 1 else f"{picture.name}_r{number}"
        return {"gt": f"gt/{stem}.png", "lq": f"lq/{stem}.png", "recipe": f"recipes/{stem}.json"}

    def _remove_others(self, pairs: Sequence[FrozenPair]) -> None:
        """Remove the pairs of pictures that have left the split since an earlier run was stopped."""
        wanted = {self.folder / name for pair in pairs for name in (pair.gt, pair.lq, pair.recipe)}
        for kind in ("gt", "lq", "recipes"):
            for path in sorted((self.folder / kind).rglob("*")):
                if path.is_file() and path not in wanted:
                    path.unlink(missing_ok=True)

    def _most_bytes(self, row: ManifestRow) -> int:
        """Return how many bytes the pairs of a picture take when PNG saves nothing."""
        width, height = (min(side, self.plan.max_size or side) for side in (row.width, row.height))
        return int(3 * width * height * (1 + 1 / self.plan.scale**2)) * self.plan.per_image

    def _with_bar(self, items: Sequence[Any], text: str) -> Iterator[Any]:
        yield from tqdm(items, desc=text, unit="picture", disable=None)


def _named(rows: Sequence[ManifestRow]) -> list[_Picture]:
    """Name pictures by the whole path of their source; of two that differ in case alone the second gets a number."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for path in sorted(row.path for row in rows):
        names[path] = free_name(path, taken)
        taken.add(names[path].casefold())
    return [_Picture(row, names[row.path]) for row in rows]


def _side(row: ManifestRow) -> int:
    return min(row.width, row.height)


def _facts_of(row: ManifestRow) -> dict[str, str]:
    return {"source": row.path, "scene": row.scene, "tags": row.tags, "sha256": row.sha256}


def _write_png(path: Path, pixels: Pixels) -> None:
    try:
        write_image(path, pixels)
    except ImageError as error:
        raise DataError(f"{error} What is done is kept: mend this and run the same command again.") from error
