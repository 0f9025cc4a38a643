"""The control rows have a say in the verdict: what a tuned model does not beat cost no training."""

from dataclasses import replace

import pytest

from realesrgan_arch.evaluation.finding import Finding, Judgement, Verdict
from realesrgan_arch.evaluation.proof import MethodFacts, Proof
from realesrgan_arch.evaluation.rivals import against_controls
from realesrgan_arch.evaluation.verdict_text import verdict_sentences
from tests.evaluation.proof_builders import finding, judgement, proof

MILD, FULL = "base + back-projection 0.5", "base + back-projection 1.0"
JPEG = "base + JPEG q75"


def found(metric: str, verdict: Verdict) -> Finding:
    """Return a finding whose numbers fit the verdict: a gain of 0.3, less 0.3, or nothing, each +- 0.1."""
    sign = {"better": 1, "worse": -1, "cannot be told": 0}[verdict] * (-1 if metric == "niqe" else 1)
    return finding(metric, 0.3 * sign, 0.1, verdict)


def against(name: str, psnr: Verdict = "better", niqe: Verdict = "better") -> Judgement:
    findings = {"psnr": found("psnr", psnr), "niqe": found("niqe", niqe)}
    return Judgement("tuned", name, findings, finding("composite", 0.1, 0.4, "cannot be told"), "Words.")


def proof_with(*judgements: Judgement) -> Proof:
    methods = [MethodFacts(one.against, "control") for one in judgements if one.against != "base"]
    return proof(judgements=(judgement(), *judgements), methods=tuple(methods))


def test_a_model_that_beats_every_row_is_said_to() -> None:
    assert against_controls(proof_with(against("bicubic"), against(MILD), against(JPEG))) == (
        "Tuned beats every row that costs no training in PSNR and NIQE."
    )


def test_a_row_that_is_not_beaten_is_named_with_the_interval_of_the_difference_and_its_metric() -> None:
    said = against_controls(proof_with(against(MILD, psnr="cannot be told"), against(JPEG)))
    assert said == (
        f"Tuned beats every row that costs no training in NIQE; in PSNR {MILD} (tuned against it: PSNR +0.00 dB "
        "[-0.10, +0.10]) cannot be told from tuned."
    )


def test_a_row_that_is_better_is_told_from_one_that_cannot_be_told() -> None:
    said = against_controls(proof_with(against(MILD, niqe="cannot be told"), against(JPEG, niqe="worse")))
    assert f"in NIQE {JPEG} (tuned against it: NIQE +0.300 [+0.200, +0.400]) is better than tuned and {MILD}" in said


def test_of_many_rows_the_names_are_enough() -> None:
    said = against_controls(proof_with(*(against(name, psnr="worse", niqe="worse") for name in (MILD, FULL, JPEG))))
    assert said == (
        f"In no metric does tuned beat every row that costs no training; in PSNR {MILD}, {FULL} and {JPEG} are better "
        f"than tuned; in NIQE {MILD}, {FULL} and {JPEG} are better than tuned."
    )


def test_many_rows_that_are_level_are_counted() -> None:
    level = (against(name, niqe="cannot be told") for name in (MILD, FULL, "bicubic"))
    said = against_controls(proof_with(*level, against(JPEG, niqe="worse")))
    assert said.endswith(f"in NIQE {JPEG} is better than tuned and 3 rows cannot be told from tuned.")


@pytest.mark.parametrize("judgements", [(), (against("bicubic", psnr="worse"),)])
def test_without_control_rows_nothing_is_said_of_them(judgements) -> None:
    assert against_controls(proof_with(*judgements)) == ""
    assert list(verdict_sentences(proof_with(*judgements))) == [judgement().sentence]


def test_judgements_of_the_controls_themselves_do_not_count() -> None:
    of_control = judgement(method=MILD, against="base", psnr="worse")
    assert against_controls(proof_with(against(MILD), of_control)) == (
        "Tuned beats every row that costs no training in PSNR and NIQE."
    )


def test_too_few_scenes_tell_nothing() -> None:
    few = against(MILD)
    few = replace(few, findings={name: replace(one, scenes=4) for name, one in few.findings.items()})
    assert against_controls(proof_with(few)) == (
        "Whether tuned beats the rows that cost no training cannot be told from 4 scenes."
    )


def test_the_sentence_stands_behind_the_verdict() -> None:
    first, second = verdict_sentences(proof_with(against(MILD)))
    assert first == judgement().sentence and second.startswith("Tuned beats every row")
