"""The files that a probe leaves: a table, CSV, JSON, a plot, and the option file of what it takes."""

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.crossed import CrossedInterval
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.pair_plot import Mark, draw_pair
from realesrgan_arch.layer_study.candidates import Candidate
from realesrgan_arch.layer_study.findings import BASE
from realesrgan_arch.layer_study.pair_judgement import PAIR
from realesrgan_arch.layer_study.probe import ProbeFindings, ProbePlan
from realesrgan_arch.layer_study.probe_files import CHOSEN, PROBE_FILE
from realesrgan_arch.layer_study.probe_table import (
    block_scores,
    cheap_scores,
    correlations,
    fate,
    pair_means,
    probe_table,
    short_label,
)
from realesrgan_arch.layer_study.report import write_files
from realesrgan_arch.options.extends import read_laid
from realesrgan_arch.options.overrides import apply_overrides

FORMAT = 1


def write_probe_report(
    findings: ProbeFindings, plan: ProbePlan, *, source: Path, overrides: Sequence[str] = ()
) -> list[Path]:
    """Write `table.txt`, `candidates.csv`, `scores.csv`, `results.json`, `pair.svg` and `chosen.yml`; return them.

    Args:
        findings: of the probe.
        plan: of the probe.
        source: the option file, which `chosen.yml` extends.
        overrides: with which it was read; they stand in `chosen.yml`.

    Raises:
        StudyError: they cannot be written.
    """
    files = {
        "table.txt": probe_table(findings, plan) + "\n",
        "candidates.csv": _candidates_csv(findings),
        "scores.csv": _scores_csv(findings),
        PROBE_FILE: json.dumps(probe_results(findings, plan), indent=1, allow_nan=False) + "\n",
        "pair.svg": _plot(findings),
        CHOSEN: chosen_options(findings, plan, source=source, overrides=overrides),
    }
    return write_files(plan.folder, files)


def chosen_options(findings: ProbeFindings, plan: ProbePlan, *, source: Path, overrides: Sequence[str]) -> str:
    """Return an option file that extends `source` and trains what the probe takes."""
    decision = findings.decision
    given = read_laid(source).values
    chosen = f"train.trainable.network_g={json.dumps(decision.taken.patterns)}"
    also = ["network_g.checkpointing=true"] if _needs_checkpointing(findings) else []
    probed, _, _ = apply_overrides(given, [*overrides, chosen, *also])
    # Once more, so that the choice stands in the file even where the given one says the same.
    changes, _, _ = apply_overrides(_changes(given, probed), [chosen])
    changes.pop("name", None)
    extends = Path(os.path.relpath(source, plan.folder)).as_posix()
    values = {"extends": extends, "name": f"{plan.base.name}_probed", **changes}
    verdict = "the winner" if decision.winner else "taken, though no winner could be named"
    head = (
        f"# What a layer probe ({findings.steps[-1]} steps, {len(plan.seeds)} seeds) has chosen: {verdict}.\n"
        f"# {decision.words}\n# The table is beside this file.\n"
    )
    return head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _needs_checkpointing(findings: ProbeFindings) -> bool:
    """Whether what is taken fitted the memory in no other way."""
    return findings.field.costs[findings.decision.taken].checkpointing


def probe_results(findings: ProbeFindings, plan: ProbePlan) -> dict[str, object]:
    """Return everything as plain values; what is not defined is null."""
    decision = findings.decision
    rivals = {one.label: asdict(enough) for one, enough in decision.rivals.items()}
    return {
        "format": FORMAT,
        "steps": list(findings.steps),
        "seeds": list(plan.seeds),
        "candidates": [_candidate(findings, one) for one in findings.field.candidates],
        "left_out": list(findings.field.left_out),
        "taken": decision.taken.label,
        "winner": decision.winner,
        "words": decision.words,
        "what_would_tell": rivals,
        "perception": findings.cheap.perception,
        "blocks": [_plain_values(asdict(one)) for one in block_scores(findings)],
        "spearman": {
            score: {name: _plain_values(asdict(one)) for name, one in row.items()}
            for score, row in correlations(findings).items()
        },
    }


