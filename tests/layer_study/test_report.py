"""The files that a study leaves."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.findings import choose, compare_all
from realesrgan_arch.layer_study.protocol import Protocol, Run
from realesrgan_arch.layer_study.report import table, write_report
from realesrgan_arch.layer_study.study import Findings, Plan
from realesrgan_arch.options.load import parse_options
from tests.layer_study.studies import ALL, EARLY, LAST, made_up
from tests.tiny_run import tiny_options

COSTS = {EARLY: Cost(1000, 900_000_000), LAST: Cost(500, 100_000_000)}


@pytest.fixture
def plan(tmp_path) -> Plan:
    base = parse_options(tiny_options(tmp_path, tmp_path))
    return Plan(base, (EARLY, LAST), (0, 1, 2), Protocol(scale=0.02), tmp_path / "study")


@pytest.fixture
def findings() -> Findings:
    evidence = made_up({EARLY: {0: 1.0, 1: 1.01, 2: 0.99}, LAST: {0: 0.5, 1: 0.5, 2: 0.5}})
    after = {Run("last", EARLY, 0): {"psnr": dict.fromkeys("abcdefghij", 26.0)}}
    evidence = type(evidence)(evidence.base, {**evidence.runs, **after}, evidence.scenes)
    differences = compare_all(evidence, [EARLY, LAST])
    choice = choose(differences, [EARLY, LAST], COSTS)
    return Findings(evidence, COSTS, {EARLY: 0.5, LAST: 0.0}, differences, choice, 40)


def test_the_table_says_costs_scores_and_what_can_be_told_from_zero(findings, plan) -> None:
    said = table(findings, plan)
    for row in (
        r"^2 candidates, each alone for 90 steps on 40 pictures with 3 seeds; scale 0.02$",
        r"^nothing \(base\) +0 +- +- +24.0000$",
        r"^body.2 +1,000 +900.0 MB +0.50 +25.0000$",
        r"^body.6 +500 +100.0 MB +- +24.5000$",
        r"^body.2 less body.6 \(95 % intervals\)\n  PSNR  \+0.5000 \[\+0.4\d+, \+0.5\d+\] dB: can be told from zero$",
        r"^body.2 after last less base \(95 % .*\)\n  PSNR  \+2.0000 \[\+2.0000, \+2.0000\] dB: .* this one seed$",
        r"standard deviation of 0.0100 dB; the ancestor of this study decided on 0.0045 dB from one seed$",
        r"^chosen   body.2: its PSNR is above that of every other one$",
    ):
        assert re.search(row, said, re.MULTILINE), row


def test_the_results_are_plain_json_with_every_number_of_the_table(findings, plan) -> None:
    paths = write_report(findings, plan)
    assert [path.name for path in paths] == ["results.json", "table.txt", "differences.svg"]
    found = json.loads(paths[0].read_text())
    assert found["chosen"] == "body.2"
    assert found["protocol"]["scale"] == 0.02
    assert found["candidates"][0] == {
        "candidate": "body.2", "parameters": 1000, "peak_bytes": 900_000_000, "activation_bytes": 0, "step_s": 0.5,
        "checkpointing": False, "checkpointed": None,
        "psnr": pytest.approx(25),
    }  # fmt: skip
    assert found["differences"][0]["psnr"]["by_seed"] == pytest.approx({"0": 0.5, "1": 0.51, "2": 0.49})
    assert paths[1].read_text() == table(findings, plan) + "\n"


def test_the_wider_intervals_of_several_pairs_say_how_wide_they_are(findings, plan) -> None:
    gains = {candidate: {0: gain, 1: gain + 0.01} for candidate, gain in ((EARLY, 1.0), (LAST, 0.5), (ALL, 0.2))}
    candidates = [EARLY, LAST, ALL]
    differences = compare_all(made_up(gains), candidates)
    costs = dict.fromkeys(candidates, COSTS[LAST])
    found = replace(findings, evidence=made_up(gains), differences=differences, costs=costs)
    changed = replace(plan, candidates=(EARLY, LAST, ALL))
    found = replace(found, step_s=dict.fromkeys(candidates, 0.0))
    results, _, drawing = (path.read_text() for path in write_report(found, changed))
    said = table(found, changed)
    levels = [row["confidence"] for row in json.loads(results)["differences"]]
    assert levels == pytest.approx([1 - 0.05 / 3] * 3 + [0.95] * 3)
    assert said.count("(98.33 % intervals)") == said.count("(95 % intervals)") == 3
    assert drawing.count(", 98.33 %<") == drawing.count(", 95 %<") == 3


def test_what_is_not_defined_is_null_in_json(findings, plan) -> None:
    base = {"psnr": findings.evidence.base["psnr"], "niqe": dict.fromkeys("abcdefghij", math.nan)}
    runs = {run: {**scores, "niqe": base["niqe"]} for run, scores in findings.evidence.runs.items()}
    evidence = type(findings.evidence)(base, runs, {})
    changed = Findings(
        evidence, COSTS, findings.step_s, compare_all(evidence, [EARLY, LAST]), findings.choice, findings.pictures
    )
    found = json.loads(write_report(changed, plan)[0].read_text())
    assert found["base"]["niqe"] is None
    assert found["differences"][0]["niqe"]["low"] is None


def test_the_picture_has_a_line_a_row_with_its_interval_and_seeds_where_they_belong(findings, plan) -> None:
    drawing = write_report(findings, plan)[2].read_text()
    texts = re.findall(r">([^<>]+) less ([^<>]+), 95 %</text>", drawing)
    assert texts == [("body.2", "body.6"), ("body.2 after probe", "base"), ("body.6 after probe", "base"),
                     ("body.2 after last", "base")]  # fmt: skip
    assert drawing.count('r="3"') == 3 + 3 + 3 + 1
    means = [float(x) for x in re.findall(r'cx="([\d.]+)" cy="[\d.]+" r="5"', drawing)]
    zero = float(re.findall(r'<line x1="([\d.]+)"', drawing)[0])
    ticks = [(float(x), float(value)) for x, value in re.findall(r'x="([\d.]+)" [^>]*middle">([-+.\d]+)<', drawing)]
    a_db = [(x - zero) / value for x, value in ticks if value]
    assert a_db == pytest.approx([means[3] / 2 - zero / 2] * 2, rel=0.01)
    assert [(x - zero) / (means[0] - zero) for x in means] == pytest.approx([1, 2, 1, 4], abs=0.02)


def test_a_folder_that_cannot_be_written_to_is_one_sentence(findings, plan) -> None:
    blocked = Path(plan.folder)
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("")
    with pytest.raises(StudyError, match="cannot be written"):
        write_report(findings, plan)
