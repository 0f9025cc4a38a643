"""Split a folder of photographs: pictures of one scene never lie on both sides of the line.

A group is what must stay together: the pictures of one scene, and scenes that hold the same bytes or pictures that look
alike (`scenes.py`). The hash of the seed and the group's name alone decides its part, so that files or groups that are
added move no other group. A group that becomes one with another may move, and so may a group that is borrowed: with
few groups, a part that would be empty takes the group whose hash lies nearest.

Shares are of groups, and hence of images, on average only: the share of n groups has the standard deviation
sqrt(share * (1 - share) / n), which is 0.15 % for 5 % of 20,000 groups and 2 % for 5 % of 120. For images it grows with
the unevenness of the groups: times sqrt(1 + c^2), where c is the standard deviation of their sizes over the mean.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch.audit.keep_list import KeepList
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import ManifestRow, SplitName
from realesrgan_arch.data.scan import FolderScan, ScannedImage, scan_folder
from realesrgan_arch.data.scenes import (
    Label,
    NearPair,
    SceneGroups,
    SceneRule,
    join_scenes,
    label_by_cluster,
    label_by_folder,
    label_by_stem,
    label_by_table,
    near_pairs,
)
from realesrgan_arch.perceptual_hash import NEAR_DISTANCE
from realesrgan_arch.plural import count_of

_WIDER_SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


@dataclass(frozen=True)
class SplitSettings:
    """How to split. `near_distance` is in bits of perceptual hashes; None joins no look-alikes and decodes nothing."""

    val_share: float
    test_share: float
    seed: int = 0
    by: SceneRule = "folder"
    table: Path | None = None
    """Of `by="csv"`: path, scene and tags of every image."""
    near_distance: int | None = NEAR_DISTANCE

    @property
    def judging_shares(self) -> dict[SplitName, float]:
        """The shares of the parts that models are judged on."""
        return {"val": self.val_share, "test": self.test_share}


@dataclass(frozen=True)
class Assignment:
    """The part of each group, and the groups that were borrowed for a part that would have been empty."""

    part_by_group: Mapping[str, SplitName]
    borrowed: Mapping[str, SplitName]


@dataclass(frozen=True)
class MadeSplit:
    """A split, rows sorted by path, and how it came about."""

    rows: tuple[ManifestRow, ...]
    scan: FolderScan
    groups: SceneGroups
    assignment: Assignment


def split_by_folder(root: Path, *, seed: int, val_share: float, test_share: float) -> list[ManifestRow]:
    """Return the rows of `make_split` with each sub-folder a scene and nothing decoded.

    Raises:
        DataError: as `make_split`.
    """
    settings = SplitSettings(val_share, test_share, seed, near_distance=None)
    return list(make_split(root, settings).rows)


def make_split(root: Path, settings: SplitSettings, *, keep: KeepList | None = None) -> MadeSplit:
    """Scan `root` and give every image that can be read, and that `keep` does not drop, a scene and a part.

    Raises:
        DataError: folder missing, no readable image, settings out of range, too few groups, a table or keep-list that
            does not fit.
    """
    check_settings(settings)
    scan = scan_folder(root, with_looks=settings.near_distance is not None, keep=keep)
    near = [] if settings.near_distance is None else near_pairs(scan.images, max_distance=settings.near_distance)
    labels = _labels(scan.images, near, settings)
    groups = join_scenes(scan.images, labels, near)
    names = groups.group_by_scene.values()
    assignment = assign_groups(names, seed=settings.seed, val_share=settings.val_share, test_share=settings.test_share)
    rows = tuple(
        _row(image, label := labels[image.path], assignment.part_by_group[groups.group_by_scene[label.scene]])
        for image in sorted(scan.images, key=lambda image: image.path)
    )
    return MadeSplit(rows, scan, groups, assignment)


def proving_settings(made: MadeSplit, settings: SplitSettings, *, fewest: int) -> SplitSettings | None:
    """Return `settings` with shares that give validation and test `fewest` scenes each, and training half of all.

    The shares are the smallest in steps of 0.05, and no smaller than those of `settings`; a part whose share is 0 stays
    without. None where no shares do it with this seed.
    """
    for share in _WIDER_SHARES:
        val_share, test_share = (max(given, share) if given else 0.0 for given in settings.judging_shares.values())
        wider = replace(settings, val_share=val_share, test_share=test_share)
        if val_share + test_share < 1 and _is_enough(_count_scenes(made, wider), wider, fewest):
            return wider
    return None


def _count_scenes(made: MadeSplit, settings: SplitSettings) -> Counter[str]:
    groups = made.groups.group_by_scene.values()
    parts = assign_groups(groups, seed=settings.seed, val_share=settings.val_share, test_share=settings.test_share)
    return Counter(map(parts.part_by_group.__getitem__, groups))


def _is_enough(scenes: Counter[str], settings: SplitSettings, fewest: int) -> bool:
    are_proving = all(scenes[part] >= fewest for part, share in settings.judging_shares.items() if share)
    return are_proving and scenes["train"] >= scenes.total() / 2


def check_settings(settings: SplitSettings) -> None:
    """Check what does not need the images.

    Raises:
        DataError: shares that leave nothing for training, a table without `by="csv"` or the reverse, clusters without
            looks.
    """
    _check_shares(settings.val_share, settings.test_share)
    if (settings.by == "csv") != (settings.table is not None):
        raise DataError("Expected --by csv and --scenes FILE together: the table names the scene of every image.")
    if settings.by == "cluster" and settings.near_distance is None:
        raise DataError("Expected --by cluster without --no-near: clusters are made of pictures that look alike.")


def assign_groups(names: Iterable[str], *, seed: int, val_share: float, test_share: float) -> Assignment:
    """Give every group a part: test, val or train by where its hash lies in [0, 1).

    A part with a share above zero gets at least one group. The order of the names, and how often one comes, does not
    matter.

    Raises:
        DataError: shares out of range, or fewer groups than parts.
    """
    _check_shares(val_share, test_share)
    place = {name: _place(name, seed) for name in sorted(set(names))}
    ranges: dict[SplitName, tuple[float, float]] = {
        "test": (0.0, test_share),
        "val": (test_share, test_share + val_share),
        "train": (test_share + val_share, 1.0),
    }
    wanted: list[SplitName] = [part for part, (low, high) in ranges.items() if low < high]
    if len(place) < len(wanted):
        raise DataError(
            f"Expected at least {count_of(len(wanted), 'group')} of scenes for {', '.join(wanted)}, got {len(place)}; "
            "split by another rule (--by folder, stem, cluster, csv), or set the share of val or test to 0."
        )
    # An empty range holds no place, so that a part without a share gets nothing.
    parts: dict[str, SplitName] = {
        name: next(part for part in wanted if place[name] < ranges[part][1]) for name in place
    }
    borrowed: dict[str, SplitName] = {}
    for part in wanted:
        if part not in parts.values():
            name = _nearest(place, _spare(parts), *ranges[part])
            parts[name] = borrowed[name] = part
    return Assignment(parts, borrowed)


def _check_shares(val_share: float, test_share: float) -> None:
    # Not `<`: that would let NaN pass.
    if not (val_share >= 0 and test_share >= 0 and val_share + test_share < 1):
        raise DataError(f"Expected shares >= 0 that leave some for training, got val {val_share}, test {test_share}.")


def _labels(images: Sequence[ScannedImage], near: Sequence[NearPair], settings: SplitSettings) -> dict[str, Label]:
    paths = [image.path for image in images]
    if settings.table is not None:
        return label_by_table(paths, settings.table)
    if settings.by == "cluster":
        return label_by_cluster(images, near)
    return label_by_stem(paths) if settings.by == "stem" else label_by_folder(paths)


def _place(name: str, seed: int) -> float:
    """A number in [0, 1) that depends on the seed and the name only, so that no other group can change it."""
    digest = hashlib.sha256(b"%d:%s" % (seed, name.encode("utf-8", "surrogateescape"))).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _spare(parts: Mapping[str, SplitName]) -> list[str]:
    """Groups of the parts that would not be empty without them."""
    held = list(parts.values())
    return [name for name, part in parts.items() if held.count(part) > 1]


def _nearest(place: Mapping[str, float], names: Iterable[str], low: float, high: float) -> str:
    """The name whose place is nearest to the range."""
    return min(names, key=lambda name: (max(low - place[name], place[name] - high), name))


def _row(image: ScannedImage, label: Label, part: SplitName) -> ManifestRow:
    return ManifestRow(image.path, label.scene, part, image.width, image.height, image.bytes, image.sha256, label.tags)
