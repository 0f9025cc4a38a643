"""A set of pictures that was chosen to score on: read one by one, with scenes and groups beside it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import overload

from torch import Tensor

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.scenes import folder_scene
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.image_header import printable, shown
from realesrgan_arch.images import ImageError, decode_rgb, read_bytes


class UnreadablePairError(DataError):
    """One pair that cannot be scored; the others can."""


def why_unreadable(path: Path) -> str:
    """Return the sentence that reading `path` once more ends with; a data set only keeps that it could not."""
    try:
        decode_rgb(read_bytes(path), path)
    except ImageError as error:
        return str(error)
    return f"{shown(path)} cannot be read."


class LazyPairs(Sequence[EvaluationPair]):
    """Pairs by number; each is read when it is asked for, and none is kept.

    Args:
        names: of the pairs, each of them once.
        read: the pair of a number under its name. ImageError and UnreadablePairError say that this one cannot be used.
        roots: folders of the files: a reason names files below the one root, or below the name of one of several.
    """

    def __init__(self, names: Sequence[str], read: Callable[[int], EvaluationPair], roots: Sequence[Path] = ()) -> None:
        self.names = tuple(names)
        self._read = read
        self._roots = tuple(roots)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> EvaluationPair: ...
    @overload
    def __getitem__(self, index: slice) -> list[EvaluationPair]: ...
    def __getitem__(self, index: int | slice) -> EvaluationPair | list[EvaluationPair]:
        """Return a pair, RGB float in [0, 1]; `gt` is (3, 0, 0) where there is no truth.

        Raises:
            UnreadablePairError: it cannot be used; the others may well be.
            DataError: the whole set cannot be used: a frozen picture that changed.
        """
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        try:
            return self._read(range(len(self))[index])
        except (ImageError, UnreadablePairError) as error:
            raise UnreadablePairError(self._below_roots(str(error))) from error

    def _below_roots(self, reason: str) -> str:
        """The reason stands in proofs, which are passed on: they tell no path of this machine."""
        for root in self._roots:
            kept = f"{shown(Path(root.absolute().name))}/" if len(self._roots) > 1 else ""
            reason = re.sub(rf"(?<![\w/]){re.escape(shown(root))}/", lambda _, kept=kept: kept, reason)
        return reason

    def __iter__(self) -> Iterator[EvaluationPair]:
        return (self[number] for number in range(len(self)))


@dataclass(frozen=True)
class Photograph:
    """The files behind a pair."""

    paths: tuple[Path, ...]
    """Of the photograph, or of the truth and the LQ."""
    sha256: str = ""
    """Of the photograph, where a list says it."""
    scene: str = ""
    """With the folder that it is of, see `scene_of`; empty where no list names it."""


@dataclass(frozen=True)
class DataChoice:
    """A set of pictures to score on."""

    title: str
    """As a person knows it: `houses/test`."""
    pairs: LazyPairs
    scenes: Mapping[str, str]
    """The scene of each pair by its name."""
    identity: str
    """A SHA-256 of all that decides the pixels: scores of two identities cannot be compared."""
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By kind (`folder`, `tags`), then by name of the pair; a kind with one group is not there."""
    set_hash: str = ""
    """Eight digits of a frozen set; else empty."""
    has_truth: bool = True
    made: str = ""
    """How the LQ came about, for people: `preset full, seed 0`."""
    notes: tuple[str, ...] = ()
    """What was asked for and has no effect, or changes what the scores are worth."""
    photographs: Mapping[str, Photograph] = field(default_factory=dict)
    """By name of the pair."""
    walked: tuple[Path, ...] = ()
    """Folders all of whose pictures were taken: one that is written there belongs to the set the next time."""


def build_choice(
    title: str,
    names: Sequence[str],
    read: Callable[[int], EvaluationPair],
    identity: str,
    *,
    scenes: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    folders: Sequence[str] | None = None,
    roots: Sequence[Path] = (),
    set_hash: str = "",
    has_truth: bool = True,
    made: str = "",
    notes: Sequence[str] = (),
    photographs: Sequence[Photograph] = (),
    walked: Sequence[Path] = (),
) -> DataChoice:
    """Return a set; what is said of the pairs stands in the order of `names`.

    Args:
        names: of the pairs, with forward slashes: without `scenes`, the folder of a picture is its scene.
        read: see `LazyPairs`.
        identity: see `DataChoice`, as are the title and what has a default.
        scenes: of the pairs.
        tags: of the pairs; empty where there is none.
        folders: the outermost folder of each pair, where its name does not say it.
        roots: see `LazyPairs`.
        photographs: the files of the pairs.
        walked: see `DataChoice`.
    """
    kinds = {"folder": folders or [top_folder(name) for name in names], "tags": tags or []}
    grouped = {kind: dict(zip(names, of, strict=True)) for kind, of in kinds.items() if of and len({*of} - {""}) > 1}
    return DataChoice(
        title=printable(title),
        pairs=LazyPairs(names, read, roots),
        scenes=dict(zip(names, scenes or map(folder_scene, names), strict=True)),
        identity=identity,
        groups={kind: {name: printable(group) for name, group in of.items() if group} for kind, of in grouped.items()},
        set_hash=set_hash,
        has_truth=has_truth,
        made=made,
        notes=tuple(map(printable, notes)),
        photographs=dict(zip(names, photographs, strict=True)) if photographs else {},
        walked=tuple(walked),
    )


def scene_of(scene: str, root: Path) -> str:
    """Return the name of a scene together with that of the folder that it is of: the same name elsewhere is another."""
    return f"{scene} in {root.resolve()}"


def pair_of(name: str, lq: Tensor, gt: Tensor) -> EvaluationPair:
    """Return the pair of uint8 pictures (3, H, W)."""
    return EvaluationPair(name, lq.float() / 255, gt.float() / 255)


def name_below(path: Path, root: Path) -> str:
    """Return the name of a file of a folder: with forward slashes."""
    return path.relative_to(root).as_posix()


def top_folder(name: str) -> str:
    """Return the outermost folder of a name with forward slashes; empty where it has none."""
    parts = PurePosixPath(name).parts
    return parts[0] if len(parts) > 1 else ""


def file_stamp(path: Path, root: Path) -> tuple[str, int, int]:
    """What tells a file of a folder from a later one of the same name there, without reading it.

    Of a file that lies elsewhere the name alone counts: a set stays the same however its folder is written.
    """
    facts = path.stat()
    name = name_below(path, root) if path.is_relative_to(root) else path.name
    return name, facts.st_size, facts.st_mtime_ns
