"""`results.csv`: one row a validation and set, for a spreadsheet."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.evaluation.evaluate import METRICS, ImageScore, mean_of_defined, measured_metrics

Comparison = Mapping[str, float]
"""Scores of one set by column: `psnr`, `psnr_base`, `psnr_bicubic`, `psnr_minus_base`, `psnr_minus_bicubic`, ..."""
_KEY = ("step", "set")


class ResultsTable:
    """The scores of every validation of a run, in a file that is whole at any time.

    Each row is of one step and one validation set, in the order of the steps; a row that is made again, after a resume,
    takes the place of the older one. The file is short, so it is written anew each time.

    Args:
        path: of the file; need not exist.
        first_step: rows of later steps are dropped, since the run makes those steps again.
    """

    def __init__(self, path: Path, *, first_step: int) -> None:
        self._path = path
        self._rows: list[dict[str, str]] = []
        if path.exists():
            self._rows = [row for row in _read(path) if int(row["step"]) <= first_step]
            self._write()

    def cut_after(self, step: int) -> None:
        """Drop the rows of steps after `step`."""
        self._rows = [row for row in self._rows if int(row["step"]) <= step]
        self._write()

    def add(self, step: int, name: str, *, set_hash: str, comparison: Comparison) -> None:
        """Write the row of the set `name` at `step`."""
        row = {"step": str(step), "set": name, "set_hash": set_hash}
        row |= {column: "" if math.isnan(value) else f"{value:.6g}" for column, value in comparison.items()}
        self._rows = [other for other in self._rows if any(other[key] != row[key] for key in _KEY)]
        self._rows = sorted([*self._rows, row], key=lambda one: int(one["step"]))
        self._write()

    def _write(self) -> None:
        columns = list(dict.fromkeys(column for row in self._rows for column in row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        write_text(self._path, text.getvalue())


def read_scores(path: Path, *, step: int, name: str) -> dict[str, float]:
    """Return the mean of each metric of the set `name` at `step`; empty where the file does not have that row."""
    rows = _read(path) if path.exists() else []
    row = next((row for row in rows if int(row["step"]) == step and row["set"] == name), {})
    return {metric: float(row[metric]) for metric in METRICS if row.get(metric)}


def comparison_row(scores: Sequence[ImageScore]) -> dict[str, float]:
    """Return, for each metric, the means of the model, the base and bicubic, and the model's mean differences to both.

    Differences are taken picture by picture, as in the table; before training the model is the base.
    """
    model = "tuned" if any(score.method == "tuned" for score in scores) else "base"
    row: dict[str, float] = {}
    for metric in measured_metrics(scores):
        values = {
            method: {score.name: score.values[metric] for score in scores if score.method == method}
            for method in (model, "base", "bicubic")
        }
        row[metric] = mean_of_defined(values[model].values())
        for other in ("base", "bicubic"):
            shared = [value - values[other][name] for name, value in values[model].items() if name in values[other]]
            row[f"{metric}_{other}"] = mean_of_defined(values[other].values())
            row[f"{metric}_minus_{other}"] = mean_of_defined(shared)
    return row


def _read(path: Path) -> list[dict[str, str]]:
    """Return the rows that are whole; a person or an older program may have torn the file."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [row for row in csv.DictReader(file) if None not in row and None not in row.values()]
    return [row for row in rows if row.get("step", "").isdigit() and row.get("set")]
