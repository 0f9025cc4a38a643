"""The record of an evaluation is read as it was written, and is JSON that every program reads."""

import json
import math
from dataclasses import replace

import pytest

from realesrgan_arch.evaluation.proof import (
    PROOF_FILE,
    MethodFacts,
    Proof,
    ProofError,
    ShownPicture,
    proof_as_json,
    read_proof,
    write_proof,
)
from realesrgan_arch.evaluation.statistics import Finding, Judgement


def finding(metric: str, mean: float) -> Finding:
    return Finding(metric, mean, mean - 1, mean + 1, 7, 9, 0.5, 0.25, 0.01, 0.02, "cannot be told")


def build_proof() -> Proof:
    judgement = Judgement("tuned", "base", {"psnr": finding("psnr", 0.5)}, finding("composite", 1.0), "A sentence.")
    shown = ShownPicture("north/a.png", "north", "worst", -1.0, {"lq": "pictures/worst_01_lq.png"})
    return Proof(
        title="houses/test",
        set_hash="0123abcd",
        scale=4,
        border=4,
        y_channel=False,
        pictures=9,
        scenes=7,
        methods=(MethodFacts("base", "base", "base.pth", "00"), MethodFacts("tuned", "tuned")),
        means={"base": {"psnr": 20.0}, "tuned": {"psnr": math.inf}},
        judgements=(judgement,),
        groups={"tags": {"interior": judgement}},
        shown=(shown,),
        left_out=("b.png is broken.",),
        notes=("a note",),
        facts={"device": "cpu"},
    )


def test_a_proof_is_read_as_it_was_written(tmp_path) -> None:
    proof = build_proof()
    write_proof(proof, tmp_path / "new")
    assert read_proof(tmp_path / "new") == proof


def test_what_is_no_number_is_text_in_json_and_a_float_when_read(tmp_path) -> None:
    proof = replace(build_proof(), means={"tuned": {"niqe": math.nan, "psnr": -math.inf}})
    text = write_proof(proof, tmp_path).read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    means = read_proof(tmp_path).means["tuned"]
    assert math.isnan(means["niqe"]) and means["psnr"] == -math.inf
    assert proof_as_json(proof)["means"]["tuned"] == {"niqe": "nan", "psnr": "-inf"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file"),
        ("{", r"is damaged \(it is no whole JSON: line 1, column 2\); evaluate the models again"),
        ("[]", r"is damaged \(it is no record of an evaluation\); evaluate the models again"),
        ("{}", r"is damaged \(it is no record of an evaluation\); evaluate the models again"),
        ("\udcff", r"is damaged \(it is no text\); evaluate the models again"),
        ('{"format": 99}', "has format 99, but 1 is read here"),
        ('{"format": 1, "title": 5}', "is damaged .title"),
    ],
)
def test_what_is_no_proof_is_one_sentence(tmp_path, text, sentence) -> None:
    if text is not None:
        (tmp_path / PROOF_FILE).write_text(text, errors="surrogateescape")
    with pytest.raises(ProofError, match=sentence):
        read_proof(tmp_path)
