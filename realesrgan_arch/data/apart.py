"""Training, validation and test are apart: what an option file names shares no scene, no image and no folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.data.files import DataError, read_meta_info, some_names
from realesrgan_arch.data.frozen_set import frozen_source
from realesrgan_arch.data.manifest import check_disjoint, read_manifest
from realesrgan_arch.data.split_folder import CARD, read_card
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.datasets import DatasetOptions, Datasets, TrainDataset, ValDataset
from realesrgan_arch.plural import count_of

_FREEZE_AGAIN = "freeze the set again, from a split that trains on nothing of it"


@dataclass(frozen=True)
class _Picture:
    path: str
    """Below the roots of its set."""
    scene: str
    sha256: str


@dataclass(frozen=True)
class _Set:
    """What a section of the options uses, where that is known by name."""

    use: str
    pictures: Sequence[_Picture]
    origin: Path | None
    """The folder that scenes are of, the same however it is spelled; None where the card's is not on this machine."""
    roots: tuple[Path, ...]
    """Folders that the pictures may lie below."""
    is_frozen: bool = False
    manifest: Path | None = None


def check_manifests_apart(datasets: Datasets) -> None:
    """Check that no scene of one root, and no image of the same bytes, is used in two of training, validation and test.

    Tiles count as scenes of the folder that they were cut from, frozen pairs as their sources; where that folder is not
    on this machine, scenes are compared by their names alone. Training on a whole folder must find no picture of a
    manifest or a frozen set below it. A manifest that is absent is left to whoever needs it: training does not need
    that of the test.

    Raises:
        DataError: one is, and the scores would flatter; or a manifest does not fit.
    """
    sections = datasets.validation_sets(), datasets.test_sets()
    held_out = [found for use, part in zip(("val", "test"), sections, strict=True) for found in _sets(use, part)]
    train = datasets.train
    in_training = list(_sets("train", {"train": train})) if train else []
    used = [*in_training, *held_out]
    _check_disjoint([one for one in used if not one.is_frozen], "run `data split` again")
    _check_disjoint(used, _FREEZE_AGAIN)
    if train is not None and train.manifest is None and train.dataroot_gt is not None:
        for one in held_out:
            _check_not_below(train, train.dataroot_gt, one)


def _sets(use: str, sections: Mapping[str, DatasetOptions]) -> Iterator[_Set]:
    """Yield the sections that name their pictures: by a manifest, or by a frozen set."""
    for section in sections.values():
        root = section.dataroot_gt
        if section.manifest is not None and section.manifest.is_file():
            rows = read_manifest(section.manifest)
            card = section.manifest.parent / CARD
            origin = read_card(card.parent).origin if card.is_file() else ""
            whole = _resolved(origin) if origin else root and root.resolve()
            roots = tuple(folder for folder in (root and root.resolve(), whole) if folder is not None)
            pictures = [_Picture(row.path, row.scene, row.sha256) for row in rows]
            yield _Set(use, pictures, whole, roots, manifest=section.manifest)
        if isinstance(section, ValDataset) and section.is_frozen and root is not None and root.is_dir():
            origin, pairs = frozen_source(root)
            whole = _resolved(origin)
            pictures = [_Picture(pair.source, pair.scene, pair.sha256) for pair in pairs]
            yield _Set(use, pictures, whole, () if whole is None else (whole,), is_frozen=True)


def _resolved(folder: str | Path) -> Path | None:
    """The folder that a card names, which is relative to where the card was made: None from another place."""
    return Path(folder).resolve() if Path(folder).is_dir() else None


def _check_disjoint(used: Sequence[_Set], remedy: str) -> None:
    homeless = {picture.scene for one in used if one.origin is None for picture in one.pictures}
    scenes = {
        (picture.scene if picture.scene in homeless else f"{picture.scene} in {one.origin}", one.use)
        for one in used
        for picture in one.pictures
    }
    check_disjoint(scenes, "scene", remedy=remedy)
    same_bytes = {(picture.sha256, one.use) for one in used for picture in one.pictures}
    check_disjoint(same_bytes, "identical image", remedy=remedy)


def _check_not_below(train: TrainDataset, root: Path, held_out: _Set) -> None:
    """Check that a folder or list that training uses has no picture of `held_out`."""
    here = root.resolve()
    listed = _listed(train, here)
    found = [
        picture.path
        for picture in held_out.pictures
        if any(
            place in listed if listed is not None else place.is_relative_to(here)
            for place in _places(picture, held_out, here)
        )
    ]
    if found:
        manifest = held_out.manifest.with_name("train.csv") if held_out.manifest else "data_split/NAME/train.csv"
        raise DataError(
            f"{len(found)} of {count_of(len(held_out.pictures), 'image')} of {held_out.use} lie in {shown(root)}, "
            f"which training uses too: {some_names([shown(Path(name)) for name in found])}; "
            f"set datasets.train.manifest: {shown(Path(manifest))}"
        )


def _places(picture: _Picture, held_out: _Set, train_root: Path) -> list[Path]:
    """Where the picture may lie; where its set's folder is not on this machine, its name in that of training counts."""
    places = [root / picture.path for root in held_out.roots]
    if held_out.origin is None and (train_root / picture.path).is_file():
        places.append(train_root / picture.path)
    return places


def _listed(train: TrainDataset, root: Path) -> set[Path] | None:
    """The images of a list (none where it is absent, which others say); None where training takes the whole folder."""
    if train.list_file is None:
        return None
    if not train.list_file.is_file():
        return set()
    return set(read_meta_info(train.list_file, root, num_bytes=lambda _: 0))
