"""The journal: what is in it is not done twice, and nothing torn, foreign or stale is believed."""

import json
import resource
from dataclasses import replace

import pytest

from realesrgan_arch.audit import journal as module
from realesrgan_arch.audit.examine import Fault, Record, examine
from realesrgan_arch.audit.journal import open_journal
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.data.files import DataError
from tests.audit.pictures import write_photo

FAULTY = Record("b.jpg", 3, 4, "cd", Fault("corrupt", "b.jpg is damaged."))
ODD = Record(b"\xff\n.jpg".decode("utf-8", "surrogateescape"), 5, 6, "ef", Fault("empty", "empty"))


@pytest.fixture
def small(tmp_path):
    """A record with everything, its thumbnail too."""
    write_photo(tmp_path / "photos" / "small.png", 1, side=100)
    return examine("small.png", root=tmp_path / "photos", thresholds=AuditThresholds())


@pytest.fixture
def path(tmp_path):
    (tmp_path / "photos").mkdir(exist_ok=True)
    return tmp_path / "audit" / "journal.jsonl"


def reopen(path):
    with open_journal(path, path.parents[1] / "photos") as journal:
        return journal


def test_records_come_back_as_they_were(path, small):
    with open_journal(path, path.parents[1] / "photos") as journal:
        for record in (small, FAULTY, ODD):
            journal.add(record)
        assert journal.read_thumbnail("small.png") == small.thumbnail
    again = reopen(path)
    assert list(again.records) == ["small.png", "b.jpg", ODD.path]
    assert again.records["small.png"].measurements == small.measurements
    assert again.records["small.png"].fingerprint == small.fingerprint
    assert again.records["b.jpg"] == FAULTY
    assert again.records[ODD.path] == ODD
    assert again.read_thumbnail("small.png") == small.thumbnail
    assert again.read_thumbnail("b.jpg") == ""


def test_a_line_is_on_the_disk_before_the_next_file(path):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(FAULTY)
        assert json.loads(path.read_bytes().splitlines()[-1])["path"] == "b.jpg"


def test_the_last_line_of_a_file_counts(path):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(FAULTY)
        journal.add(Record("b.jpg", 30, 40, "ab", Fault("empty", "now empty")))
    assert reopen(path).records["b.jpg"].size == 30


def test_what_may_be_different_at_the_next_try_is_not_written(path):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(Record("c.jpg", 0, 0, fault=Fault("unreadable", "no permission")))
        assert "c.jpg" in journal.records
    assert reopen(path).records == {}


@pytest.mark.parametrize("torn", [b'{"path": "c.jpg", "si', b"\0\0\0\0", b'{"path": "c.jpg"}\n', b"[]\n", b"\xff\n"])
def test_a_torn_or_damaged_line_is_as_if_it_were_not_there(path, torn):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(FAULTY)
    with path.open("ab") as file:
        file.write(torn)
    with open_journal(path, path.parents[1] / "photos") as journal:
        assert list(journal.records) == ["b.jpg"]
        journal.add(ODD)
    assert list(reopen(path).records) == ["b.jpg", ODD.path]


@pytest.mark.parametrize("text", [b"", b'{"format": 1, "to', b"no journal\n", b'{"format": 1, "tool": "0.0"}\n{"path"'])
def test_a_journal_of_another_version_or_without_its_first_line_is_begun_anew(path, text):
    path.parent.mkdir()
    path.write_bytes(text)
    with open_journal(path, path.parents[1] / "photos") as journal:
        assert journal.records == {}
        journal.add(FAULTY)
    assert list(reopen(path).records) == ["b.jpg"]
    assert len(path.read_bytes().splitlines()) == 2


def test_a_new_format_begins_anew(path, monkeypatch):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(FAULTY)
    monkeypatch.setattr(module, "FORMAT", 99)
    assert reopen(path).records == {}


def test_other_weights_begin_anew(path, monkeypatch):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(FAULTY)
    monkeypatch.setattr(module, "SHIPPED_MODEL", replace(module.SHIPPED_MODEL, bias=2.5))
    assert reopen(path).records == {}


def test_the_journal_of_another_folder_is_begun_anew(path, tmp_path):
    with open_journal(path, tmp_path / "other") as journal:
        journal.add(FAULTY)
    assert reopen(path).records == {}


def test_a_full_disk_is_one_sentence_and_what_was_written_stays(path, small):
    with open_journal(path, path.parents[1] / "photos") as journal:
        journal.add(FAULTY)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, limits[1]))
        try:
            with pytest.raises(DataError, match=r"journal.jsonl cannot be written: .*; mend that and run the same"):
                journal.add(small)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.read_bytes().endswith(b"\n")
    assert list(reopen(path).records) == ["b.jpg"]
