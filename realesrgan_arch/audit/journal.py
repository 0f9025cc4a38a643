"""The journal of an audit: a line for each finished file, so that a killed audit goes on where it was.

It holds nothing that cannot be measured again: one of another folder or version is begun anew. Whose audit a folder
holds is the business of `claim.py`.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

from realesrgan_arch import __version__
from realesrgan_arch.audit.examine import Fault, Record
from realesrgan_arch.audit.line_art import SHIPPED_MODEL
from realesrgan_arch.audit.measure import Measurements
from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown
from realesrgan_arch.perceptual_hash import Fingerprint

JOURNAL = "journal.jsonl"
FORMAT = 2
"""To be raised when records or measurements change their meaning: older journals are begun anew then."""


def measures_version() -> str:
    """Return what changes by itself when the shipped weights or the names of the measurements do."""
    stated = repr((SHIPPED_MODEL, [field.name for field in fields(Measurements)]))
    return hashlib.sha256(stated.encode()).hexdigest()[:12]


class Journal:
    """The records that are there, and a place for more. Thumbnails stay in the file until they are asked for."""

    def __init__(self, file: BinaryIO, path: Path, root: Path) -> None:
        self._file = file
        self._path = path
        self._header = {
            "format": FORMAT, "measures": measures_version(), "tool": __version__, "root": root.as_posix(),
        }  # fmt: skip
        self.records: dict[str, Record] = {}
        self._places: dict[str, int] = {}
        end = self._read()
        file.truncate(end)
        file.seek(end)
        if end == 0:
            self._write(self._header)

    def add(self, record: Record) -> None:
        """Keep a record, on the disk too, unless it would not be true at the next try.

        Raises:
            DataError: the disk is full or fails; what is there already stays.
        """
        self.records[record.path] = replace(record, thumbnail="")
        if not record.is_lasting:
            return
        place = self._write(asdict(record))
        if record.thumbnail:
            self._places[record.path] = place

    def read_thumbnail(self, path: str) -> str:
        """Return the thumbnail of a record; empty when none was kept."""
        if path not in self._places:
            return ""
        with self._path.open("rb") as file:
            file.seek(self._places[path])
            return json.loads(file.readline())["thumbnail"]

    def _write(self, line: dict[str, Any]) -> int:
        data = memoryview(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        try:
            place = self._file.seek(0, 2)
            while data:  # Not buffered: what is written is on its way to the disk, even when this process is killed.
                data = data[self._file.write(data) :]
        except OSError as error:
            raise DataError(
                f"The audit stopped because {shown(self._path)} cannot be written: {error.strerror}; "
                "mend that and run the same command again, it goes on where it was."
            ) from error
        return place

    def _read(self) -> int:
        """Take in the lines of this root and version; return where the last whole one ends, 0 to begin anew."""
        end = 0
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):  # Torn when the last audit was killed.
                    break
                if end == 0 and _parse(line) != self._header:
                    return 0
                if end > 0:
                    self._take_in(line, end)
                end += len(line)
        return end

    def _take_in(self, line: bytes, place: int) -> None:
        record = _to_record(_parse(line) or {})
        if record is None:
            return
        self.records[record.path] = replace(record, thumbnail="")
        self._places.pop(record.path, None)
        if record.thumbnail:
            self._places[record.path] = place


@contextmanager
def open_journal(path: Path, root: Path) -> Iterator[Journal]:
    """Open the journal of auditing `root`, or begin one; a journal of another folder or version is begun anew.

    Only for the holder of `claim(path.parent, root)`.

    Raises:
        DataError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        file = path.open("r+b", buffering=0)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be written: {error.strerror}.") from error
    with file:
        yield Journal(file, path, root.resolve())


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _to_record(values: dict[str, Any]) -> Record | None:
    """None for a line that is no record: its file is looked at again."""
    try:
        parts = {
            "fault": _build(Fault, values["fault"]),
            "measurements": _build(Measurements, values["measurements"]),
            "fingerprint": _build(Fingerprint, values["fingerprint"]),
        }
        return Record(**{**values, **parts})
    except (KeyError, TypeError):
        return None


def _build(kind: type[Any], values: Any) -> Any:
    if values is None:
        return None
    return kind(**values) if isinstance(values, dict) else kind(*values)
