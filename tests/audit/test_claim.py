"""Whose audit a folder holds: no second data set takes its place, whatever became of the journal."""

import json
import os

import pytest

from realesrgan_arch.audit.claim import CARD, check_claim, claim, read_audited_root, write_card
from realesrgan_arch.data.files import DataError

SENTENCE = r"holds the audit of .*x/photos, not that of .*y/photos; choose another folder with --out"


@pytest.fixture
def out(tmp_path):
    for name in "xy":
        (tmp_path / name / "photos").mkdir(parents=True)
    with claim(tmp_path / "audit", tmp_path / "x" / "photos"):
        pass
    return tmp_path / "audit"


def test_from_the_first_moment_the_folder_says_whose_it_is(out, tmp_path):
    assert read_audited_root(out) == tmp_path / "x" / "photos"
    assert sorted(path.name for path in out.iterdir()) == [CARD]


def test_another_folder_is_refused_with_and_without_a_journal_and_nothing_changes(out, tmp_path):
    (out / "journal.jsonl").write_text('{"format": 0}')
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(DataError, match=SENTENCE), claim(out, tmp_path / "y" / "photos"):
        pass
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    (out / "journal.jsonl").unlink()
    with pytest.raises(DataError, match="copy keep.csv into that folder after its first audit"):
        check_claim(out, tmp_path / "y" / "photos")


def test_the_same_folder_by_another_name_goes_on(out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "x")
    (tmp_path / "link").symlink_to(tmp_path / "x" / "photos")
    for name in ("photos", "../link", "./photos/"):
        check_claim(out, tmp_path.__class__(name))


@pytest.mark.parametrize("card", [None, "torn {", "[]", "{}"])
def test_a_keep_list_of_nobody_is_not_written_over(out, tmp_path, card):
    (out / CARD).unlink()
    if card is not None:
        (out / CARD).write_text(card)
    (out / "keep.csv").write_text("keep,path,reasons\n")
    with pytest.raises(DataError, match="holds an audit without a readable audit.json, not that of"):
        check_claim(out, tmp_path / "x" / "photos")


def test_an_empty_or_absent_folder_is_free(tmp_path):
    check_claim(tmp_path, tmp_path / "x")
    check_claim(tmp_path / "absent", tmp_path / "x")


def test_two_audits_cannot_write_into_one_folder(out, tmp_path):
    root = tmp_path / "x" / "photos"
    with (
        claim(out, root),
        pytest.raises(DataError, match="Another audit is writing into .*audit now"),
        claim(out, root),
    ):
        pass


def test_a_name_that_is_not_utf8_is_its_own(tmp_path):
    root = tmp_path / os.fsdecode(b"\xff")
    root.mkdir()
    write_card(tmp_path / "audit", root, {"counts": []})
    assert read_audited_root(tmp_path / "audit") == root
    assert json.loads((tmp_path / "audit" / CARD).read_text())["counts"] == []
    check_claim(tmp_path / "audit", root)