def _candidate(findings: ProbeFindings, candidate: Candidate) -> dict[str, object]:
    place = findings.field.candidates.index(candidate)
    steps = [step for step in findings.steps if step <= findings.evidence.last_step(candidate)]
    return {
        "candidate": candidate.label,
        "short": short_label(candidate),
        "patterns": list(candidate.patterns),
        **asdict(findings.field.costs[candidate]),
        "checkpointed_step_s": findings.speeds[candidate].checkpointed_step_s,
        "step_s": findings.speeds[candidate].step_s,
        "measured_peak_bytes": findings.speeds[candidate].peak_bytes,
        "fate": fate(findings, candidate),
        "cheap": _plain_values(asdict(cheap_scores(findings)[place])),
        "gains": {
            str(step): {
                name: _interval(found) for name, found in findings.evidence.between(candidate, None, step).items()
            }
            for step in steps
        },
    }


def _candidates_csv(findings: ProbeFindings) -> str:
    names = [*findings.evidence.base, COMPOSITE]
    head = ["candidate", "steps", "seeds", "parameters", "peak_bytes", "activation_bytes", "steps_per_s"]
    head += [f"{name}_{part}" for name in names for part in ("gain", "low", "high")]
    rows: list[list[object]] = []
    for candidate in findings.field.candidates:
        cost, speed = findings.field.costs[candidate], findings.speeds[candidate]
        pace = f"{1 / speed.step_s:.4f}" if speed.step_s else ""
        for step in (one for one in findings.steps if one <= findings.evidence.last_step(candidate)):
            found = findings.evidence.between(candidate, None, step)
            bounds = [_cell(value) for name in names for value in found[name].bounds]
            seeds = len(found[COMPOSITE].by_seed)
            fixed = [cost.parameters, cost.peak_bytes, cost.activation_bytes, pace]
            rows.append([candidate.label, step, seeds, *fixed, *bounds, fate(findings, candidate)])
    return _csv([*head, "fate"], rows)


def _scores_csv(findings: ProbeFindings) -> str:
    evidence = findings.evidence
    metrics = list(evidence.base)
    found = [((BASE, 0, ""), evidence.base)]
    found += [((run.candidate.label, step, str(run.seed)), row) for (run, step), row in evidence.runs.items()]
    rows = [
        [*key, name, evidence.scenes.get(name, name), *(_cell(row[metric][name]) for metric in metrics)]
        for key, row in found
        for name in row[metrics[0]]
    ]
    return _csv(["candidate", "steps", "seed", "name", "scene", *metrics], rows)


def _plot(findings: ProbeFindings) -> str:
    taken = findings.decision.taken
    marks = [
        Mark(short_label(one), across.interval, up.interval, is_taken=one == taken, is_gone=one in findings.gone)
        for one, across, up in pair_means(findings)
    ]
    fidelity, naturalness = (METRICS[name] for name in PAIR)
    return draw_pair(marks, across=f"gain in {fidelity.label} [{fidelity.unit}]", up=f"change of {naturalness.label}")


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([head, *rows])
    return text.getvalue()


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def _interval(found: CrossedInterval) -> Mapping[str, object]:
    values = dict(zip(("mean", "low", "high"), map(_plain, found.bounds), strict=True))
    by_seed = {str(seed): _plain(value) for seed, value in found.by_seed.items()}
    return {**values, "scenes": found.interval.scenes, "by_seed": by_seed}


def _plain_values(values: Mapping[str, object]) -> dict[str, object]:
    return {key: _plain(value) if isinstance(value, float) else value for key, value in values.items()}


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Return what laid on `before` makes `after`; see `options.extends`: null removes a key."""
    found: dict[str, object] = {key: None for key in before if key not in after}
    for key, value in after.items():
        under = before.get(key)
        if not isinstance(under, Mapping) or not isinstance(value, Mapping):
            found |= {key: value} if key not in before or value != under else {}
        elif under.get("type") != value.get("type"):
            found[key] = {**dict.fromkeys(under), **value}
        elif inner := _changes(under, value):
            found[key] = inner
    return found
