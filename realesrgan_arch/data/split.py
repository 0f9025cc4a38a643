"""Split a folder of photographs by scene: pictures of one building never lie on both sides of the line.

The scene of an image is the folder that directly holds it, relative to the root (`villa/north/1.jpg` -> `villa/north`);
an image directly in the root is a scene of its own. Scenes that hold the same bytes are kept together.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from realesrgan_arch.data.files import DataError, list_images
from realesrgan_arch.data.manifest import ManifestRow, SplitName
from realesrgan_arch.image_header import ImageError, parse_header, shown

_MAX_THREADS = 8


@dataclass(frozen=True)
class ScannedImage:
    """Facts of one readable image; fields as in `ManifestRow`."""

    path: str
    scene: str
    width: int
    height: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class LeftOut:
    """An image file that cannot be used, and one sentence why."""

    path: str
    reason: str


@dataclass(frozen=True)
class FolderScan:
    """What a folder holds."""

    images: tuple[ScannedImage, ...]
    left_out: tuple[LeftOut, ...]


def split_by_folder(root: Path, *, seed: int, val_share: float, test_share: float) -> list[ManifestRow]:
    """Scan `root` and assign whole scenes: `scan_folder`, then `assign_splits`.

    Raises:
        DataError: folder missing, no readable image, shares out of range, or fewer scenes than splits.
    """
    return assign_splits(scan_folder(root).images, seed=seed, val_share=val_share, test_share=test_share)


def scan_folder(root: Path) -> FolderScan:
    """Read every image file below `root` once: hash, size from the header, completeness. Nothing is decoded.

    Unreadable files are listed in the result and do not stop the scan.

    Raises:
        DataError: folder missing, or no readable image in it.
    """
    files = list_images(root)
    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda file: _scan_image(file, root), files)
        results = list(tqdm(found, total=len(files), desc="reading images", unit="image", disable=None))
    images = tuple(result for result in results if isinstance(result, ScannedImage))
    left_out = tuple(result for result in results if isinstance(result, LeftOut))
    if not images:
        raise DataError(f"None of the {len(left_out)} images in {shown(root)} can be read; first: {left_out[0].reason}")
    return FolderScan(images, left_out)


def assign_splits(
    images: Iterable[ScannedImage], *, seed: int, val_share: float, test_share: float
) -> list[ManifestRow]:
    """Give every image a split, whole scenes at a time; rows are sorted by path.

    Shares (0 <= share, together < 1) are of images and are met as nearly as whole scenes allow; a share above zero
    gets at least one scene. The order of the images does not matter.

    Raises:
        DataError: shares out of range, or fewer scenes than splits.
    """
    if min(val_share, test_share) < 0 or val_share + test_share >= 1:
        raise DataError(f"Expected shares >= 0 that leave some for training, got val {val_share}, test {test_share}.")
    ordered = sorted(images, key=lambda image: image.path)
    groups = sorted(_groups(ordered), key=lambda group: _drawn_rank(group, seed))
    needed = 1 + (val_share > 0) + (test_share > 0)
    if len(groups) < needed:
        raise DataError(
            f"Expected at least {needed} scenes (sub-folders with images) to split, got {len(groups)}; "
            "add sub-folders, or set the share of val or test to 0."
        )
    val_count, test_count = round(val_share * len(ordered)), round(test_share * len(ordered))
    split_by_scene: dict[str, SplitName] = {}
    if val_share > 0:
        split_by_scene.update(_take(groups, "val", wanted=val_count, keep=needed - 1))
    if test_share > 0:
        split_by_scene.update(_take(groups, "test", wanted=test_count, keep=1))
    return [_row(image, split_by_scene.get(image.scene, "train")) for image in ordered]


def scene_of(relative_path: PurePosixPath) -> str:
    """Return the scene of an image below the root: its folder, or its own name when it lies directly in the root."""
    parent = relative_path.parent
    return relative_path.name if parent == PurePosixPath(".") else parent.as_posix()


def _scan_image(file: Path, root: Path) -> ScannedImage | LeftOut:
    relative = PurePosixPath(file.relative_to(root).as_posix())
    try:
        data = file.read_bytes()
        width, height = parse_header(data, file).size
    except ImageError as error:
        return LeftOut(str(relative), str(error))
    except OSError as error:
        return LeftOut(str(relative), f"{shown(file)} cannot be read: {error.strerror}.")
    digest = hashlib.sha256(data).hexdigest()
    return ScannedImage(str(relative), scene_of(relative), width, height, len(data), digest)


@dataclass(frozen=True)
class _Group:
    """Scenes that must stay together, and how many images they have."""

    scenes: tuple[str, ...]
    num_images: int


def _groups(images: Sequence[ScannedImage]) -> Iterator[_Group]:
    """Scenes joined where they share an identical file (union-find over scene names)."""
    parent: dict[str, str] = {}

    def root_of(scene: str) -> str:
        while parent.setdefault(scene, scene) != scene:
            scene = parent[scene]
        return scene

    first_scene: dict[str, str] = {}
    for image in images:
        first, second = sorted((root_of(first_scene.setdefault(image.sha256, image.scene)), root_of(image.scene)))
        parent[second] = first
    scenes: defaultdict[str, set[str]] = defaultdict(set)
    counts: defaultdict[str, int] = defaultdict(int)
    for image in images:
        scenes[root_of(image.scene)].add(image.scene)
        counts[root_of(image.scene)] += 1
    return (_Group(tuple(sorted(names)), counts[root]) for root, names in scenes.items())


def _drawn_rank(group: _Group, seed: int) -> str:
    """A rank that depends on the seed and the name only, so that no other scene can change it."""
    name = group.scenes[0].encode("utf-8", "surrogateescape")
    return hashlib.sha256(b"%d:%s" % (seed, name)).hexdigest()


def _take(groups: list[_Group], split: SplitName, *, wanted: int, keep: int) -> dict[str, SplitName]:
    """Move groups out of `groups` while that brings the count nearer to `wanted`, leaving at least `keep`."""
    taken: list[_Group] = []
    count = 0
    for group in tuple(groups):
        is_nearer = abs(count + group.num_images - wanted) < abs(count - wanted)
        if is_nearer and len(groups) > keep:
            groups.remove(group)
            taken.append(group)
            count += group.num_images
    if not taken:
        smallest = min(groups, key=lambda group: group.num_images)
        groups.remove(smallest)
        taken.append(smallest)
    return {scene: split for group in taken for scene in group.scenes}


def _row(image: ScannedImage, split: SplitName) -> ManifestRow:
    return ManifestRow(image.path, image.scene, split, image.width, image.height, image.bytes, image.sha256)
