"""Records of a made-up probe and a made-up sweep, as the two commands write them."""

import json
from dataclasses import replace
from pathlib import Path

from realesrgan_arch.evaluation.report_trials import SWEEP_FILE
from realesrgan_arch.layer_study.block_scores import Sums, TensorScores
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.pair_judgement import decide
from realesrgan_arch.layer_study.probe import ProbeFindings, ProbePlan, Speed
from realesrgan_arch.layer_study.probe_candidates import Field
from realesrgan_arch.layer_study.probe_files import PROBE_FILE
from realesrgan_arch.layer_study.probe_report import probe_results
from realesrgan_arch.layer_study.short_run import Stages
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.sweep.choose import Choice
from realesrgan_arch.sweep.record import SweepRecord
from realesrgan_arch.weights.table import Verification
from tests.layer_study.probes import COSTS, FIRST, SECOND, made_up_probe, probe_options
from tests.sweep.curves import tradeoff

GAINS = {FIRST: (1.0, -0.5), SECOND: (0.5, 0.0)}
"""In PSNR and NIQE: the first is better in both."""
TUNED = "tuned <b>.pth"


def write_probe(folder: Path, *, recomputes: bool = False) -> Path:
    """Write the record of a probe of `GAINS`; where it recomputes, the first was timed so too, the second only so."""
    folder.mkdir(parents=True, exist_ok=True)
    evidence, costs = made_up_probe(GAINS), {one: COSTS[one] for one in GAINS}
    decision = decide(evidence, list(GAINS), costs, [4])
    speeds = {FIRST: Speed(0.5, 0), SECOND: Speed(0.0, 0)}
    if recomputes:
        costs[FIRST] = replace(costs[FIRST], checkpointed=Cost(100, 2000, checkpointing=True))
        costs[SECOND] = replace(costs[SECOND], checkpointing=True)
        speeds = {FIRST: Speed(0.5, 0, 0.8), SECOND: Speed(0.4, 0)}
    field = Field(costs, dict.fromkeys(GAINS, frozenset("a")), ())
    cheap = TensorScores({"a": Sums(1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)}, "", 0)
    findings = ProbeFindings(evidence, field, speeds, {SECOND: (4, FIRST)}, (4,), decision, cheap)
    plan = ProbePlan(parse_options(probe_options(folder / "parts")), tuple(GAINS), (0, 1, 2), Stages(4, 1), folder)
    (folder / PROBE_FILE).write_text(json.dumps(probe_results(findings, plan)), encoding="utf-8")
    return folder


def write_sweep(folder: Path) -> Path:
    """Write the record of a sweep that chose a half."""
    folder.mkdir(parents=True, exist_ok=True)
    record = SweepRecord(
        title="houses/val",
        made="full",
        set_hash="",
        identity="0",
        base=Verification(Path("base.pth"), "b" * 64, None, "unknown"),
        tuned=Verification(Path(TUNED), "c" * 64, None, "unknown"),
        curve=tradeoff({0.5: 0.7, 1.0: 1.2}, {0.5: -0.2, 1.0: 0.6}),
        choice=Choice("not-worse", 0.5, "It is worse in nothing."),
        utility={},
        notes=(),
        left_out=(),
        model="",
    )
    (folder / SWEEP_FILE).write_text(json.dumps(record.facts()), encoding="utf-8")
    return folder
