"""The scores of a sweep, kept picture by picture: one that was stopped, or is drawn finer, scores nothing twice."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from realesrgan_arch.image_header import shown
from realesrgan_arch.sweep.choose import SweepError

FILE = "kept_scores.jsonl"


class KeptScores:
    """Scores by a key of all that decides them and by picture: one line each; damaged lines count as none.

    Args:
        folder: of the sweep.

    Raises:
        SweepError: it cannot be read or written to.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab+")
            self._known = dict(_lines(self._path.read_bytes()))
            self._end_last_line()
        except OSError as error:
            raise self._fault(error) from error

    def find(self, key: str, picture: str) -> dict[str, float] | None:
        """Return the scores of `picture` by metric, or None."""
        return self._known.get((key, picture))

    def keep(self, key: str, picture: str, values: Mapping[str, float]) -> None:
        """Add the scores of a picture.

        Raises:
            SweepError: they cannot be written.
        """
        # JSON has no NaN and no infinity, and float() reads their names.
        plain = {name: value if math.isfinite(value) else str(value) for name, value in values.items()}
        line = json.dumps({"key": key, "picture": picture, "values": plain})
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._fault(error) from error
        self._known[key, picture] = dict(values)

    def close(self) -> None:
        """Leave the file."""
        self._file.close()

    def _end_last_line(self) -> None:
        """What a killed sweep has half written must not spoil the next line."""
        if self._file.seek(0, os.SEEK_END):
            self._file.seek(-1, os.SEEK_END)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def _fault(self, error: OSError) -> SweepError:
        return SweepError(
            f"{shown(self._path)} cannot be written ({error.strerror}); make room, or choose another folder with -o"
        )


def _lines(text: bytes) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    for line in text.splitlines():
        try:
            row = json.loads(line)
            yield (row["key"], row["picture"]), {name: float(value) for name, value in row["values"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
