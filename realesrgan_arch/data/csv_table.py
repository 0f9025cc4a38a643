"""Tables that people may edit, as CSV: one reader, so that all name the file and the line of what does not fit."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from realesrgan_arch.data.files import DataError, is_below_root
from realesrgan_arch.image_header import shown


@dataclass(frozen=True)
class Line:
    """One row. `number` is that of its last line in the file; values hold any bytes, as lone surrogates."""

    table: "Table"
    number: int
    values: dict[str, str]

    @property
    def place(self) -> str:
        """File and line, for a sentence."""
        return f"{shown(self.table.file)} line {self.number}"

    def refuse(self, fault: str) -> NoReturn:
        """Raise a DataError of the place and `fault`."""
        raise DataError(f"{self.place}{fault}")

    def path_below(self, root: str) -> str:
        """Return the value of the column `path`, which must lie below what `root` calls the folder.

        Raises:
            DataError: it leaves the folder, on this machine or on Windows, or holds a NUL.
        """
        path = self.values["path"]
        if not path or not is_below_root(path):
            self.refuse(f": '{shown(Path(path)) if path else ''}' must be a path below {root}.")
        return path


@dataclass(frozen=True)
class Table:
    """A CSV file. `what` is its name in sentences (`manifest`), `remedy` how to mend a damaged one."""

    file: Path
    what: str
    remedy: str

    @property
    def name(self) -> str:
        """Of the table in a sentence."""
        return f"The {self.what} {shown(self.file)}"

    def read(self) -> tuple[tuple[str, ...], Iterator[Line]]:
        """Return the columns, and the lines, which are parsed while they are taken; any may raise.

        Raises:
            DataError: it cannot be read, is no CSV, or a line has more or fewer values than there are columns.
        """
        try:
            # Not `read_text`, which would turn a carriage return in a name into a line feed.
            text = self.file.read_bytes().decode("utf-8-sig", "surrogateescape")
        except OSError as error:
            raise DataError(f"{self.name} cannot be read: {error.strerror}.") from error
        rows = self._rows(text)
        _, columns = next(rows, (0, []))
        return tuple(columns), self._lines(columns, rows)

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text, newline=""))
        try:
            for values in reader:
                if values:  # Not an empty line.
                    yield reader.line_num, values
        except csv.Error as error:  # Of quotes that never end, mostly.
            raise DataError(f"{self.name} is damaged in line {reader.line_num} ({error}); {self.remedy}.") from error

    def _lines(self, columns: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Line]:
        for number, values in rows:
            line = Line(self, number, dict(zip(columns, values, strict=False)))
            if len(values) != len(columns):
                line.refuse(f" must have {len(columns)} values.")
            yield line
