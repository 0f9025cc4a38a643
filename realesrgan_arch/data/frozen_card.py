"""`frozen.json`: what a frozen set holds, how it was made, and one hash over all its pixels and recipes.

Hashes are of pixels, not of PNG files, whose bytes depend on the version of zlib. The pictures' names are in no hash.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from realesrgan_arch import atomic
from realesrgan_arch.data.damage import damaged
from realesrgan_arch.data.files import DataError, is_below_root
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import Pixels

CARD = "frozen.json"
FORMAT = 1
_SHORT = 8


@dataclass(frozen=True)
class FrozenPair:
    """One pair. Paths have forward slashes; `gt`, `lq` and `recipe` are files of the set, `source` is below `root`."""

    source: str
    scene: str
    tags: str
    sha256: str
    """Of the source file."""
    gt: str
    lq: str
    recipe: str
    gt_sha256: str
    lq_sha256: str
    recipe_sha256: str


@dataclass(frozen=True)
class FreezePlan:
    """What decides the pixels, but for the pictures themselves."""

    preset: str
    """Of `degradation.presets`, or the name in the option file whose ranges were taken."""
    settings: Mapping[str, Any]
    """`DegradationSettings` or `GatedSettings` as JSON has it."""
    seed: int
    scale: int
    per_image: int
    max_size: int | None
    """Larger pictures are cut to their middle of this side."""


@dataclass(frozen=True)
class FrozenCard:
    """A whole set. `root` is the folder of the sources as the split names it (of tiles: of what they were cut from)."""

    plan: FreezePlan
    root: str
    part: str
    pairs: tuple[FrozenPair, ...]

    @property
    def hash(self) -> str:
        """SHA-256 over the hashes of the pairs' GT, LQ and recipe, in order."""
        lines = (f"{pair.gt_sha256} {pair.lq_sha256} {pair.recipe_sha256}\n" for pair in self.pairs)
        return hashlib.sha256("".join([f"frozen {FORMAT}\n", *lines]).encode()).hexdigest()

    @property
    def short_hash(self) -> str:
        """The first eight digits, which stand beside scores."""
        return self.hash[:_SHORT]


def hash_pixels(pixels: Pixels) -> str:
    """Return the SHA-256 of uint8 RGB pixels (H, W, 3) and their size."""
    height, width, channels = pixels.shape
    digest = hashlib.sha256(f"{height} x {width} x {channels}\n".encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()


def hash_json(values: object) -> str:
    """Return the SHA-256 of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        DataError: absent or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise damaged(path, error, "freeze") from error


def write_json(path: Path, values: object) -> None:
    """Write `values`, complete or not at all.

    Raises:
        DataError: it cannot be written.
    """
    try:
        # Names that are not UTF-8 are lone surrogates, which only JSON's own escapes can hold.
        atomic.write_text(path, json.dumps(values, indent=1) + "\n")
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be written: {error.strerror}.") from error


def write_card(card: FrozenCard, folder: Path) -> None:
    """Write `frozen.json`; only now the folder is a set.

    Raises:
        DataError: it cannot be written.
    """
    write_json(folder / CARD, {"format": FORMAT, "hash": card.hash, **asdict(card)})


def read_recipe(path: Path) -> tuple[FrozenPair, Any]:
    """Return what the recipe file of a pair says: the pair, and the recipe as plain values.

    Raises:
        DataError: absent or damaged.
    """
    record = read_json(path)
    try:
        return FrozenPair(**record["pair"]), record["recipe"]
    except (KeyError, TypeError) as error:
        raise damaged(path, error, "freeze") from error


def read_card(folder: Path) -> FrozenCard:
    """Read `frozen.json`.

    Raises:
        DataError: absent, damaged, of a later version, or changed by hand.
    """
    path = folder / CARD
    if not path.is_file():
        raise DataError(
            f"Expected a set that `data freeze` made, but {shown(folder)} holds no {CARD}; name the folder of one "
            "part, such as frozen/photos-full/val, or run `data freeze` again where it was stopped."
        )
    values = read_json(path)
    try:
        if values["format"] != FORMAT:
            raise DataError(f"{shown(path)} has format {values['format']}, but {FORMAT} is read here; freeze it again.")
        card, given_hash = TypeAdapter(FrozenCard).validate_python(values), values["hash"]
    except (KeyError, TypeError, ValidationError) as error:
        raise damaged(path, error, "freeze") from error
    _check_inside(card.pairs, path)
    if card.hash != given_hash:
        raise DataError(f"{shown(path)} was changed: its pairs do not have its hash; freeze the set again.")
    return card


def _check_inside(pairs: Iterable[FrozenPair], path: Path) -> None:
    for pair in pairs:
        for name in (pair.gt, pair.lq, pair.recipe):
            if not is_below_root(name):
                raise DataError(
                    f"{shown(path)} names '{shown(Path(name))}', which lies outside of the set; freeze it again."
                )
