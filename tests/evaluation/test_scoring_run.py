"""Scores of a set: one pair at a time, a journal of what is done, and no picture that stops the others."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from realesrgan_arch.data.files import DataError
from realesrgan_arch.errors import EXIT_NO_ROOM
from realesrgan_arch.evaluation import scoring_run
from realesrgan_arch.evaluation.chosen_set import DataChoice, LazyPairs
from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.evaluate import EvaluationError, ScoreRules
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.proof import MethodFacts
from realesrgan_arch.evaluation.score_journal import ScoreJournal
from realesrgan_arch.evaluation.scoring_run import NoRoomError, journal_key, open_journal, score_set
from tests.evaluation.small_sets import CountedReads, contenders, names_of, random_pair, small_choice

NAMES = names_of(6)
RULES = ScoreRules(metrics=("psnr", "ssim"))
TWO = contenders({"base": 0.0, "tuned": 0.05})


def keyed(path: Path, *, choice: DataChoice | None = None, methods=TWO, rules=RULES, computed="") -> ScoreJournal:
    """Return the journal of what is scored, at `path`."""
    choice = choice or small_choice(CountedReads(NAMES), NAMES)
    return ScoreJournal(path, journal_key(choice, methods, rules, computed=computed))


class Stopped(BaseException):
    """What a kill looks like from within."""


def test_every_picture_has_a_score_of_every_method_in_the_order_of_the_set() -> None:
    scored = score_set(small_choice(CountedReads(NAMES), NAMES), TWO, RULES)
    assert [(score.name, score.method) for score in scored.scores] == [
        (name, method) for name in NAMES for method in ("base", "tuned")
    ]
    assert not scored.left_out


def test_a_killed_run_reads_only_what_it_had_not_scored(tmp_path) -> None:
    whole = score_set(small_choice(CountedReads(NAMES), NAMES), TWO, RULES)
    reads = CountedReads(NAMES)

    def until_the_fourth(number: int) -> EvaluationPair:
        if number == 3:
            raise Stopped
        return reads(number)

    with pytest.raises(Stopped):
        score_set(small_choice(until_the_fourth, NAMES), TWO, RULES, journal=keyed(tmp_path / "scores.jsonl"))
    again = CountedReads(NAMES)
    scored = score_set(small_choice(again, NAMES), TWO, RULES, journal=keyed(tmp_path / "scores.jsonl"))
    assert again.read == NAMES[3:]
    assert scored == whole


@pytest.mark.parametrize(
    "change",
    [
        {"identity": "another set"},
        {"sha256": "another model"},
        {"rules": ScoreRules(metrics=("psnr",))},
        {"computed": "another precision"},
    ],
)
def test_what_changes_a_score_begins_the_journal_anew(tmp_path, change) -> None:
    path = tmp_path / "scores.jsonl"
    score_set(small_choice(CountedReads(NAMES), NAMES), TWO, RULES, journal=keyed(path))
    reads = CountedReads(NAMES)
    choice = small_choice(reads, NAMES, identity=change.get("identity", "one"))
    methods = contenders({"base": 0.0, "tuned": 0.05}, sha256=change.get("sha256", ""))
    rules, computed = change.get("rules", RULES), change.get("computed", "")
    journal = keyed(path, choice=choice, methods=methods, rules=rules, computed=computed)
    score_set(choice, methods, rules, journal=journal)
    assert reads.read == NAMES


def test_a_torn_line_is_scored_again_and_what_follows_it_counts(tmp_path) -> None:
    journal = tmp_path / "scores.jsonl"
    choice = small_choice(CountedReads(NAMES), NAMES)
    whole = score_set(choice, TWO, RULES, journal=keyed(journal))
    journal.write_bytes(journal.read_bytes()[:-30])
    for expected in ([NAMES[-1]], []):
        reads = CountedReads(NAMES)
        assert score_set(small_choice(reads, NAMES), TWO, RULES, journal=keyed(journal)) == whole
        assert reads.read == expected


def test_values_that_are_no_numbers_come_back_from_the_journal(tmp_path) -> None:
    equal = [Contender(MethodFacts("model", "tuned"), lambda _: random_pair("", 0).gt)]
    rules = ScoreRules(metrics=("psnr", "niqe"))
    reads = CountedReads([])
    for _ in range(2):
        reads = CountedReads(NAMES[:1])
        journal = keyed(tmp_path / "scores.jsonl", methods=equal, rules=rules)
        scored = score_set(small_choice(reads, NAMES[:1]), equal, rules, journal=journal)
        [score] = scored.of("model")
        assert score.values["psnr"] == float("inf")
        assert score.values["niqe"] != score.values["niqe"], "too small for NIQE"
    assert reads.read == []
    header, *lines = (tmp_path / "scores.jsonl").read_text().splitlines()
    assert "NaN" not in "".join(lines) and json.loads(header)["format"] == 1


def test_a_broken_picture_is_left_out_with_its_reason_and_tried_again_next_time(tmp_path) -> None:
    for broken in ([NAMES[2]], []):
        reads = CountedReads(NAMES, broken=broken)
        scored = score_set(small_choice(reads, NAMES), TWO, RULES, journal=keyed(tmp_path / "scores.jsonl"))
        assert scored.left_out == tuple(f"{name} is broken." for name in broken)
    assert reads.read == [NAMES[2]]
    assert len({score.name for score in scored.scores}) == 6


def test_a_picture_of_another_size_is_left_out() -> None:
    other = [Contender(MethodFacts("model", "tuned"), lambda lq: lq)]
    with pytest.raises(EvaluationError, match="at least one readable picture in small, got none: .*model of another"):
        score_set(small_choice(CountedReads(NAMES), NAMES), other, RULES)


@pytest.mark.parametrize("has_truth", [True, False])
def test_one_picture_too_small_does_not_end_the_others(has_truth) -> None:
    def read(number: int) -> EvaluationPair:
        pair = random_pair(NAMES[number], number, side=8 if number == 1 else 40)
        return pair if has_truth else EvaluationPair(pair.name, pair.lq, torch.empty(3, 0, 0))

    scored = score_set(small_choice(read, NAMES, has_truth=has_truth), TWO, ScoreRules(("psnr", "niqe")))
    assert {score.name for score in scored.scores} == {*NAMES} - {NAMES[1]}
    assert len(scored.left_out) == 1 and scored.left_out[0].startswith(f"{NAMES[1]} has 8x8 pixels")


def test_no_pictures_at_all_is_one_sentence() -> None:
    with pytest.raises(EvaluationError, match="expected at least one readable picture in small"):
        score_set(small_choice(CountedReads([]), []), TWO, RULES)


def test_a_fault_of_the_whole_set_stops_the_run() -> None:
    def changed(_: int) -> EvaluationPair:
        raise DataError("another picture than was frozen")

    with pytest.raises(DataError, match="than was frozen"):
        score_set(small_choice(changed, NAMES), TWO, RULES)


def test_without_a_truth_only_what_needs_none_is_measured() -> None:
    choice = small_choice(CountedReads(NAMES, has_truth=False), NAMES, has_truth=False)
    scored = score_set(choice, TWO, ScoreRules())
    assert {tuple(score.values) for score in scored.scores} == {("niqe",)}
    assert {score.method for score in scored.scores} == {"base", "tuned"}
    with pytest.raises(EvaluationError, match=r"needs no ground truth for small \(niqe\), got psnr, ssim"):
        score_set(choice, TWO, RULES)


def test_of_many_pictures_one_is_in_memory_at_a_time() -> None:
    names = [f"{number}.png" for number in range(300)]
    alive: set[int] = set()
    most = 0

    class Watched(EvaluationPair):
        def __del__(self) -> None:
            alive.discard(id(self))

    def read(number: int) -> EvaluationPair:
        nonlocal most
        pair = random_pair(names[number], 0)
        watched = Watched(pair.name, pair.lq, pair.gt)
        alive.add(id(watched))
        most = max(most, len(alive))
        return watched

    score_set(small_choice(read, names), TWO, ScoreRules(metrics=("psnr",)))
    assert most <= 2


def test_a_full_disk_says_that_the_scores_are_kept(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    journal = keyed(tmp_path / "scores.jsonl")
    monkeypatch.setattr(scoring_run.ScoreJournal, "add", full)
    with pytest.raises(NoRoomError, match="disk is full; make room; what is scored is kept") as caught:
        score_set(small_choice(CountedReads(NAMES), NAMES), TWO, RULES, journal=journal)
    assert caught.value.exit_code == EXIT_NO_ROOM


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EvaluationError, match=r"file.scores-\w{12}.jsonl cannot be written"):
        open_journal(tmp_path / "file", small_choice(CountedReads(NAMES), NAMES), TWO, RULES)


def test_lazy_pairs_are_a_sequence() -> None:
    pairs = LazyPairs(NAMES, CountedReads(NAMES))
    assert [pair.name for pair in pairs] == NAMES
    assert [pair.name for pair in pairs[1:3]] == NAMES[1:3]
    assert pairs[-1].name == NAMES[-1]
    with pytest.raises(IndexError):
        pairs[6]


def test_the_keeper_gets_every_picture_that_it_does_not_hold(tmp_path) -> None:
    kept: list[str] = []

    class Keeper:
        def holds(self, name: str) -> bool:
            return name == NAMES[0]

        def keep(self, pair: EvaluationPair, outputs: Mapping[str, Tensor]) -> None:
            kept.append(pair.name)
            assert torch.equal(outputs["base"], partial(TWO[0].upscale)(pair.lq))

    for _ in range(2):
        journal = keyed(tmp_path / "j")
        score_set(small_choice(CountedReads(NAMES), NAMES), TWO, RULES, journal=journal, keeper=Keeper())
    assert kept == NAMES + NAMES[1:]
