"""What `realesrgan-arch sweep` says in the end."""

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.commands.report import Fact, Report, tell_first
from realesrgan_arch.errors import EXIT_CHECK_FAILED, EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.evaluation.composite import composite_in_words
from realesrgan_arch.evaluation.difference_table import claimed_in_words, format_interval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.table import aligned, with_hash
from realesrgan_arch.image_header import printable, shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sweep.curve import Point, method_name
from realesrgan_arch.sweep.session import SweepOutcome, SweepRequest


def report_sweep(outcome: SweepOutcome, request: SweepRequest) -> Report:
    """Return what is told of a sweep: the choice, the table of every share, notes, files and what comes next."""
    record, exported = outcome.record, outcome.exported
    model = exported.folder / exported.record.files[0].name if exported else None
    files = tuple(exported.folder / file.name for file in exported.record.files) if exported else ()
    points: list[Fact] = [_point_facts(point) for point in record.curve.points]
    return Report(
        lines=tuple(_lines(outcome, request)),
        made=(*files, *outcome.files),
        next_step=_next_step(request.base, model) if model else "",
        facts={
            "alpha": record.choice.alpha,
            "rule": record.choice.rule,
            "sentence": record.choice.sentence,
            "points": points,
            "notes": list(record.notes),
            "left_out": list(record.left_out),
        },
        exit_code=_exit_code(outcome),
    )


def _next_step(base: str, model: Path) -> str:
    words = shlex.join(["realesrgan-arch", "evaluate", base, str(model), "--data", "TEST_SET"])
    return printable(words)


def _exit_code(outcome: SweepOutcome) -> int:
    if outcome.record.left_out:
        return EXIT_SOME_FILES_FAILED
    return EXIT_OK if outcome.record.choice.alpha else EXIT_CHECK_FAILED


def _lines(outcome: SweepOutcome, request: SweepRequest) -> Iterator[str]:
    record = outcome.record
    yield f"By the rule {record.choice.rule}, {record.choice.sentence}"
    yield ""
    yield f"{with_hash(record.title, record.set_hash)}: {count_of(record.curve.pictures, 'picture')}, " + count_of(
        record.curve.scenes, "scene"
    )
    metrics = [METRICS[name] for name in record.curve.metrics]
    heading = ["", *(metric.label + (f" [{metric.unit}]" if metric.unit else "") for metric in metrics), "composite"]
    yield from aligned([heading, *(_row(point, record.curve.metrics) for point in record.curve.points)])
    yield f"differences to the base [95 % interval over scenes]; {_marks(record.curve.points)}"
    yield composite_in_words(record.curve.metrics)
    yield ""
    yield from (f"note: {note}" for note in record.notes)
    if record.left_out:
        yield f"{count_of(len(record.left_out), 'picture')} could not be scored:"
        yield from tell_first(record.left_out, others=f"; {shown(outcome.files[-1])} names them all")


def _marks(points: Sequence[Point]) -> str:
    metrics = max((point.judgement.compared for point in points if point.judgement), default=0)
    return f"! a loss, by the interval alone; * a gain, {claimed_in_words(metrics)}"


def _row(point: Point, metrics: Sequence[str]) -> list[str]:
    if point.judgement is None:
        means = [f"{point.means[name]:.{METRICS[name].decimals}f}" for name in metrics]
        return [method_name(point.alpha), *means, "0"]
    cells = [_cell(point, name) for name in metrics]
    return [method_name(point.alpha), *cells, format_interval(point.composite)]


def _cell(point: Point, name: str) -> str:
    found = point.finding(name)
    if found is None:
        return "-"
    mark = " !" if name in point.losses else " *" if found.verdict == "better" else ""
    return f"{format_interval(found.interval, METRICS[name].decimals)}{mark}"


def _point_facts(point: Point) -> Fact:
    differences = {name: point.difference(name) for name in point.means}
    return {
        "alpha": point.alpha,
        "means": {name: _plain(value) for name, value in point.means.items()},
        "differences": {name: _plain(value) for name, value in differences.items()},
        "composite": _plain(point.composite.mean),
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
