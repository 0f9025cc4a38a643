"""What a layer probe and a sweep of blends have tried, for a report: read from the records that they leave.

Plots are drawn anew from the numbers: a picture out of a folder could bring a script into the page.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.evaluation.composite import COMPOSITE, POINTS
from realesrgan_arch.evaluation.difference_table import format_interval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.pair_plot import Mark, draw_pair
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.evaluation.report import ReportError
from realesrgan_arch.evaluation.report_story import Trial
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.probe_files import PROBE_FILE
from realesrgan_arch.plural import count_of
from realesrgan_arch.sweep.curve import NOTHING, method_name, natural_metrics
from realesrgan_arch.sweep.record import RECORD_FILE as SWEEP_FILE

_FIDELITY = "psnr"
_UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class _Row:
    label: str
    found: Mapping[str, Interval]
    """Differences to the base by metric."""
    is_taken: bool
    is_gone: bool = False


def find_trials(places: Sequence[Path], *, probe: Path | None, sweep: Path | None) -> tuple[Trial, ...]:
    """Return what is known of a probe and of a sweep.

    Args:
        places: folders of the run and of its results: a probe is looked for in `probe` of each, a sweep in `sweep` and
            in the folder itself.
        probe: folder of the probe, which goes before those.
        sweep: folder of the sweep, which goes before those.

    Raises:
        ReportError: a named folder without a record, or a damaged record.
    """
    probes = [probe] if probe else _with_file([place / "probe" for place in places], PROBE_FILE)
    sweeps = [sweep] if sweep else _with_file([one for place in places for one in (place / "sweep", place)], SWEEP_FILE)
    return (*map(read_probe, probes[:1]), *map(read_sweep, sweeps[:1]))


def read_probe(folder: Path) -> Trial:
    """Return what the probe in `folder` found.

    Raises:
        ReportError: no record of a probe, or a damaged one.
    """
    return _read(folder / PROBE_FILE, _probe, verb="probe")


def read_sweep(folder: Path) -> Trial:
    """Return what the sweep in `folder` found.

    Raises:
        ReportError: no record of a sweep, or a damaged one.
    """
    return _read(folder / SWEEP_FILE, _sweep, verb="sweep")


def _with_file(folders: Sequence[Path], name: str) -> list[Path]:
    return [folder for folder in folders if (folder / name).is_file()]


def _read(path: Path, build: Callable[[Mapping[str, Any]], Trial], *, verb: str) -> Trial:
    try:
        return build(json.loads(path.read_bytes()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        state = "a damaged or another record" if path.is_file() else "none"
        raise ReportError(
            f"expected the record of a {verb}, {path.name}, in {shown(path.parent)}, found {state}; make it with "
            f"`realesrgan-arch {verb}`, or name its folder with --{verb}"
        ) from error


def _probe(facts: Mapping[str, Any]) -> Trial:
    taken, candidates = facts["taken"], facts["candidates"]
    has_both = any(one.get("checkpointed") for one in candidates)
    rows, cells = [], []
    for one in candidates:
        last = max(one["gains"], key=int)
        found = {name: _interval(bounds, one_name="") for name, bounds in one["gains"][last].items()}
        is_gone = one["fate"].startswith("dominated")
        rows.append(_Row(str(one.get("short", one["candidate"])), found, one["candidate"] == taken, is_gone))
        costs = (f"{one['parameters']:,}", say_bytes(one["peak_bytes"]), _pace(one["step_s"]) + _mark(one))
        cells.append((*costs, *([_with_checkpointing(one)] if has_both else []), last, one["fate"]))
    metrics = _metrics(rows)
    other = ["With checkpointing"] if has_both else []
    head = ("Trains", "Parameters", "Memory", "Steps/s", *other, "Steps", *map(_title, metrics), "")
    steps = ", ".join(f"{step:,}" for step in facts["steps"])
    asked = f"{count_of(len(rows), 'candidate')} with {count_of(len(facts['seeds']), 'seed')}"
    return Trial(
        heading="Layers that were tried",
        words=f"{taken}: {facts['words']}.",
        reading=f"{asked}, scored after {steps} steps; differences to the base with 95 % intervals. A gray one went "
        "early: another dominated it.",
        head=head,
        rows=tuple(
            (row.label, *costs, *_cells(row, metrics), fate) for row, (*costs, fate) in zip(rows, cells, strict=True)
        ),
        plots=tuple(_plots(rows, metrics, is_joined=False)),
    )


def _pace(seconds: float) -> str:
    return f"{1 / seconds:.2f}" if seconds else "–"


def _mark(candidate: Mapping[str, Any]) -> str:
    """Of a candidate that fitted the memory in no other way; its numbers are those with checkpointing."""
    return " (checkpointing)" if candidate.get("checkpointing") else ""


def _with_checkpointing(candidate: Mapping[str, Any]) -> str:
    other, seconds = candidate.get("checkpointed"), candidate.get("checkpointed_step_s")
    if not other:
        return "–"
    return say_bytes(other["peak_bytes"]) + (f", {_pace(seconds)} steps/s" if seconds else "")


def _sweep(facts: Mapping[str, Any]) -> Trial:
    chosen, points = facts["choice"]["alpha"], facts["points"]
    names = [name for name in (*METRICS, COMPOSITE) if f"{name}_difference" in points[0]]
    rows = [
        _Row(
            method_name(point["alpha"]),
            {name: _interval(point, one_name=f"{name}_") if point["alpha"] else NOTHING for name in names},
            is_taken=point["alpha"] == chosen,
        )
        for point in points
    ]
    metrics = _metrics(rows)
    ends = f"{facts['tuned']['file']} blended into {facts['base']['file']}"
    return Trial(
        heading="Blends that were tried",
        words=f"By the rule {facts['choice']['rule']}, {facts['choice']['sentence']}",
        reading=f"{ends}, on {facts['set']['title']}: {count_of(facts['pictures'], 'picture')} of "
        f"{count_of(facts['scenes'], 'scene')}; differences to the base with 95 % intervals. These pictures chose the "
        "share, so their numbers flatter it.",
        head=("Share", *map(_title, metrics), ""),
        rows=tuple((row.label, *_cells(row, metrics), "chosen" if row.is_taken else "") for row in rows),
        plots=tuple(_plots(rows, metrics, is_joined=True)),
        keeps_base=not chosen,
    )


def _interval(bounds: Mapping[str, Any], *, one_name: str) -> Interval:
    """Return what a record says under `mean`, `low` and `high`, or under `psnr_difference`, `psnr_low`, `psnr_high`."""
    mean = bounds[f"{one_name}difference"] if one_name else bounds["mean"]
    return Interval(_number(mean), _number(bounds[f"{one_name}low"]), _number(bounds[f"{one_name}high"]), 0)


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value) if math.isfinite(value) else math.nan


def _metrics(rows: Sequence[_Row]) -> list[str]:
    measured = rows[0].found if rows else {}
    return [name for name in (*METRICS, COMPOSITE) if name in measured]


def _title(name: str) -> str:
    if name not in METRICS:
        return f"{name.capitalize()} [{POINTS}]"
    return METRICS[name].label + (f" [{METRICS[name].unit}]" if METRICS[name].unit else "")


def _cells(row: _Row, metrics: Sequence[str]) -> Iterator[str]:
    for name in metrics:
        yield format_interval(row.found.get(name, _UNKNOWN), METRICS[name].decimals if name in METRICS else 2)


def _plots(rows: Sequence[_Row], metrics: Sequence[str], *, is_joined: bool) -> Iterator[str]:
    """Yield fidelity against each metric that it trades off with."""
    if _FIDELITY not in metrics:
        return
    for name in natural_metrics(one for one in metrics if one in METRICS):
        marks = [
            Mark(
                row.label,
                row.found.get(_FIDELITY, _UNKNOWN),
                row.found.get(name, _UNKNOWN),
                is_taken=row.is_taken,
                is_gone=row.is_gone,
            )
            for row in rows
        ]
        across, up = (f"difference in {_title(one)}" for one in (_FIDELITY, name))
        yield draw_pair(marks, across=across, up=up, is_joined=is_joined)
