"""Leaks of a split: what training saw and the test sees too, under one name, in the same bytes or with the same look.

Four kinds of evidence, strongest first: `content` (the same bytes), `scene` (one scene in two parts), `near` (hashes of
the look that differ in a few bits), `stem` (titles that share what is not a counter, in two scenes).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.data.scan import LeftOut, ScannedImage, scan_files
from realesrgan_arch.data.scenes import near_pairs
from realesrgan_arch.data.split_folder import SplitFolder
from realesrgan_arch.data.stems import stem_of
from realesrgan_arch.image_header import shown
from realesrgan_arch.perceptual_hash import NEAR_DISTANCE

LeakKind = Literal["content", "scene", "near", "stem"]
LEAK_KINDS: tuple[LeakKind, ...] = get_args(LeakKind)
MAX_FOLDERS_OF_A_TITLE = 3
"""Files of one title in more folders than this have a category for a title (`brick buildings 07`), not a scene."""


@dataclass(frozen=True)
class Leak:
    """Two images in two parts that should be in one. `what` is the scene, the stem, or the start of the SHA-256."""

    kind: LeakKind
    first: ManifestRow
    second: ManifestRow
    what: str = ""
    distance: int | None = None
    """Bits in which the perceptual hashes differ, of `near`."""


@dataclass(frozen=True)
class LeakReport:
    """`leaks` by kind, files that are not what the manifests say, and titles that were taken for categories."""

    leaks: tuple[Leak, ...]
    changed: tuple[LeftOut, ...]
    categories: tuple[str, ...]


def find_leaks(
    split: SplitFolder,
    *,
    ignore: Collection[LeakKind] = (),
    quick: bool = False,
    near_distance: int = NEAR_DISTANCE,
) -> LeakReport:
    """Look for leaks between the parts of a split, and for files that changed since it was made.

    Args:
        split: the manifests and the folder of the images.
        ignore: kinds that are not looked for.
        quick: read no file: compare sizes only, take the recorded SHA-256, and look for nothing near.
        near_distance: hashes that differ in at most so many bits are near.
    """
    # A row counts for the file that it stands in, which is what training reads, whatever its own column says.
    rows = [replace(row, split=part) for part, listed in split.rows.items() for row in listed]
    if quick:
        images, changed = [], _other_sizes(rows, split.root)
    else:
        images, changed = _scan(rows, split.root, with_looks="near" not in ignore)
        digests = {image.path: image.sha256 for image in images}
        rows = [replace(row, sha256=digests.get(row.path, row.sha256)) for row in rows]
    categories, titled = _titles(rows)
    leaks = [
        *_shared(rows, "content", lambda row: row.sha256[:12]),
        *_shared(rows, "scene", lambda row: row.scene),
        *_near(rows, images, near_distance),
        *(leak for leak in _shared(titled, "stem", _stem) if leak.first.scene != leak.second.scene),
    ]
    return LeakReport(
        tuple(leak for leak in leaks if leak.kind not in ignore),
        tuple(changed),
        () if "stem" in ignore else categories,
    )


def _scan(rows: Sequence[ManifestRow], root: Path, *, with_looks: bool) -> tuple[list[ScannedImage], list[LeftOut]]:
    images, unreadable = scan_files([row.path for row in rows], root, with_looks=with_looks)
    digests = {row.path: row.sha256 for row in rows}
    changed = [
        LeftOut(image.path, f"{shown(root / image.path)} changed since the split was made.")
        for image in images
        if image.sha256 != digests[image.path]
    ]
    return images, [*unreadable, *changed]


def _other_sizes(rows: Iterable[ManifestRow], root: Path) -> list[LeftOut]:
    found: list[LeftOut] = []
    for row in rows:
        file = root / row.path
        if not file.is_file():
            found.append(LeftOut(row.path, f"{shown(file)} is missing."))
        elif file.stat().st_size != row.bytes:
            found.append(LeftOut(row.path, f"{shown(file)} changed since the split was made."))
    return found


def _shared(rows: Iterable[ManifestRow], kind: LeakKind, key: Callable[[ManifestRow], str]) -> Iterator[Leak]:
    """Yield one leak for each key that is in two parts, with the first image of each."""
    first_rows: defaultdict[str, dict[str, ManifestRow]] = defaultdict(dict)
    for row in rows:
        first_rows[key(row)].setdefault(row.split, row)
    for what, by_part in first_rows.items():
        first, *others = by_part.values()
        for second in others:
            yield Leak(kind, first, second, what)


def _near(rows: Iterable[ManifestRow], images: Sequence[ScannedImage], near_distance: int) -> Iterator[Leak]:
    row_by_path = {row.path: row for row in rows}
    for pair in near_pairs(images, max_distance=near_distance):
        first, second = row_by_path[pair.first.path], row_by_path[pair.second.path]
        if first.split != second.split and first.sha256 != second.sha256:
            yield Leak("near", first, second, distance=pair.distance)


def _titles(rows: Iterable[ManifestRow]) -> tuple[tuple[str, ...], list[ManifestRow]]:
    """Return the stems that are categories, and the rows whose stem is the title of a scene."""
    folders: defaultdict[str, set[PurePosixPath]] = defaultdict(set)
    rows = [row for row in rows if _stem(row)]
    for row in rows:
        folders[_stem(row)].add(PurePosixPath(row.path).parent)
    categories = {stem for stem, places in folders.items() if len(places) > MAX_FOLDERS_OF_A_TITLE}
    return tuple(sorted(categories)), [row for row in rows if _stem(row) not in categories]


def _stem(row: ManifestRow) -> str:
    return stem_of(PurePosixPath(row.path).name)
