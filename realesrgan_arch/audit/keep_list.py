"""The keep-list: one row for each file, yes or no, with the reasons; the user edits it and the edits stay."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.data.csv_table import Line, Table
from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown

KEEP_LIST = "keep.csv"
COLUMNS = ("keep", "path", "reasons", "decided")
ABSENT = "(absent)"
_EARLIER_COLUMNS = COLUMNS[:3]
_YOU, _AUDIT = "you", "audit"
_WORDS = {"yes": True, "no": False}


@dataclass(frozen=True)
class KeepRow:
    """One file. `path` is relative to the audited folder, with forward slashes.

    `reasons` are ids with a space between them; those that are only notes stand in brackets: `blurred (gray)`.
    """

    keep: bool
    path: str
    reasons: str = ""
    is_yours: bool = False
    """The column `decided`, which is `you` or `audit`: somebody decided, and the reasons of the day do not matter."""

    @property
    def is_edited(self) -> bool:
        """True when somebody decided by hand: marked so, or since it was written, so that the reasons say otherwise."""
        return self.is_yours or self.keep == _says_drop(self.reasons)

    @property
    def is_absent(self) -> bool:
        """True for a decision about a file that was not there in the last audit."""
        return self.reasons == ABSENT


@dataclass(frozen=True)
class KeepList:
    """A keep-list that was read: the paths to use, and why the others are left out."""

    kept: frozenset[str]
    dropped: Mapping[str, str]


def build_keep_row(path: str, *, drops: Iterable[str], notes: Iterable[str]) -> KeepRow:
    """Return the row of a file with these reasons: any of `drops` leaves it out, `notes` do not."""
    words = [*dict.fromkeys(drops), *(f"({note})" for note in dict.fromkeys(notes))]
    reasons = " ".join(words)
    return KeepRow(not _says_drop(reasons), path, reasons)


def read_keep_list(csv_path: Path) -> KeepList:
    """Return what the keep-list says.

    Raises:
        DataError: missing, empty, other columns, or a line that does not fit; the line is named.
    """
    rows = read_keep_rows(csv_path)
    return KeepList(
        kept=frozenset(row.path for row in rows if row.keep),
        dropped={row.path: row.reasons for row in rows if not row.keep},
    )


def read_keep_rows(csv_path: Path) -> list[KeepRow]:
    """Return the rows of a keep-list in their order.

    Raises:
        DataError: as `read_keep_list`.
    """
    table = Table(csv_path, "keep-list", "move it away and audit again")
    columns, lines = table.read()
    if columns not in (COLUMNS, _EARLIER_COLUMNS):
        raise DataError(
            f"{table.name} must have the columns {','.join(COLUMNS)}, but its first line is "
            f"'{shown(Path(','.join(columns)))}'; save it as CSV with commas, or {table.remedy}."
        )
    rows: dict[str, KeepRow] = {}
    for line in lines:
        row = _parse_row(line)
        if row.path in rows:
            line.refuse(f": '{shown(Path(row.path))}' stands there twice; keep one of the two lines.")
        rows[row.path] = row
    if not rows:
        raise DataError(f"{table.name} lists no file; {table.remedy}.")
    return list(rows.values())


def _parse_row(line: Line) -> KeepRow:
    word = line.values["keep"]
    keep = _WORDS.get(word.strip().casefold())
    if keep is None:
        line.refuse(f": keep must be yes or no, got '{shown(Path(word))}'.")
    decided = line.values.get("decided", _AUDIT).strip().casefold() or _AUDIT
    if decided not in (_YOU, _AUDIT):
        line.refuse(f": decided must be {_YOU} or {_AUDIT}, got '{shown(Path(decided))}'.")
    return KeepRow(keep, line.path_below("the audited folder"), line.values["reasons"], decided == _YOU)


def write_keep_list(rows: Sequence[KeepRow], csv_path: Path) -> list[KeepRow]:
    """Write the rows, in their order; what was decided by hand in the list that is there stays, whatever the reasons.

    Decisions about files that have no row stay too, at the end, as absent.

    Returns:
        The rows as written.

    Raises:
        DataError: the list that is there cannot be understood (it is left as it is).
        OSError: it cannot be written.
    """
    earlier = read_keep_rows(csv_path) if csv_path.exists() else []
    edits = {row.path: KeepRow(row.keep, row.path, ABSENT, is_yours=True) for row in earlier if row.is_edited}
    merged = [replace(edits.pop(row.path), reasons=row.reasons) if row.path in edits else row for row in rows]
    merged += edits.values()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # "\r\n" lets the writer quote names that hold either.
    writer.writerow(COLUMNS)
    writer.writerows(
        ("yes" if row.keep else "no", row.path, row.reasons, _YOU if row.is_yours else _AUDIT) for row in merged
    )
    atomic.write_bytes(csv_path, text.getvalue().encode("utf-8", "surrogateescape"))
    return merged


def _says_drop(reasons: str) -> bool:
    return any(not word.startswith("(") for word in reasons.split())
