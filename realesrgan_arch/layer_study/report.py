"""What a study found, as `results.json`, as a text table and as one picture."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.evaluation.crossed import CrossedInterval
from realesrgan_arch.evaluation.difference_table import format_interval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.layer_study.disk import disk_faults
from realesrgan_arch.layer_study.findings import DECIDING, Difference, spread_of_seeds
from realesrgan_arch.layer_study.plot import draw_differences
from realesrgan_arch.layer_study.protocol import STAGES
from realesrgan_arch.layer_study.study import Findings, Plan
from realesrgan_arch.plural import count_of

FORMAT = 1
ANCESTOR_DB = 0.0045
"""What the project that this one started from decided on, with one seed: 24.6833 against 24.6878 dB."""
_DECIMALS = 4


def write_report(findings: Findings, plan: Plan) -> list[Path]:
    """Write `results.json`, `table.txt` and `differences.svg` into the folder of the study and return them.

    Raises:
        StudyError: they cannot be written.
    """
    files = {
        "results.json": json.dumps(results(findings, plan), indent=1, allow_nan=False) + "\n",
        "table.txt": table(findings, plan) + "\n",
        "differences.svg": draw_differences(_rows(findings), DECIDING, mark=ANCESTOR_DB),
    }
    return write_files(plan.folder, files)


def write_files(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write texts by their names into the folder of a study, and return where they are.

    Raises:
        StudyError: one cannot be written.
    """
    paths = [folder / name for name in files]
    with disk_faults(folder):
        for path, text in zip(paths, files.values(), strict=True):
            write_text(path, text)
    return paths


def results(findings: Findings, plan: Plan) -> dict[str, object]:
    """Return everything as plain values; what is not defined is null."""
    evidence = findings.evidence
    return {
        "format": FORMAT,
        "protocol": asdict(plan.protocol),
        "seeds": list(plan.seeds),
        "subset": findings.pictures,
        "base": {metric: _plain(evidence.base_mean(metric)) for metric in evidence.base},
        "candidates": [
            {
                "candidate": candidate.label,
                **asdict(findings.costs[candidate]),
                "step_s": findings.step_s[candidate],
                **{metric: _plain(evidence.mean(candidate, "probe", metric)) for metric in evidence.base},
            }
            for candidate in plan.candidates
        ],
        "differences": [_plain_difference(row) for row in _rows(findings)],
        "chosen": findings.choice.candidate.label,
        "reason": findings.choice.reason,
    }


def table(findings: Findings, plan: Plan) -> str:
    """Return costs and scores of the candidates, their differences in words, and what became of the chosen one."""
    protocol = plan.protocol
    head = (
        f"{count_of(len(plan.candidates), 'candidate')}, each alone for {count_of(protocol.steps('probe'), 'step')} on "
        f"{count_of(findings.pictures, 'picture')} with {count_of(len(plan.seeds), 'seed')}; scale {protocol.scale:g}"
    )
    parts = [head, *aligned(list(_cost_rows(findings, plan))), "", *_difference_lines(findings), ""]
    parts.append(f"chosen   {findings.choice.candidate.label}: {findings.choice.reason}")
    return "\n".join(parts)


def _cost_rows(findings: Findings, plan: Plan) -> Iterator[list[str]]:
    evidence = findings.evidence
    metrics = list(evidence.base)
    yield ["trains", "parameters", "memory", "s/step", *(METRICS[name].label for name in metrics)]
    yield ["nothing (base)", "0", "-", "-", *(f"{evidence.base_mean(name):.{_DECIMALS}f}" for name in metrics)]
    for candidate in plan.candidates:
        cost, seconds = findings.costs[candidate], findings.step_s[candidate]
        scores = (f"{evidence.mean(candidate, 'probe', name):.{_DECIMALS}f}" for name in metrics)
        speed = f"{seconds:.2f}" if seconds else "-"
        yield [candidate.label, f"{cost.parameters:,}", say_bytes(cost.peak_bytes), speed, *scores]


def _difference_lines(findings: Findings) -> Iterator[str]:
    for row in _rows(findings):
        yield f"{row.first} less {row.second} ({row.level} intervals)"
        for name, found in row.metrics.items():
            metric = METRICS[name]
            unit = f" {metric.unit}" if metric.unit else ""
            yield f"  {metric.label:<5} {format_interval(found.interval, _DECIMALS)}{unit}: {found.verdict}"
    seeds = spread_of_seeds(findings.differences[0].metrics[DECIDING])
    if not math.isnan(seeds):
        yield (
            f"from seed to seed the first difference has a standard deviation of {seeds:.4f} dB; the ancestor of this "
            f"study decided on {ANCESTOR_DB} dB from one seed"
        )


def _rows(findings: Findings) -> list[Difference]:
    """Return the candidates against each other, each against the base, and the chosen one after each later stage."""
    evidence, chosen = findings.evidence, findings.choice.candidate
    probed = {run.candidate: None for run in evidence.runs if run.stage == "probe"}
    rows = [*findings.differences, *(evidence.against_base(candidate, "probe") for candidate in probed)]
    return [*rows, *(evidence.against_base(chosen, stage) for stage in STAGES[1:] if evidence.of(chosen, stage))]


def _plain_difference(row: Difference) -> dict[str, object]:
    scores = {name: _interval(found) for name, found in row.metrics.items()}
    return {"first": row.first, "second": row.second, "confidence": row.confidence, **scores}


def _interval(found: CrossedInterval) -> Mapping[str, object]:
    interval = found.interval
    return {
        "mean": _plain(interval.mean),
        "low": _plain(interval.low),
        "high": _plain(interval.high),
        "scenes": interval.scenes,
        "by_seed": {str(seed): _plain(value) for seed, value in found.by_seed.items()},
        "verdict": found.verdict,
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
