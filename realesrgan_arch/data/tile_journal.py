"""What a run of tiles has done so far: settings in `tiles.json`, and a line in `journal.jsonl` for each picture."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.data.files import DataError, bytes_on_disk, list_folder, some_names
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

CARD = "tiles.json"
JOURNAL = "journal.jsonl"
PICTURES = "pictures_sha256"
"""Key of the card that no card of another program has."""
PARTIAL = ".*.partial"
"""What atomic writes of a killed run leave."""


def claim_folder(out: Path, card: Mapping[str, object], allowed: Set[str]) -> None:
    """Take `out` for a run with the settings of `card`: new, empty, or left by a run with the same.

    Args:
        out: the folder.
        card: the settings, as JSON has them.
        allowed: names of all tiles that the run may write.

    Raises:
        DataError: something else is in the folder, or it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()) and not _has_done_nothing(out):
            _check_earlier_run(out, card, allowed)
            _remove_partials(out, allowed)
        else:
            atomic.write_text(out / CARD, json.dumps(card, indent=2) + "\n")
    except OSError as error:
        raise DataError(f"The folder {shown(out)} cannot be used: {error.strerror}; choose another --out.") from error


def read_journal(out: Path) -> dict[str, list[ManifestRow]]:
    """Return the pictures that are done, with all their tiles in place; a damaged or torn line does not count."""
    path = out / JOURNAL
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    done = dict(entry for line in lines[:-1] if (entry := _read_line(line)))
    return {
        picture: tiles
        for picture, tiles in done.items()
        if all(bytes_on_disk(out / tile.path) == tile.bytes for tile in tiles)
    }


def _read_line(line: bytes) -> tuple[str, list[ManifestRow]] | None:
    try:
        entry = json.loads(line)
        return entry["picture"], [ManifestRow(**tile) for tile in entry["tiles"]]
    except (ValueError, KeyError, TypeError):  # Zeros after a power cut: the picture is cut again.
        return None


def journal_line(picture: str, tiles: Sequence[ManifestRow]) -> str:
    """Return the line, with its end, that says that `picture` is done."""
    return json.dumps({"picture": picture, "tiles": [asdict(tile) for tile in tiles]}) + "\n"


def write_journal(out: Path, done: Mapping[str, Sequence[ManifestRow]]) -> None:
    """Write the journal anew, in the order of `done`."""
    atomic.write_text(out / JOURNAL, "".join(journal_line(picture, tiles) for picture, tiles in done.items()))


def _has_done_nothing(out: Path) -> bool:
    """Whether `out` holds the settings of a run that has made no tile, which other settings may replace."""
    card = _read_card(out)
    is_ours = isinstance(card, dict) and PICTURES in card
    return is_ours and {path.name for path in out.iterdir()} <= {CARD, JOURNAL} and not bytes_on_disk(out / JOURNAL)


def _remove_partials(out: Path, allowed: Set[str]) -> None:
    """Remove what atomic writes of a killed run have left beside our own tiles."""
    for folder in sorted({out, *((out / name).parent for name in allowed)}):
        for partial in folder.glob(PARTIAL):
            partial.unlink(missing_ok=True)


def _check_earlier_run(out: Path, card: Mapping[str, object], allowed: Set[str]) -> None:
    if _read_card(out) != card:
        raise DataError(
            f"Expected {shown(out)} to be empty or to hold tiles of the same split and settings, "
            "but it holds something else; choose another --out."
        )
    strangers = [path.relative_to(out).as_posix() for path in list_folder(out).images]
    strangers = [name for name in strangers if name not in allowed]
    if strangers:
        images = count_of(len(strangers), "image that is no tile", "images that are no tiles")
        raise DataError(
            f"{shown(out)} holds {images} of this split: "
            f"{shown(Path(some_names(strangers)))}; move them away, or choose another --out."
        )


def _read_card(out: Path) -> object:
    path = out / CARD
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except ValueError:  # Not written by us: nothing that could be gone on with.
        return None
