"""A whole audit: nothing is lost, everything is reported, and being killed changes nothing."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from realesrgan_arch.audit import engine
from realesrgan_arch.audit.engine import audit_folder
from realesrgan_arch.audit.keep_list import read_keep_list
from realesrgan_arch.audit.thresholds import AuditThresholds, Limits
from realesrgan_arch.data.files import DataError
from tests.audit.pictures import write_photo, write_photos

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = AuditThresholds()
RESULTS = ("findings.csv", "keep.csv", "contact_sheet.html")


class InThisProcess:
    """Stands in for the worker processes; `before` and `after` are called with the name of each item."""

    def __init__(self):
        self.done = []
        self.before = self.after = lambda name: None

    def run(self, task, items, *, num_processes, preload):
        for item in items:
            self.before(item)
            result = task(item)
            self.done.append(item)
            self.after(item)
            yield item, result


@pytest.fixture
def here(monkeypatch):
    stand_in = InThisProcess()
    monkeypatch.setattr(engine, "run_in_processes", stand_in.run)
    return stand_in


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", 6)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "audit"


def audit(root, out, thresholds=DEFAULTS, num_processes=2):
    return audit_folder(
        root, out, thresholds=thresholds, num_processes=num_processes, split_command="realesrgan-arch data split photos"
    )


def results(out):
    return {name: (out / name).read_bytes() for name in RESULTS}


def reasons(outcome):
    return {(item.path, item.finding.reason, item.finding.drop) for item in outcome.found}


def test_a_messy_folder_in_real_processes(tmp_path, photos, out):
    (photos / "empty.jpg").touch()
    (photos / "text.png").write_text("hello")
    (photos / "notes.txt").write_text("hello")
    (photos / ".hidden.jpg").write_text("hello")
    first = photos / "scene_0" / "0.jpg"
    shutil.copy(first, photos / "scene_1" / "copy of 0.jpg")
    (photos / "cut.jpg").write_bytes(first.read_bytes()[:-5000])
    write_photo(photos / "small.png", 9, side=90)
    outcome = audit(photos, out)
    assert reasons(outcome) == {
        ("empty.jpg", "empty", True),
        ("text.png", "not_an_image", True),
        ("cut.jpg", "truncated", True),
        ("scene_1/copy of 0.jpg", "exact_duplicate", True),
        ("small.png", "too_small", True),
        ("notes.txt", "other_file", False),
    }
    keep_list = read_keep_list(out / "keep.csv")
    assert keep_list.kept == {f"scene_{number % 2}/{number}.jpg" for number in range(6)}
    assert keep_list.dropped == {
        "empty.jpg": "empty",
        "text.png": "not_an_image",
        "cut.jpg": "truncated",
        "scene_1/copy of 0.jpg": "exact_duplicate",
        "small.png": "too_small",
    }
    assert (out / "contact_sheet.html").read_text().count("data:image/jpeg") == 2
    card = json.loads((out / "audit.json").read_text())
    assert card["root"] == photos.as_posix()
    assert {"reason": "too_small", "drop": True, "files": 1} in card["counts"]
    assert [path.name for path in outcome.made] == ["findings.csv", "keep.csv", "contact_sheet.html"]


def test_the_second_run_reads_nothing_and_writes_the_same(here, photos, out):
    audit(photos, out)
    before, here.done[:] = results(out), []
    assert audit(photos, out).num_from_journal == 6
    assert here.done == []
    assert results(out) == before


def test_a_file_with_another_size_or_time_is_read_again(here, photos, out):
    audit(photos, out)
    os.utime(photos / "scene_0" / "2.jpg", ns=(1, 1))
    write_photo(photos / "scene_0" / "4.jpg", 77)
    here.done.clear()
    audit(photos, out)
    assert here.done == ["scene_0/2.jpg", "scene_0/4.jpg"]


def test_other_thresholds_reuse_the_measurements_and_read_only_what_the_sheet_shows(here, photos, out):
    audit(photos, out)
    here.done.clear()
    strict = AuditThresholds(too_small=Limits(drop=1000))
    outcome = audit(photos, out, strict)
    assert outcome.num_from_journal == 6
    assert len(outcome.found) == 6
    assert len(here.done) == 6  # for their thumbnails
    shutil.rmtree(out)
    before = results_of_new_audit(photos, out, strict)
    audit(photos, out)
    audit(photos, out, strict)
    assert results(out) == before


def results_of_new_audit(root, out, thresholds=DEFAULTS):
    audit(root, out, thresholds)
    return results(out)


def test_edits_of_the_keep_list_stay_and_stand_on_the_sheet(here, photos, out):
    write_photo(photos / "small.png", 9, side=90)
    audit(photos, out)
    keep = out / "keep.csv"
    keep.write_text(keep.read_text().replace("no,small.png", "yes,small.png"))
    audit(photos, out)
    assert "small.png" in read_keep_list(keep).kept
    assert "kept, as you decided in keep.csv" in (out / "contact_sheet.html").read_text()


def test_a_damaged_keep_list_is_said_before_any_work(here, photos, out):
    audit(photos, out)
    here.done.clear()
    (out / "keep.csv").write_text("keep;path\n")
    with pytest.raises(DataError, match="must have the columns"):
        audit(photos, out)
    assert here.done == []


def test_files_that_vanish_change_or_appear_are_reported(here, photos, out):
    gone_early, gone_late, changed = (photos / "scene_0" / f"{number}.jpg" for number in (0, 2, 4))

    def before(name):
        gone_early.unlink(missing_ok=True)

    def after(name):
        if name == "scene_1/5.jpg":
            gone_late.unlink()
            changed.write_bytes(changed.read_bytes() + b"more")
            write_photo(photos / "new.jpg", 50)

    here.before, here.after = before, after
    outcome = audit(photos, out)
    assert reasons(outcome) == {
        ("scene_0/0.jpg", "vanished", True),
        ("scene_0/2.jpg", "vanished", True),
        ("scene_0/4.jpg", "changed", True),
    }
    assert outcome.notes == ("1 file appeared while the audit ran: run it again to look there too.",)
    here.before = here.after = lambda name: None
    here.done.clear()
    outcome = audit(photos, out)
    assert here.done == ["new.jpg", "scene_0/4.jpg"]
    assert reasons(outcome) == set()


def test_a_decoder_that_crashes_is_a_finding(here, photos, out, monkeypatch):
    def run(task, items, **_):
        for item in items:
            yield item, engine.Crash(-signal.SIGSEGV) if item.endswith("3.jpg") else task(item)

    monkeypatch.setattr(engine, "run_in_processes", run)
    outcome = audit(photos, out)
    assert reasons(outcome) == {("scene_1/3.jpg", "unreadable", True)}
    assert "signal 11, SIGSEGV" in outcome.found[0].finding.text
    assert read_keep_list(out / "keep.csv").dropped == {"scene_1/3.jpg": "unreadable"}


def test_many_entries_and_a_folder_that_cannot_be_read(here, tmp_path, out, monkeypatch):
    root = tmp_path / "photos"
    (root / "locked").mkdir(parents=True)
    for number in range(500):
        (root / f"{number}.jpg").touch()
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    outcome = audit(root, out)
    assert len(outcome.keep_rows) == 500
    assert ("locked", "unreadable_folder", True) in reasons(outcome)
    assert len(outcome.found) == 501
    assert "1 folder could not be read; nothing below was looked at." in outcome.notes


@pytest.mark.parametrize("inside", [".", "audit", "deep/er"])
def test_the_result_is_never_written_into_the_folder_that_is_looked_at(here, photos, inside):
    with pytest.raises(DataError, match="Expected an --out beside the pictures, but .* lies inside of"):
        audit(photos, photos / inside)
    assert sorted(path.name for path in photos.iterdir()) == ["scene_0", "scene_1"]


def test_a_folder_without_images_is_one_sentence(here, tmp_path, out):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="No image found in .*nothing or below it"):
        audit(tmp_path / "nothing", out)


def test_a_full_disk_is_one_sentence_leaves_nothing_half_and_the_next_run_goes_on(here, photos, out, tmp_path):
    write_photo(photos / "small.png", 9, side=90)
    whole = results_of_new_audit(photos, tmp_path / "whole")
    here.done.clear()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(DataError, match="cannot be written: .*; mend that and run the same command again"):
            audit(photos, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in out.iterdir()) == ["audit.json", "journal.jsonl"]
    num_done = len(here.done)
    assert 1 < num_done < 7
    assert audit(photos, out).num_from_journal == num_done - 1
    assert results(out) == whole


def test_a_disk_that_is_full_at_the_very_end_leaves_no_half_file(here, photos, out, monkeypatch):
    write = engine.atomic.write_bytes

    def refuse(path, data):
        if path.name == "findings.csv":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(engine.atomic, "write_bytes", refuse)
    with pytest.raises(DataError, match="cannot be written into .*audit: No space left on device"):
        audit(photos, out)
    assert sorted(path.name for path in out.iterdir()) == ["audit.json", "journal.jsonl", "keep.csv"]


@pytest.mark.slow
def test_an_audit_that_is_killed_ends_with_the_same_files(tmp_path):
    root, out = write_photos(tmp_path / "photos", 40, side=300), tmp_path / "audit"
    whole = results_of_new_audit(root, tmp_path / "whole")
    kill_when(out / "journal.jsonl", 12, [str(root), "--out", str(out), "--jobs", "2"])
    assert not any((out / name).exists() for name in RESULTS)
    with (out / "journal.jsonl").open("ab") as file:
        file.write(b'{"path": "scene_0/')  # as if it had been killed within a write
    outcome = audit(root, out)
    assert 11 <= outcome.num_from_journal < 40
    assert results(out) == whole


def kill_when(journal, num_lines, arguments):
    """Start an audit and kill it with signal 9 as soon as its journal has so many lines."""
    script = ROOT / "scripts" / "audit_dataset.py"
    process = subprocess.Popen([sys.executable, str(script), *arguments], stderr=subprocess.DEVNULL)
    while process.poll() is None and count_lines(journal) < num_lines:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def count_lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0
