"""`realesrgan-arch data audit`: what it says, and how it ends."""

import html
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.audit import engine
from realesrgan_arch.audit.examine import Fault
from realesrgan_arch.commands import data_audit
from realesrgan_arch.commands.data import run_verb
from realesrgan_arch.entry import Terminated, run
from tests.audit.pictures import write_photo, write_photos


@pytest.fixture
def photos(in_tmp_path):
    write_photos(in_tmp_path / "photos", 3)
    write_photo(in_tmp_path / "photos" / "small.png", 9, side=90)
    return in_tmp_path / "photos"


def audit(*arguments):
    return run(lambda argv: run_verb("audit", argv), [*map(str, arguments), "--jobs", "1"])


def test_it_says_what_was_found_where_it_is_and_what_comes_next(photos, capsys):
    assert audit("photos") == 0
    assert capsys.readouterr().out.splitlines() == [
        "looked at 4 image files",
        "kept 3, left out 1 (25.0%)",
        "  reason     left out  noted",
        "  Too small         1      0",
        "wrote audit/photos/findings.csv, audit/photos/keep.csv, audit/photos/contact_sheet.html",
        "next: realesrgan-arch data split photos",
    ]


def test_machines_get_the_same_as_json(photos, capsys):
    assert audit("photos", "--json", "--out", "elsewhere") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["images"], facts["kept"], facts["left_out"]) == (4, 3, 1)
    assert facts["found"] == [{"reason": "too_small", "drop": True, "files": 1}]
    assert facts["made"][0] == "elsewhere/findings.csv"


def test_thresholds_come_from_a_file(photos, capsys):
    Path("mine.yml").write_text("too_small: {note: never, drop: never}\n")
    audit("photos", "--thresholds", "mine.yml")
    assert "nothing was found" in capsys.readouterr().out
    Path("mine.yml").write_text("too_smal: {drop: 3}\n")
    assert audit("photos", "--thresholds", "mine.yml") == 2
    assert "too_small" in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_gives_code_3(photos, capsys, monkeypatch):
    (photos / "locked").mkdir()
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert audit("photos") == 3
    assert "1 folder could not be read" in capsys.readouterr().out


@pytest.mark.parametrize("reason", ["unreadable", "vanished", "changed"])
def test_files_that_were_not_judged_give_code_3(photos, capsys, monkeypatch, reason):
    def crash(task, items, **_):
        for item in items:
            result = task(item)
            yield item, replace(result, fault=Fault(reason, "Not judged.")) if item == "small.png" else result

    monkeypatch.setattr(engine, "run_in_processes", crash)
    assert audit("photos") == 3
    assert "kept 3, left out 1" in capsys.readouterr().out


def test_a_broken_file_alone_gives_code_0(photos):
    (photos / "empty.jpg").touch()
    assert audit("photos") == 0


def test_the_next_step_takes_the_keep_list_along_and_can_be_pasted(photos, capsys):
    named = photos.rename(photos.with_name("my photos"))
    audit(named.name, "--out", "my audit")
    told = "realesrgan-arch data split 'my photos' --keep 'my audit/keep.csv'"
    assert f"next: {told}" in capsys.readouterr().out
    assert told in html.unescape(Path("my audit/contact_sheet.html").read_text())


def test_a_folder_whose_name_cannot_be_printed_is_left_to_the_user(photos, capsys):
    odd = photos.rename(photos.with_name(os.fsdecode(b"\xff photos")))
    audit(odd.name, "--out", "audited")
    told = "realesrgan-arch data split FOLDER --keep audited/keep.csv (give the folder by hand"
    assert f"next: {told}" in capsys.readouterr().out
    assert told in html.unescape(Path("audited/contact_sheet.html").read_text())


def test_no_process_at_all_is_refused(photos, capsys):
    with pytest.raises(SystemExit):
        run_verb("audit", ["photos", "--jobs", "0"])
    assert "expected a whole number of 1 or more, got '0'" in capsys.readouterr().err


def test_hidden_files_and_decisions_about_absent_files_are_counted(photos, capsys):
    (photos / ".hidden.jpg").touch()
    audit("photos")
    assert "1 hidden or system file ignored." in capsys.readouterr().out
    keep = Path("audit/photos/keep.csv")
    keep.write_text(keep.read_text().replace("no,small.png", "yes,small.png"))
    (photos / "small.png").unlink()
    audit("photos")
    told = capsys.readouterr().out
    assert "1 edited row names a file that is not there; it stays in the keep-list." in told
    assert "kept 3, left out 0 (0.0%)" in told


@pytest.mark.parametrize(("signal", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_a_signal_says_how_to_go_on(photos, capsys, monkeypatch, signal, code):
    def stop(*_, **__):
        raise signal

    monkeypatch.setattr(data_audit, "audit_folder", stop)
    assert audit("photos") == code
    assert "run the same command again to go on" in capsys.readouterr().err


def test_no_folder_is_one_sentence(in_tmp_path, capsys):
    assert audit("absent") == 2
    assert "Expected a folder of images, but absent does not exist." in capsys.readouterr().err
    assert not Path("audit").exists()


def test_the_thresholds_file_of_the_project_is_the_default(photos, capsys):
    options = Path(__file__).parents[2] / "options" / "audit.yml"
    audit("photos", "--out", "first")
    audit("photos", "--out", "second", "--thresholds", options)
    assert Path("first/findings.csv").read_bytes() == Path("second/findings.csv").read_bytes()


def test_where_nothing_can_be_kept_no_split_is_proposed(in_tmp_path, capsys):
    (in_tmp_path / "broken").mkdir()
    (in_tmp_path / "broken/a.png").write_text("no picture")
    assert audit("broken") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: add pictures that can be used, and audit again"
