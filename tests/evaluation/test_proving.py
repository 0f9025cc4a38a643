"""From a set and its contenders to a folder that holds all that was found, or nothing new."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from realesrgan_arch.evaluation import proving, score_journal
from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.evaluate import METRICS, EvaluationError, ScoreRules
from realesrgan_arch.evaluation.group_choice import choose_groups
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.proof import MethodFacts, proof_as_json, read_proof
from realesrgan_arch.evaluation.proof_text import proof_lines
from realesrgan_arch.evaluation.proving import ProofRequest, prove
from realesrgan_arch.evaluation.scoring_run import journal_key
from realesrgan_arch.file_lock import file_lock
from tests.evaluation.small_sets import CountedReads, contenders, names_of, random_pair, small_choice

NAMES = names_of(16)
"""Of eight scenes, which is enough for a claim."""


def request(folder, names=NAMES, *, shifts=None, reads=None, has_truth=True, **changes) -> ProofRequest:
    choice = small_choice(reads or CountedReads(names, has_truth=has_truth), names, has_truth=has_truth)
    return replace(
        ProofRequest(
            choice=choice,
            contenders=contenders(shifts or {"bicubic": 0.0, "base": 0.0, "tuned": 0.05}),
            rules=ScoreRules(metrics=("psnr", "ssim")),
            folder=folder,
            scale=4,
            groups=choose_groups(choice, None),
        ),
        **changes,
    )


def test_a_better_model_is_called_better_and_everything_is_written(tmp_path) -> None:
    proved = prove(request(tmp_path / "new"))
    proof = read_proof(tmp_path / "new")
    first = proof.judgements[0]
    assert (first.method, first.against, first.findings["psnr"].verdict) == ("tuned", "base", "better")
    assert first.findings["psnr"].mean > 3
    assert next(proof_lines(proved)) == first.sentence
    assert (tmp_path / "new" / "table.txt").read_text().startswith(first.sentence)
    assert (tmp_path / "new" / "table.txt").read_text() == "\n".join(proof_lines(proved)) + "\n"
    assert "by folder" in (tmp_path / "new" / "table.txt").read_text()
    assert (proof.pictures, proof.scenes, proof.scale, proof.border) == (16, 8, 4, 4)
    assert set(proof.groups["folder"]) == {"north", "south"}
    assert math.isclose(proof.means["tuned"]["psnr"] - proof.means["base"]["psnr"], first.findings["psnr"].mean)
    shown = [tmp_path / "new" / file for picture in proof.shown for file in picture.files.values()]
    assert len(proof.shown) == 15 and all(path.is_file() for path in shown)


def test_the_same_model_twice_cannot_be_told(tmp_path) -> None:
    first = prove(request(tmp_path, shifts={"base": 0.0, "tuned": 0.0})).proof.judgements[0]
    assert {one.verdict for one in (*first.findings.values(), first.composite)} == {"cannot be told"}


def test_controls_are_judged_too_and_the_main_pair_stands_first(tmp_path) -> None:
    shifts = {"bicubic": 0.0, "base + USM": 0.02, "base": 0.0, "tuned": 0.05}
    judgements = prove(request(tmp_path, shifts=shifts, with_pictures=False)).proof.judgements
    assert [(one.method, one.against) for one in judgements] == [
        ("tuned", "base"),
        ("tuned", "bicubic"),
        ("tuned", "base + USM"),
        ("bicubic", "base"),
        ("base + USM", "base"),
    ]


@pytest.mark.parametrize(
    ("shifts", "pair"),
    [
        ({"bicubic": 0.0, "model": 0.05}, ("model", "bicubic")),
        ({"bicubic": 0.0, "base": 0.05}, ("base", "bicubic")),
        ({"bicubic": 0.0, "some weights": 0.05}, None),
    ],
)
def test_one_model_alone_is_judged_against_bicubic(tmp_path, shifts, pair) -> None:
    proof = prove(request(tmp_path, NAMES[:4], shifts=shifts)).proof
    assert [(one.method, one.against) for one in proof.judgements[:1]] == ([pair] if pair else [])
    assert proof.shown


@pytest.mark.parametrize("names", [NAMES[:1], NAMES[:2]])
def test_one_picture_or_one_scene_is_no_claim(tmp_path, names) -> None:
    proof = prove(request(tmp_path, names)).proof
    assert proof.scenes == 1
    assert "cannot be told" in proof.judgements[0].sentence


def test_pictures_equal_to_the_truth_are_told_and_spoil_nothing(tmp_path) -> None:
    truths = {number: random_pair("", number) for number in range(4)}

    def perfect(lq):
        return next(pair.gt for pair in truths.values() if pair.lq is lq)

    def read(number):
        return replace(truths[number], name=NAMES[number])

    ones = [*contenders({"base": 0.0}), Contender(MethodFacts("tuned", "tuned"), perfect)]
    proof = prove(request(tmp_path, NAMES[:4], reads=read, contenders=ones)).proof
    assert proof.means["tuned"]["psnr"] == math.inf
    assert "PSNR is infinite for 4 of 4 pictures (the result of tuned equals the truth there)" in proof.notes
    assert proof_as_json(read_proof(tmp_path)) == proof_as_json(proof)


def test_a_score_that_is_not_defined_is_told(tmp_path) -> None:
    rules = ScoreRules(metrics=("psnr", "niqe"))
    proof = prove(request(tmp_path, NAMES[:4], rules=rules)).proof
    assert [note.split(" (")[0] for note in proof.notes] == ["NIQE is left out: it is defined for none of 4 pictures"]
    told = (tmp_path / "table.txt").read_text()
    assert told.count("NIQE") == 1 and "nan" not in told
    assert list(proof.judgements[0].findings) == ["psnr"]
    assert {name for means in proof.means.values() for name in means} == {"psnr"}


def test_a_flat_picture_is_named_when_it_is_scored_and_counts_in_no_mean(tmp_path, caplog) -> None:
    flat = torch.full((3, 224, 224), 0.5)

    def read(number: int) -> EvaluationPair:
        pair = random_pair(NAMES[number], number, side=224)
        return replace(pair, gt=flat + 0.1, lq=flat[:, ::4, ::4]) if number == 1 else pair

    rules = ScoreRules(metrics=("psnr", "niqe"))
    proof = prove(request(tmp_path, NAMES[:3], reads=read, rules=rules, with_pictures=False)).proof
    [line] = [record.getMessage() for record in caplog.records if "NIQE" in record.getMessage()]
    assert line.startswith(f"NIQE is not defined for {NAMES[1]} (")
    assert line.endswith("), which counts in no mean of it.")
    assert [note for note in proof.notes if "not defined" in note and note.endswith(f"no mean of it: {NAMES[1]}")]
    assert all(means["niqe"] > 0 for means in proof.means.values())
    assert (proof.judgements[0].findings["niqe"].pictures, proof.judgements[0].findings["psnr"].pictures) == (2, 3)


def test_of_many_pictures_without_a_score_only_the_first_are_warned_of(tmp_path, caplog) -> None:
    prove(request(tmp_path, rules=ScoreRules(metrics=("psnr", "niqe")), with_pictures=False))
    lines = [record.getMessage() for record in caplog.records if "NIQE" in record.getMessage()]
    assert len(lines) == 5 and lines[-1].endswith("; how many more there are is told at the end.")


def test_without_a_truth_the_reader_is_told_what_is_missing(tmp_path) -> None:
    proof = prove(request(tmp_path, NAMES[:4], has_truth=False, rules=ScoreRules())).proof
    assert proof.notes[0] == "there is no ground truth, so PSNR, SSIM cannot be told"
    assert [one.name for one in proof.methods] == ["bicubic", "base", "tuned"]
    assert "ground truth" not in proof.shown[0].files


def test_left_out_pictures_stand_in_the_proof_and_in_the_table(tmp_path) -> None:
    reads = CountedReads(NAMES, broken=NAMES[:1])
    proved = prove(request(tmp_path, reads=reads))
    assert proved.proof.left_out == (f"{NAMES[0]} is broken.",)
    assert proved.table.endswith(f"1 picture not scored: {NAMES[0]} is broken.")
    assert proved.proof.pictures == 15


def test_an_earlier_proof_by_other_rules_goes_before_the_first_picture_and_its_scores_are_kept(tmp_path) -> None:
    earlier = prove(request(tmp_path)).proof

    def broken(number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(request(tmp_path, reads=broken, rules=ScoreRules(metrics=("psnr",))))
    assert not [name for name in ("proof.json", "scores.csv", "table.txt") if (tmp_path / name).exists()]
    assert list((tmp_path / "pictures").iterdir()) == []
    reads = CountedReads(NAMES)
    assert proof_as_json(prove(request(tmp_path, reads=reads, with_pictures=False)).proof)["means"] == earlier.means
    assert reads.read == [], "the first journal is there still"


def test_an_earlier_proof_by_the_same_rules_stays_whole_until_the_new_one_is_scored(tmp_path) -> None:
    earlier = prove(request(tmp_path)).proof
    next(tmp_path.glob("scores-*.jsonl")).unlink()

    def broken(number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(request(tmp_path, reads=broken))
    assert proof_as_json(read_proof(tmp_path)) == proof_as_json(earlier)
    assert all((tmp_path / file).is_file() for picture in earlier.shown for file in picture.files.values())


def test_crops_that_a_killed_run_left_do_not_stay(tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(proving, "write_scores", full)
    with pytest.raises(EvaluationError, match="disk is full"):
        prove(request(tmp_path))
    monkeypatch.undo()
    assert list((tmp_path / "pictures").iterdir())
    prove(request(tmp_path, with_pictures=False))
    assert list((tmp_path / "pictures").iterdir()) == []


def with_weights(*sha256: str) -> list[Contender]:
    [base, tuned] = contenders({"base": 0.0, "tuned": 0.05})
    ones = zip((base, tuned), sha256, strict=True)
    return [Contender(replace(one.facts, sha256=digits), one.upscale) for one, digits in ones]


@pytest.mark.parametrize("other", ["weights", "pictures"])
def test_a_proof_of_other_weights_or_pictures_is_not_replaced_unless_that_is_meant(tmp_path, other) -> None:
    prove(request(tmp_path, contenders=with_weights("a", "b")))
    before = (tmp_path / "proof.json").read_bytes()
    reads = CountedReads(NAMES)
    again = request(tmp_path, reads=reads, contenders=with_weights("a", "c" if other == "weights" else "b"))
    if other == "pictures":
        again = replace(again, choice=small_choice(reads, NAMES, identity="another"))
    with pytest.raises(EvaluationError, match="results of other weights or pictures, .*choose another with -o or --na"):
        prove(again)
    assert (tmp_path / "proof.json").read_bytes() == before and reads.read == []
    prove(replace(again, replaces_others=True))
    assert (tmp_path / "proof.json").read_bytes() != before


def test_the_key_holds_the_content_of_perceptual_weights_and_not_where_they_lie(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net.pth").write_bytes(b"one")

    def key(folder: str, metric: str = "lpips_like") -> str:
        rules = ScoreRules((metric,), perceptual_weights=folder)
        return journal_key(request(tmp_path).choice, (), rules, computed="cpu")

    one = key("weights")
    assert key(str(tmp_path / "weights")) == one
    shutil.move("weights", "moved")
    assert key("moved") == one
    (tmp_path / "moved" / "net.pth").write_bytes(b"two")
    assert key("moved") != one
    assert key("moved", "psnr") == key("", "psnr") != key("", "ssim")


def test_perceptual_weights_are_read_once_for_the_key_of_a_proof(tmp_path, monkeypatch) -> None:
    hashed: list[Path] = []
    (tmp_path / "net.pth").write_bytes(b"one")
    monkeypatch.setattr(score_journal, "hash_file", lambda path: hashed.append(path) or "digits")
    monkeypatch.setitem(METRICS, "lpips_like", replace(METRICS["lpips_like"], compare=METRICS["psnr"].compare))
    rules = ScoreRules(("lpips_like",), perceptual_weights=str(tmp_path))
    prove(replace(request(tmp_path / "out"), rules=rules))
    assert [path.name for path in hashed] == ["net.pth"]


def test_pictures_of_an_earlier_proof_go_with_it_and_others_stay(tmp_path) -> None:
    prove(request(tmp_path))
    (tmp_path / "pictures" / "mine.png").write_text("")
    now = prove(request(tmp_path, with_pictures=False)).proof
    assert now.shown == ()
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["mine.png"]


def test_a_proof_of_somebody_else_is_not_overwritten(tmp_path) -> None:
    (tmp_path / "proof.json").write_text("mine")
    with pytest.raises(EvaluationError, match="would be overwritten: move it away"):
        prove(request(tmp_path))
    assert (tmp_path / "proof.json").read_text() == "mine"


def test_a_killed_writer_leaves_no_proof(tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(proving, "write_scores", full)
    with pytest.raises(EvaluationError, match="disk is full"):
        prove(request(tmp_path))
    assert not (tmp_path / "proof.json").exists()
    monkeypatch.undo()
    reads = CountedReads(NAMES)
    prove(request(tmp_path, reads=reads, with_pictures=False))
    assert reads.read == [], "nothing is scored twice"


def test_a_second_process_in_the_folder_is_refused(tmp_path) -> None:
    folder = tmp_path / "new"
    with file_lock(tmp_path / ".new.lock"), pytest.raises(EvaluationError, match="another process is evaluating"):
        prove(request(folder))


def test_a_lock_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    (tmp_path / ".new.lock").mkdir()
    with pytest.raises(EvaluationError, match=r"\.new\.lock cannot be locked \(Is a directory\); choose another"):
        prove(request(tmp_path / "new"))


def test_a_folder_that_cannot_be_written_to_is_said_first(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    reads = CountedReads(NAMES)
    with pytest.raises(
        EvaluationError, match="folder that can be written to, got .*file.new .a file is there, not a folder"
    ):
        prove(request(tmp_path / "file" / "new", reads=reads))
    assert reads.read == []
