"""What a study has finished, in its folder, so that one that was stopped goes on and trains nothing twice."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.layer_study.disk import disk_faults

FORMAT = 1
IDENTITY = "study.json"
_REMEDY = "give the same ones to go on with it, or choose another --out"


@dataclass(frozen=True)
class Finished:
    """What is known of a run that is trained and scored."""

    scores: Mapping[str, Mapping[str, float]]
    """By metric, then by picture; NaN where a metric is not defined."""
    step_s: float
    """Seconds of a step; 0 where the run was stopped between its last step and its scores."""
    peak_bytes: int = 0
    """As the device counted it; 0 where nobody did."""


class Journal:
    """The records of a study, one file a run under `scores/`; a damaged one counts as none.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, identity: Mapping[str, object]) -> None:
        """Take the folder for a study of this identity.

        Raises:
            StudyError: it holds a study of another identity, or cannot be written to.
        """
        path = self._folder / IDENTITY
        flat = {key: json.loads(json.dumps(value)) for key, value in _flatten(identity).items()}
        with disk_faults(path, mend="choose another --out"):
            if path.exists():
                self._compare(_read_card(path), flat)
            else:
                write_text(path, json.dumps(flat, indent=1) + "\n")

    def find(self, name: str) -> Finished | None:
        """Return the record of the run `name`, or None."""
        record = self.find_record(name)
        if record is None:
            return None
        scores = {
            metric: {picture: math.nan if value is None else float(value) for picture, value in row.items()}
            for metric, row in record["scores"].items()
        }
        return Finished(scores, record["step_s"], record.get("peak_bytes", 0))

    def keep(self, name: str, finished: Finished) -> None:
        """Write the record of the run `name`.

        Raises:
            StudyError: it cannot be written.
        """
        scores = {
            # JSON has no NaN; infinity is that of a picture that equals the truth, which float() reads by its name.
            metric: {picture: _plain(value) for picture, value in row.items()}
            for metric, row in finished.scores.items()
        }
        record = {"run": name, "scores": scores, "step_s": finished.step_s, "peak_bytes": finished.peak_bytes}
        self.keep_record(name, record)

    def find_record(self, name: str) -> dict[str, Any] | None:
        """Return what was kept under `name`, or None."""
        try:
            content = json.loads(self._path(name).read_text(encoding="utf-8"))
            record = content["record"]
            is_whole = content["format"] == FORMAT and content["sha256"] == hash_json(record)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record if is_whole else None

    def keep_record(self, name: str, record: Mapping[str, Any]) -> None:
        """Write what is known under `name`, in values of JSON.

        Raises:
            StudyError: it cannot be written.
        """
        content = {"format": FORMAT, "sha256": hash_json(record), "record": record}
        path = self._path(name)
        with disk_faults(path):
            write_text(path, json.dumps(content, indent=1) + "\n")

    def _path(self, name: str) -> Path:
        return self._folder / "scores" / f"{name}.json"

    def _compare(self, earlier: Mapping[str, object], now: Mapping[str, object]) -> None:
        other = [key for key in sorted({*earlier, *now}) if earlier.get(key) != now.get(key)]
        if other:
            raise StudyError(
                f"{shown(self._folder)} holds a study with other settings ({', '.join(other[:5])}); {_REMEDY}"
            )


def _read_card(path: Path) -> dict[str, object]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        card = None
    if not isinstance(card, dict):
        raise StudyError(f"{shown(path)} is damaged; move it away, or choose another --out")
    return card


def _flatten(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)
