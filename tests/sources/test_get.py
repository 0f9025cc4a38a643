"""A data set arrives from a web server, once; a second run asks for nothing."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.data.files import DataError
from realesrgan_arch.downloading.fetch import RemoteFile
from realesrgan_arch.downloading.web import DownloadError
from realesrgan_arch.sources.get import get_source
from realesrgan_arch.sources.table import Folder, Source, SourceFile
from tests.sources.archives import content, zip_bytes
from tests.sources.tiny_set import HR_ZIP, LIST, X4_TAR, sha256
from tests.web_server import Answer


def test_a_set_arrives_and_the_licence_is_told_first(get):
    got = get()
    names = "abcdefghij"
    here = content(get.out)
    assert sorted(here) == sorted(
        [f"tiny/HR/{name}.png" for name in names]
        + [f"tiny/LR/X4/{name}.png" for name in names]
        + ["tiny/list.txt", "tiny/.receipt.json"]
    )
    assert here["tiny/list.txt"] == LIST
    assert get.told == ["Tiny: ten pictures", "from https://example.org/tiny", "licence: for tests (https://l)"]
    assert get.paths == ["/hr.zip", "/x4.tgz", "/list.txt"]
    assert got.new_parts == ("validation-hr", "validation-x4", "list")
    assert {part: amounts[0].num_files for part, amounts in got.parts.items()} == {
        "validation-hr": 10,
        "validation-x4": 10,
        "list": 1,
    }
    receipt = json.loads(here["tiny/.receipt.json"])
    assert receipt["licence"] == "for tests"
    assert receipt["parts"]["validation-hr"] == [{"path": "HR", "num_files": 10, "num_bytes": 400_000}]


def test_a_second_run_makes_no_request_and_changes_nothing(get):
    get()
    before = {path: path.stat().st_mtime_ns for path in get.out.rglob("*")}
    got = get()
    assert get.site.requests == []
    assert got.new_parts == ()
    assert get.told == []
    assert {path: path.stat().st_mtime_ns for path in get.out.rglob("*")} == before


def test_parts_are_fetched_alone_and_completed_later(get):
    got = get(parts=("validation-x4",))
    assert get.paths == ["/x4.tgz"]
    assert tuple(got.parts) == ("validation-x4",)
    get(parts=("validation",))
    assert get.paths == ["/hr.zip"]
    get()
    assert get.paths == ["/list.txt"]


def test_an_archive_that_arrives_while_another_is_removed_is_no_fault(get, monkeypatch):
    unlink = Path.unlink

    def unlink_and_add(path, missing_ok=False):
        unlink(path, missing_ok=missing_ok)
        if path == get.out / "archives/list.txt":
            (get.out / "archives/other.part").touch()

    monkeypatch.setattr(Path, "unlink", unlink_and_add)
    get(parts=("list",))
    assert [path.name for path in (get.out / "archives").iterdir()] == ["other.part"]


def test_two_sets_of_one_archive_share_it_and_do_not_take_it_from_each_other(get):
    twin = replace(get.source, name="twin")
    begun, go_on = threading.Event(), threading.Event()
    wait = Answer(HR_ZIP, breaks_after=100, before_break=lambda: (begun.set(), go_on.wait(20)))
    get.site.serve("/hr.zip", wait, Answer(HR_ZIP))
    options = {"parts": ("validation-hr",), "tell": get.told.append, "pause": lambda seconds: None}
    first = threading.Thread(target=lambda: get_source(get.source, get.out, keep_archives=True, **options))
    first.start()
    assert begun.wait(20)
    with pytest.raises(DataError, match=r"another process is fetching hr\.zip into .*datasets; wait for it"):
        get_source(twin, get.out, **options)
    go_on.set()
    first.join(20)
    get.site.requests.clear()
    get_source(twin, get.out, **options)
    assert get.site.requests == []
    assert (get.out / "archives/hr.zip").read_bytes() == HR_ZIP
    assert content(get.out / "twin/HR") == content(get.out / "tiny/HR")


def test_an_archive_that_lies_there_is_checked_used_and_kept(get):
    archive = get.out / "archives/hr.zip"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(HR_ZIP[:-1] + b"x")
    with pytest.raises(DownloadError, match=r"archives/hr\.zip is not the published file \(SHA-256 .*: remove it"):
        get(parts=("validation-hr",))
    archive.write_bytes(HR_ZIP)
    get(parts=("validation-hr",))
    assert get.site.requests == []
    assert archive.read_bytes() == HR_ZIP


def test_archives_are_kept_when_asked(get):
    get(keep_archives=True)
    assert sorted(path.name for path in (get.out / "archives").iterdir()) == ["hr.zip", "list.txt", "x4.tgz"]
    shutil.rmtree(get.out / "tiny")
    get()
    assert get.site.requests == []


def test_a_web_page_in_place_of_the_archive_says_what_to_do_by_hand(get):
    get.site.serve("/hr.zip", Answer(b"<html>Download anyway", headers={"Content-Type": "text/html"}))
    message = (
        r"gave a web page instead of the file: open https://example.org/tiny, download hr\.zip in the browser, "
        r"put it into .*/datasets/archives and run the command again\.$"
    )
    with pytest.raises(DownloadError, match=message):
        get()
    assert "tiny" not in [path.name for path in get.out.iterdir()]


def test_a_published_archive_with_other_bytes_is_not_unpacked(get):
    evil = zip_bytes({f"set_HR/{name}.png": b"x" for name in "abcdefghij"} | {"../../evil.png": b"x"})
    get.site.serve("/hr.zip", Answer(evil))
    with pytest.raises(DownloadError, match=r"hr\.zip sends less than the"):
        get()
    assert content(get.out) == {}


def test_an_archive_that_climbs_out_is_refused_even_with_the_right_checksum(get):
    evil = zip_bytes({f"set_HR/{name}.png": b"x" for name in "abcdefghij"} | {"../../evil.png": b"x"})
    url = get.site.serve("/evil.zip", Answer(evil))
    file = SourceFile("all", "evil.zip", RemoteFile(url, len(evil), sha256(evil)), (Folder("set_HR", "HR", 10),))
    source = Source("evil", "Evil", "https://e", "none", "https://e", "Nobody", (file,))
    with pytest.raises(DataError, match=r"holds '../../evil\.png', a path that leaves the folder"):
        get_source(source, get.out, tell=get.told.append)
    assert list(content(get.out)) == ["archives/evil.zip"]
    assert not (get.out.parent / "evil.png").exists()


def test_room_for_everything_is_checked_before_the_first_byte(get, monkeypatch):
    needed = 2 * len(HR_ZIP) + len(X4_TAR) + len(LIST)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed - 1))
    with pytest.raises(DownloadError, match=rf"fetching and unpacking needs {say_bytes(needed)} in .*datasets, but"):
        get()
    assert get.site.requests == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed))
    get()


def test_bytes_that_are_here_already_need_no_room(get, monkeypatch):
    get.site.serve("/hr.zip", Answer(HR_ZIP, breaks_after=100_000), Answer(status=503, headers={"Retry-After": "9999"}))
    with pytest.raises(DownloadError, match="asks to wait 9,999 seconds"):
        get(parts=("validation-hr",))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2 * len(HR_ZIP) - 100_000))
    get.site.serve("/hr.zip", Answer(HR_ZIP))
    get(parts=("validation-hr",))
    assert get.site.ranges == ["bytes=100000-"]


def test_two_processes_do_not_fetch_one_set(get):
    begun, go_on = threading.Event(), threading.Event()
    wait = Answer(HR_ZIP, breaks_after=100, before_break=lambda: (begun.set(), go_on.wait(20)))
    get.site.serve("/hr.zip", wait, Answer(HR_ZIP))
    first = threading.Thread(
        target=lambda: get_source(get.source, get.out, tell=get.told.append, pause=lambda seconds: None)
    )
    first.start()
    assert begun.wait(20)
    with pytest.raises(DataError, match="another process is fetching tiny into .*datasets; wait for it"):
        get_source(get.source, get.out, tell=get.told.append)
    go_on.set()
    first.join(20)
    assert len(content(get.out)) == 22


def test_a_folder_that_cannot_be_written_is_one_sentence(get):
    get.out.write_text("a file")
    with pytest.raises(DataError, match=r"cannot read or write .*datasets: .*; mend that and run the command again\.$"):
        get()
