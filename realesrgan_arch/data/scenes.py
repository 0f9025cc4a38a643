"""What makes a scene: the folder, the title, the look of a picture, or a table; and which scenes belong together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from realesrgan_arch.data.csv_table import Table
from realesrgan_arch.data.files import DataError, some_names
from realesrgan_arch.data.scan import ScannedImage
from realesrgan_arch.data.stems import stem_of
from realesrgan_arch.image_header import shown
from realesrgan_arch.perceptual_hash import find_near, hamming
from realesrgan_arch.plural import count_of

SceneRule = Literal["folder", "stem", "cluster", "csv"]
_NUM_DIGITS = 12


class Label(NamedTuple):
    """The scene of an image, and what else a table says about it."""

    scene: str
    tags: str = ""


class NearPair(NamedTuple):
    """Two images that look alike; their hashes differ in `distance` bits."""

    first: ScannedImage
    second: ScannedImage
    distance: int


@dataclass(frozen=True)
class Join:
    """Why two scenes are kept together: the same bytes (`distance` None), or hashes that differ in so many bits."""

    first: str
    second: str
    distance: int | None


@dataclass(frozen=True)
class SceneGroups:
    """`group_by_scene`: scenes with one group go to one part; a group has the name of its first scene."""

    group_by_scene: Mapping[str, str]
    joins: tuple[Join, ...]


def folder_scene(path: str) -> str:
    """Return the folder that directly holds an image; an image directly in the root is a scene of its own."""
    parent = PurePosixPath(path).parent
    return path if parent == PurePosixPath(".") else parent.as_posix()


def label_by_folder(paths: Iterable[str]) -> dict[str, Label]:
    """Take the folder as the scene: `villa/north/1.jpg` -> `villa/north`."""
    return {path: Label(folder_scene(path)) for path in paths}


def label_by_stem(paths: Iterable[str]) -> dict[str, Label]:
    """Take the title as the scene, wherever the file lies; files whose title says nothing go by their folder."""
    return {path: Label(stem_of(PurePosixPath(path).name) or folder_scene(path)) for path in paths}


def label_by_cluster(images: Sequence[ScannedImage], near: Iterable[NearPair]) -> dict[str, Label]:
    """Take pictures that look alike as one scene.

    It is named by the least SHA-256 of its pictures, `look-0123456789ab`: where they lie moves it to no other part.
    """
    sets = _DisjointSets()
    first_path: dict[str, str] = {}
    for image in images:
        sets.join(image.path, first_path.setdefault(image.sha256, image.path))
    for pair in near:
        sets.join(pair.first.path, pair.second.path)
    least: dict[str, str] = {}
    for image in images:
        first = sets.first_of(image.path)
        least[first] = min(least.get(first, image.sha256), image.sha256)
    return {image.path: Label(f"look-{least[sets.first_of(image.path)][:_NUM_DIGITS]}") for image in images}


def read_labels(csv_path: Path) -> dict[str, Label]:
    """Read a table with the columns `path` (below the root, with forward slashes), `scene` and optionally `tags`.

    Raises:
        DataError: it cannot be read, has other columns, an empty scene, or two lines for one path.
    """
    table = Table(csv_path, "table of scenes", "save it as CSV with commas")
    columns, lines = table.read()
    if not {"path", "scene"} <= set(columns):
        raise DataError(
            f"{table.name} must have the columns path,scene and optionally tags, "
            f"but its first line is '{shown(Path(','.join(columns)))}'."
        )
    labels: dict[str, Label] = {}
    for line in lines:
        path, scene = line.path_below("the folder of the images"), line.values["scene"]
        if not scene:
            line.refuse(f": '{shown(Path(path))}' needs a scene.")
        if path in labels:
            line.refuse(f": '{shown(Path(path))}' stands there twice.")
        labels[path] = Label(scene, line.values.get("tags", ""))
    return labels


def label_by_table(paths: Sequence[str], csv_path: Path) -> dict[str, Label]:
    """Take the scene that a table names; see `read_labels`.

    Raises:
        DataError: the table does not fit, or lacks an image.
    """
    labels = read_labels(csv_path)
    missing = [shown(Path(path)) for path in paths if path not in labels]
    if missing:
        raise DataError(
            f"{shown(csv_path)} has no line for {len(missing)} of {count_of(len(paths), 'image')}: "
            f"{some_names(missing)}; add them."
        )
    return {path: labels[path] for path in paths}


def near_pairs(images: Sequence[ScannedImage], *, max_distance: int) -> list[NearPair]:
    """Return images that look alike; of equal hashes each with the first only (`find_near`).

    Images without a hash, and those with too little detail for it to mean something, are not compared.
    """
    telling = [(image, image.look.bits) for image in images if image.look is not None and image.look.is_telling]
    found = find_near([bits for _, bits in telling], max_distance=max_distance)
    return [NearPair(telling[i][0], telling[j][0], hamming(telling[i][1], telling[j][1])) for i, j in found]


def join_scenes(images: Iterable[ScannedImage], labels: Mapping[str, Label], near: Iterable[NearPair]) -> SceneGroups:
    """Join scenes that hold the same bytes, or pictures that look alike (union-find over the scenes)."""
    sets = _DisjointSets()
    joins: list[Join] = []
    first_path: dict[str, str] = {}
    scenes = {label.scene for label in labels.values()}
    for image in sorted(images, key=lambda image: image.path):
        other = first_path.setdefault(image.sha256, image.path)
        if sets.join(labels[other].scene, labels[image.path].scene):
            joins.append(Join(other, image.path, None))
    for first, second, distance in near:
        if sets.join(labels[first.path].scene, labels[second.path].scene):
            joins.append(Join(first.path, second.path, distance))
    return SceneGroups({scene: sets.first_of(scene) for scene in sorted(scenes)}, tuple(joins))


class _DisjointSets:
    """Union-find; the least name of a set stands for it."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def first_of(self, name: str) -> str:
        above = self._above
        while above.setdefault(name, name) != name:
            above[name] = above.setdefault(above[name], above[name])
            name = above[name]
        return name

    def join(self, first: str, second: str) -> bool:
        """Join the sets of both names; return whether they were two."""
        low, high = sorted((self.first_of(first), self.first_of(second)))
        self._above[high] = low
        return low != high
