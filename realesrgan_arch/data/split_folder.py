"""A split on the disk: `data_split/<name>/` with a manifest for each part and a card that says how it was made."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from realesrgan_arch import atomic
from realesrgan_arch.data.damage import damaged
from realesrgan_arch.data.files import DataError, name_of
from realesrgan_arch.data.manifest import SPLIT_NAMES, ManifestRow, SplitName, read_manifest
from realesrgan_arch.image_header import shown

CARD = "split.json"


@dataclass(frozen=True)
class SplitCard:
    """How a split was made. `root` is the folder of the images as the user named it, relative to the working folder."""

    root: str
    by: str
    seed: int
    val: float
    test: float
    origin: str = ""
    """Of tiles: the root of the pictures that they were cut from. Scenes are compared by this."""
    near_distance: int | None = None
    """Scenes with pictures whose perceptual hashes differ in so few bits were joined; None: they were not compared."""
    keep: str = ""
    """The keep-list whose dropped images are left out."""
    scenes: str = ""
    """The table that names the scenes."""


@dataclass(frozen=True)
class SplitFolder:
    """A split that was read: `rows` by part; a part that is empty is absent."""

    folder: Path
    root: Path
    card: SplitCard
    rows: dict[SplitName, list[ManifestRow]]


def begin_anew(folder: Path) -> None:
    """Remove the card of an earlier split: until the new one is written, last of all, the folder is no split.

    Raises:
        DataError: it cannot be removed.
    """
    try:
        (folder / CARD).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{shown(folder / CARD)} cannot be replaced: {error.strerror}.") from error


def write_card(card: SplitCard, folder: Path) -> None:
    """Write `split.json` into `folder`.

    Raises:
        DataError: it cannot be written.
    """
    try:
        atomic.write_text(folder / CARD, json.dumps(asdict(card), indent=2) + "\n")
    except OSError as error:
        raise DataError(f"{shown(folder / CARD)} cannot be written: {error.strerror}.") from error


def read_card(folder: Path) -> SplitCard:
    """Read `split.json` of a folder of manifests.

    Raises:
        DataError: absent, or not what `write_card` writes.
    """
    path = folder / CARD
    try:
        return TypeAdapter(SplitCard).validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"Expected a folder that `data split` wrote, but {shown(path)} cannot be read: {error.strerror}."
        ) from error
    except ValidationError as error:
        raise damaged(path, error, "split") from error


def open_split(folder: Path, *, root: Path | None = None) -> SplitFolder:
    """Return the split in `folder`; `root` replaces the folder of the images that the card names.

    Raises:
        DataError: no such split, or a manifest that does not fit.
    """
    card = read_card(folder)
    rows: dict[SplitName, list[ManifestRow]] = {
        split: read_manifest(folder / f"{split}.csv") for split in SPLIT_NAMES if (folder / f"{split}.csv").is_file()
    }
    if not rows:
        raise DataError(f"{shown(folder)} holds no manifest; run `data split` again.")
    return SplitFolder(folder, root or Path(card.root), card, rows)


def check_same_root(folder: Path, root: Path) -> None:
    """Check that a split in `folder`, if there is one, is of the images in `root`.

    Raises:
        DataError: it is of another folder, or `split.json` is none of ours: it would be overwritten.
    """
    if not (folder / CARD).exists():
        return
    try:
        earlier = Path(read_card(folder).root)
    except DataError as error:
        raise DataError(
            f"{shown(folder / CARD)} is none that `data split` wrote and would be overwritten; move it away, or choose "
            "another --out."
        ) from error
    # A relative name means nothing in another working folder.
    is_elsewhere = not earlier.is_absolute() and not earlier.is_dir()
    same = earlier.name == name_of(root) if is_elsewhere else earlier.resolve() == root.resolve()
    if not same:
        raise DataError(
            f"{shown(folder)} holds the split of {shown(earlier)}, not of {shown(root)}; choose another --out."
        )


def read_parts(folder: Path) -> dict[str, SplitName]:
    """Return the part of each path of the manifests in `folder`; empty where there are none.

    Raises:
        DataError: a file stands in the place of a manifest and is none of ours: it would be overwritten.
    """
    parts: dict[str, SplitName] = {}
    for path in (folder / f"{split}.csv" for split in SPLIT_NAMES):
        if path.exists():
            try:
                parts |= {row.path: row.split for row in read_manifest(path)}
            except DataError as error:
                raise DataError(
                    f"{shown(path)} is no manifest and would be overwritten; move it away, or choose another --out."
                ) from error
    return parts
