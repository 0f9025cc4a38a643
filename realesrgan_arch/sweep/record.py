"""What a sweep leaves: `curve.csv`, `curve.svg`, `sweep-scores.csv` and `sweep.json`."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.score_file import write_scores
from realesrgan_arch.evaluation.scoring_run import disk_faults
from realesrgan_arch.evaluation.statistics import Finding
from realesrgan_arch.image_header import shown
from realesrgan_arch.sweep.choose import Choice, SweepError
from realesrgan_arch.sweep.curve import Curve, Point
from realesrgan_arch.sweep.plot import draw_curve
from realesrgan_arch.upscaling.export.place import read_earlier
from realesrgan_arch.weights.table import Verification

RECORD_FILE, CURVE_FILE, PLOT_FILE = "sweep.json", "curve.csv", "curve.svg"
SCORES_FILE = "sweep-scores.csv"
"""Not that of a proof: both may lie in one folder."""
FORMAT = 1
Cell = str | float | None


@dataclass(frozen=True)
class SweepRecord:
    """All that is known of a sweep."""

    title: str
    """Of the set that chose."""
    made: str
    """How its LQ came about."""
    set_hash: str
    """Of a frozen set; else empty."""
    identity: str
    """SHA-256 of all that decides the pictures."""
    base: Verification
    tuned: Verification
    curve: Curve
    choice: Choice
    utility: Mapping[str, float]
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    model: str
    """Folder of the exported model, below that of the sweep; empty where there is none."""

    def facts(self) -> dict[str, object]:
        """Return plain values for JSON; what is not defined is null."""
        return {
            "format": FORMAT,
            "set": {"title": self.title, "made": self.made, "hash": self.set_hash, "identity": self.identity},
            "base": {"file": shown(Path(self.base.path.name)), "sha256": self.base.sha256},
            "tuned": {"file": shown(Path(self.tuned.path.name)), "sha256": self.tuned.sha256},
            "pictures": self.curve.pictures,
            "scenes": self.curve.scenes,
            "choice": {"rule": self.choice.rule, "alpha": self.choice.alpha, "sentence": self.choice.sentence},
            "utility": dict(self.utility),
            "model": self.model,
            "points": [dict(_row(point, self.curve, has_utility=bool(self.utility))) for point in self.curve.points],
            "notes": list(self.notes),
            "left_out": list(self.left_out),
        }


def write_sweep(folder: Path, record: SweepRecord, scores: Sequence[ImageScore], data: DataChoice) -> tuple[Path, ...]:
    """Write the four files; `sweep.json` last: with it a sweep is whole.

    Raises:
        EvaluationError: one cannot be written; NoRoomError: the disk is full.
    """
    names = [shown(Path(end.path.stem)) for end in (record.tuned, record.base)]
    title = f"{names[0]} blended into {names[1]}, on {record.title}"
    with disk_faults(folder):
        write_text(folder / CURVE_FILE, curve_csv(record))
        write_text(folder / PLOT_FILE, draw_curve(record.curve, chosen=record.choice.alpha, title=title))
        path = folder / SCORES_FILE
        write_scores(path, scores, scenes=data.scenes, groups=data.groups, set_hash=data.set_hash)
        # Names that are not UTF-8 are lone surrogates, which JSON escapes.
        write_text(folder / RECORD_FILE, json.dumps(record.facts(), indent=1) + "\n")
    return tuple(folder / name for name in (CURVE_FILE, PLOT_FILE, SCORES_FILE, RECORD_FILE))


def check_replaceable(folder: Path, *, base: Verification, tuned: Verification, data: DataChoice) -> str:
    """Return the name of the model folder of an earlier sweep in `folder`; empty where there is none.

    Raises:
        SweepError: the earlier sweep is of other weights or pictures, or its record cannot be read.
    """
    path = folder / RECORD_FILE
    if not path.exists():
        return ""
    try:
        facts = json.loads(path.read_bytes())
        subject = facts["base"]["sha256"], facts["tuned"]["sha256"], facts["set"]["identity"]
        model = Path(facts["model"]).name
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SweepError(f"{shown(path)} is no record of a sweep; move it away, or choose another --output") from error
    if subject != (base.sha256, tuned.sha256, data.identity):
        raise SweepError(
            f"expected a folder without a sweep of other weights or pictures, got {shown(folder)}; choose another with "
            "-o, or move it away"
        )
    return model


def remove_model(folder: Path, model: str) -> None:
    """Remove the files that an earlier sweep has exported, which its record names; what else lies there stays.

    Raises:
        EvaluationError: one cannot be removed.
    """
    place = folder / model
    with disk_faults(place):
        (folder / RECORD_FILE).unlink(missing_ok=True)
        for name in read_earlier(place):
            (place / name).unlink(missing_ok=True)
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def curve_csv(record: SweepRecord) -> str:
    """Return one row a share: means, differences to the base with intervals and verdicts, and the composite."""
    curve = record.curve
    rows = [dict(_row(point, curve, has_utility=bool(record.utility))) for point in curve.points]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0], "chosen", "set_hash"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: _cell(value) for name, value in row.items()}
        is_chosen = row["alpha"] == record.choice.alpha
        writer.writerow({**cells, "chosen": int(is_chosen), "set_hash": record.set_hash})
    return text.getvalue()


def _row(point: Point, curve: Curve, *, has_utility: bool) -> Iterator[tuple[str, Cell]]:
    yield "alpha", point.alpha
    for metric in curve.metrics:
        yield metric, _defined(point.means.get(metric, math.nan))
        yield from _differences(metric, point.finding(metric))
    yield from _differences("composite", point.judgement.composite if point.judgement else None)
    if has_utility:
        yield "utility", _defined(point.utility.mean)
        yield "utility_low", _defined(point.utility.low)
        yield "utility_high", _defined(point.utility.high)


def _differences(name: str, found: Finding | None) -> Iterator[tuple[str, Cell]]:
    """Of the base itself the same columns, empty."""
    yield f"{name}_difference", _defined(found.mean) if found else None
    yield f"{name}_low", _defined(found.low) if found else None
    yield f"{name}_high", _defined(found.high) if found else None
    yield f"{name}_verdict", found.verdict if found else None


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.10g}"
