"""Manifests: which images belong to which split, with size and hash, in CSV files that are small enough to commit."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, cast, get_args

from realesrgan_arch import atomic
from realesrgan_arch.data.csv_table import Line, Table
from realesrgan_arch.data.files import DataError, some_names
from realesrgan_arch.data.image_source import Disk, ImageSource
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.seeding import Stream, numpy_generator

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
    tags: str = ""
    """What a table of scenes says besides, such as `interior`."""


COLUMNS = tuple(field.name for field in fields(ManifestRow) if field.name != "tags")
"""A manifest has a column `tags` besides when one of its rows has some."""
_NUM_HASHED = 32
_DISK = Disk()
_ALLOW = ", or set allow_changed: true in the section of the data set"


def write_manifest(rows: Sequence[ManifestRow], csv_path: Path) -> None:
    """Write the rows, in their order, to a CSV file that is complete or absent.

    Raises:
        DataError: the folder cannot be made or written.
    """
    columns = (*COLUMNS, "tags") if any(row.tags for row in rows) else COLUMNS
    lines = [_csv_line(columns), *(_csv_line([getattr(row, name) for name in columns]) for row in rows)]
    try:
        csv_path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(csv_path, "".join(lines).encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise DataError(f"The manifest {shown(csv_path)} cannot be written: {error.strerror}.") from error


def read_manifest(csv_path: Path) -> list[ManifestRow]:
    """Return the rows of a manifest.

    Raises:
        DataError: missing, empty, other columns, or a line that does not fit; the line is named.
    """
    table = Table(csv_path, "manifest", "make it again with `data split`")
    columns, lines = table.read()
    if columns not in (COLUMNS, (*COLUMNS, "tags")):
        raise DataError(
            f"{table.name} must have the columns {','.join(COLUMNS)} and perhaps tags, "
            f"but its first line is '{_printable(','.join(columns))}'; {table.remedy}."
        )
    rows = [_parse_row(line) for line in lines]
    if not rows:
        raise DataError(f"{table.name} lists no image; {table.remedy}.")
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


def check_manifest(
    rows: Sequence[ManifestRow],
    root: Path,
    *,
    allow_changed: bool = False,
    source: ImageSource = _DISK,
    remedy: str = _ALLOW,
) -> None:
    """Check that the images are there and what they were, and that no split leaks.

    All sizes are compared, and the SHA-256 of 32 files, one from each of 32 stretches of the list: a list in which a
    tenth of the files changed and kept their size passes once in thirty times. A leak is a scene, or the same bytes, in
    two splits.

    Args:
        rows: of one or several manifests.
        root: the folder that the paths are relative to.
        allow_changed: leave out the comparison of sizes and hashes.
        source: where the images are.
        remedy: what else mends changed files; "" where there is no section of a data set.

    Raises:
        DataError: names the first three images or scenes, and how many more there are.
    """
    sizes = [source.num_bytes(root / row.path) for row in rows]
    missing = [row.path for row, size in zip(rows, sizes, strict=True) if size is None]
    _complain(missing, f"missing below {shown(root)}", "")
    if not allow_changed:
        changed = [row.path for row, size in zip(rows, sizes, strict=True) if size != row.bytes]
        changed = changed or [row.path for row in _sample(rows) if _sha256(root / row.path, source) != row.sha256]
        _complain(
            changed,
            f"below {shown(root)} changed since the manifest was written",
            remedy,
        )
    check_disjoint({(row.scene, row.split) for row in rows}, "scene")
    check_disjoint({(row.sha256, row.split) for row in rows}, "identical image")


def check_disjoint(
    key_and_split: Iterable[tuple[str, str]], what: str, *, remedy: str = "run `data split` again"
) -> None:
    """Check that no key is in two splits; `remedy` ends the sentence.

    Raises:
        DataError: names the first three with their splits, and how many more there are.
    """
    seen: dict[str, str] = {}
    leaks: list[str] = []
    for key, split in sorted(key_and_split):
        if seen.setdefault(key, split) != split:
            leaks.append(f"{_printable(key)} ({seen[key]} and {split})")
    if leaks:
        raise DataError(
            f"{count_of(len(leaks), f'{what} is', f'{what}s are')} in two splits: {some_names(leaks)}; {remedy}."
        )


def _csv_line(values: Iterable[object]) -> str:
    text = io.StringIO(newline="")
    # Python 3.11 quotes a carriage return or line feed in a name only where it is part of the line's end.
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _parse_row(line: Line) -> ManifestRow:
    row = line.values
    if row["split"] not in SPLIT_NAMES:
        line.refuse(f": split must be one of {', '.join(SPLIT_NAMES)}, got '{_printable(row['split'])}'.")
    path = line.path_below("the data root")
    try:
        width, height, size = int(row["width"]), int(row["height"]), int(row["bytes"])
    except ValueError as error:
        raise DataError(f"{line.place}: width, height and bytes must be whole numbers.") from error
    split = cast(SplitName, row["split"])
    return ManifestRow(path, row["scene"], split, width, height, size, row["sha256"], row.get("tags", ""))


def _sample(rows: Sequence[ManifestRow]) -> list[ManifestRow]:
    """One row of each of `_NUM_HASHED` stretches, the same for the same number of rows."""
    if len(rows) <= _NUM_HASHED:
        return list(rows)
    edges = [index * len(rows) // _NUM_HASHED for index in range(_NUM_HASHED + 1)]
    generator = numpy_generator(0, Stream.MANIFEST_SAMPLE, len(rows))
    return [rows[int(generator.integers(low, high))] for low, high in zip(edges, edges[1:], strict=False)]


def _sha256(path: Path, source: ImageSource) -> str:
    try:
        return hashlib.sha256(source.read(path)).hexdigest()
    except ImageError as error:
        raise DataError(str(error)) from error


def _printable(text: str) -> str:
    return shown(Path(text))


def _complain(names: list[str], fault: str, remedy: str) -> None:
    if names:
        listed = some_names([_printable(name) for name in names])
        raise DataError(
            f"{count_of(len(names), 'image')} of the manifest {fault}: {listed}; run `data split` again{remedy}."
        )
