"""Manifests: which images belong to which split, with size and hash, in CSV files that are small enough to commit."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Literal, cast, get_args

from realesrgan_arch import atomic
from realesrgan_arch.data.files import DataError, NumBytes, bytes_on_disk, some_names
from realesrgan_arch.image_header import shown

SplitName = Literal["train", "val", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True)
class ManifestRow:
    """One image. `path` is relative to the data root, with forward slashes; the size is that of the upright image."""

    path: str
    scene: str
    split: SplitName
    width: int
    height: int
    bytes: int
    sha256: str


COLUMNS = tuple(field.name for field in fields(ManifestRow))


def write_manifest(rows: Sequence[ManifestRow], csv_path: Path) -> None:
    """Write the rows, in their order, to a CSV file that is complete or absent.

    Raises:
        DataError: the folder cannot be made or written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    try:
        csv_path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(csv_path, text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise DataError(f"The manifest {shown(csv_path)} cannot be written: {error.strerror}.") from error


def read_manifest(csv_path: Path) -> list[ManifestRow]:
    """Return the rows of a manifest.

    Raises:
        DataError: missing, empty, other columns, or a line that does not fit; the line is named.
    """
    try:
        text = csv_path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"The manifest {shown(csv_path)} cannot be read: {error.strerror}.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise DataError(
            f"The manifest {shown(csv_path)} must have the columns {','.join(COLUMNS)}, "
            f"but its first line is '{','.join(reader.fieldnames or ())}'; make it again with `data split`."
        )
    rows = [_parse_row(row, f"{shown(csv_path)} line {number}") for number, row in enumerate(reader, start=2)]
    if not rows:
        raise DataError(f"The manifest {shown(csv_path)} lists no image; make it again with `data split`.")
    return rows


def write_split(rows: Iterable[ManifestRow], folder: Path) -> list[Path]:
    """Write `train.csv`, `val.csv` and `test.csv` (those that have rows) into `folder` and return their paths.

    A file that is left there for a split that is empty now is removed, so that the folder never mixes two splits.
    """
    rows = list(rows)
    written: list[Path] = []
    for split in SPLIT_NAMES:
        path, chosen = folder / f"{split}.csv", [row for row in rows if row.split == split]
        if chosen:
            write_manifest(chosen, path)
            written.append(path)
        else:
            path.unlink(missing_ok=True)
    return written


def manifest_paths(rows: Iterable[ManifestRow], root: Path) -> list[Path]:
    """Return the files of the rows below the data root."""
    return [root / row.path for row in rows]


def check_manifest(rows: Sequence[ManifestRow], root: Path, *, num_bytes: NumBytes = bytes_on_disk) -> None:
    """Check that the images are there with the recorded size, and that no split leaks.

    A leak is a scene, or the same bytes, in two splits. `num_bytes` tells the size of an image, None when it is absent.

    Raises:
        DataError: names the first three images or scenes, and how many more there are.
    """
    sizes = {row.path: num_bytes(root / row.path) for row in rows}
    _complain([row.path for row in rows if sizes[row.path] is None], f"are missing below {shown(root)}")
    changed = [row.path for row in rows if sizes[row.path] != row.bytes]
    _complain(changed, f"below {shown(root)} changed since the manifest was written")
    check_disjoint({(row.scene, row.split) for row in rows}, "scenes")
    check_disjoint({(row.sha256, row.split) for row in rows}, "identical images (SHA-256)")


def check_disjoint(key_and_split: Iterable[tuple[str, str]], what: str) -> None:
    """Check that no key is in two splits.

    Raises:
        DataError: names the first three with their splits, and how many more there are.
    """
    seen: dict[str, str] = {}
    leaks: list[str] = []
    for key, split in sorted(key_and_split):
        if seen.setdefault(key, split) != split:
            leaks.append(f"{key} ({seen[key]} and {split})")
    if leaks:
        raise DataError(f"{len(leaks)} {what} are in two splits: {some_names(leaks)}; run `data split` again.")


def _parse_row(row: dict[str, str], place: str) -> ManifestRow:
    if None in row or None in row.values():
        raise DataError(f"{place} must have {len(COLUMNS)} values.")
    if row["split"] not in SPLIT_NAMES:
        raise DataError(f"{place}: split must be one of {', '.join(SPLIT_NAMES)}, got '{row['split']}'.")
    relative = PurePosixPath(row["path"])
    if relative.is_absolute() or ".." in relative.parts:
        raise DataError(f"{place}: '{row['path']}' must be a path below the data root.")
    try:
        width, height, size = int(row["width"]), int(row["height"]), int(row["bytes"])
    except ValueError as error:
        raise DataError(f"{place}: width, height and bytes must be whole numbers.") from error
    split = cast(SplitName, row["split"])
    return ManifestRow(row["path"], row["scene"], split, width, height, size, row["sha256"])


def _complain(names: list[str], fault: str) -> None:
    if names:
        raise DataError(f"{len(names)} images of the manifest {fault}: {some_names(names)}; run `data split` again.")
