"""What was fetched and how much of it there is: `.receipt.json` in a set's folder, so that a re-run does nothing."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from realesrgan_arch import __version__
from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sources.archive import is_junk
from realesrgan_arch.sources.table import Source

RECEIPT_NAME = ".receipt.json"


@dataclass(frozen=True)
class Amount:
    """How much lies at a path below the data set's folder; hidden files do not count."""

    path: str
    num_files: int
    num_bytes: int


Receipt = Mapping[str, tuple[Amount, ...]]
"""Part of the set -> what it became."""


_PARTS = TypeAdapter(dict[str, tuple[Amount, ...]])


def read_receipt(folder: Path) -> Receipt:
    """Return what the receipt says; nothing when there is none or it is damaged: the set is then fetched again."""
    try:
        return _PARTS.validate_python(json.loads((folder / RECEIPT_NAME).read_bytes())["parts"])
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def write_receipt(folder: Path, source: Source, receipt: Receipt) -> None:
    """Write the receipt, with the licence beside the numbers."""
    facts = {
        "source": source.name,
        "page": source.page,
        "licence": source.licence,
        "licence_url": source.licence_url,
        "citation": source.citation,
        "made_by": f"realesrgan-arch {__version__}",
        "parts": {part: [asdict(amount) for amount in amounts] for part, amounts in receipt.items()},
    }
    write_text(folder / RECEIPT_NAME, json.dumps(facts, indent=2) + "\n")


def measure(root: Path, path: str) -> Amount:
    """Count the files and bytes at `path` below `root`: from the folders' listings, without reading a file."""
    place = root / path
    if place.is_file():
        return Amount(path, 1, place.stat().st_size)
    sizes = list(_sizes(place)) if place.is_dir() else []
    return Amount(path, len(sizes), sum(sizes))


def is_present(root: Path, amounts: tuple[Amount, ...]) -> bool:
    """True when everything that a part became is still there, by number and size.

    Raises:
        DataError: more files than were unpacked, which repairing would have to overwrite or mix up.
    """
    found = [measure(root, amount.path) for amount in amounts]
    for now, then in zip(found, amounts, strict=True):
        if now.num_files > then.num_files:
            raise DataError(
                f"{shown(root / then.path)} holds {count_of(now.num_files, 'file')}, expected the "
                f"{then.num_files:,} of the set: move the others away and run the command again."
            )
    return bool(amounts) and tuple(found) == amounts


def _sizes(folder: Path) -> list[int]:
    sizes: list[int] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or is_junk(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                sizes += _sizes(Path(entry.path))
            else:
                sizes.append(entry.stat().st_size)
    return sizes
