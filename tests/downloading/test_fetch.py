"""A file arrives whole or not at all, whatever the server, the network and the disk do."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from realesrgan_arch.downloading.fetch import MAX_TRIES, RemoteFile, check_disk_space, check_file, fetch
from realesrgan_arch.downloading.part import Part
from realesrgan_arch.downloading.web import DownloadError
from tests.web_server import Answer, Site, web_server

BODY = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(20_000))  # 640,000 bytes
OTHER = BODY[::-1]
HALF = 300_000
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"


@pytest.fixture
def site():
    with web_server() as running:
        yield running


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "new" / "set.zip"


class Pauses(list):
    """Waits that are noted and not waited for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def break_off(site: Site, target: Path, **facts) -> RemoteFile:
    """Leave the first half of a file, as a process that was stopped does."""
    stop = Answer(status=503, headers={"Retry-After": "9999"})
    remote = RemoteFile(site.serve("/set.zip", Answer(BODY, breaks_after=HALF, **facts), stop))
    with pytest.raises(DownloadError):
        fetch(remote, target, pause=Pauses())
    site.requests.clear()
    return remote


@pytest.mark.parametrize("checksum", [SHA256, MD5, SHA256[:15], None])
def test_a_file_arrives_under_its_name_alone(site, target, checksum):
    fetch(RemoteFile(site.serve("/set.zip", Answer(BODY)), len(BODY), checksum), target)
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["set.zip"]
    assert site.requests == [("/set.zip", None, None)]


def test_a_connection_that_breaks_off_is_continued_by_range(site, target):
    url = site.serve("/set.zip", Answer(BODY, breaks_after=HALF), Answer(BODY, breaks_after=100), Answer(BODY))
    pauses = Pauses()
    fetch(RemoteFile(url, checksum=SHA256), target, pause=pauses)
    assert target.read_bytes() == BODY
    assert site.requests == [
        ("/set.zip", None, None),
        ("/set.zip", f"bytes={HALF}-", '"one"'),
        ("/set.zip", f"bytes={HALF + 100}-", '"one"'),
    ]
    assert pauses == [1, 1]


def test_tries_that_bring_nothing_new_wait_longer_and_end(site, target):
    url = site.serve("/set.zip", Answer(BODY, breaks_after=HALF), Answer(BODY, breaks_after=0))
    pauses = Pauses()
    message = f"broke off after 300,000 of 640,000 bytes: try again later; it goes on after the {HALF:,} bytes"
    with pytest.raises(DownloadError, match=message):
        fetch(RemoteFile(url), target, pause=pauses)
    assert pauses == [1, 2, 4, 8]
    assert len(site.requests) == MAX_TRIES


def test_a_server_that_ignores_ranges_and_always_breaks_off_is_left_after_some_tries(site, target):
    url = site.serve("/set.zip", Answer(BODY, breaks_after=HALF, ignores_range=True))
    with pytest.raises(DownloadError, match="broke off"):
        fetch(RemoteFile(url), target, pause=Pauses())
    assert len(site.requests) == MAX_TRIES


def test_a_second_run_continues_what_a_first_one_left(site, target):
    remote = break_off(site, target)
    assert names(target.parent) == ["set.zip.part", "set.zip.part.json"]
    site.serve("/set.zip", Answer(BODY))
    fetch(remote, target)
    assert site.requests == [("/set.zip", f"bytes={HALF}-", '"one"')]
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["set.zip"]


def test_a_server_that_answers_a_range_with_the_whole_file_is_taken_at_its_word(site, target):
    remote = break_off(site, target)
    site.serve("/set.zip", Answer(BODY, ignores_range=True))
    fetch(remote, target)
    assert target.read_bytes() == BODY
    assert site.ranges == [f"bytes={HALF}-"]


@pytest.mark.parametrize("ignores_if_range", [False, True])
def test_a_file_that_changed_on_the_server_is_begun_anew(site, target, ignores_if_range):
    remote = break_off(site, target)
    site.serve("/set.zip", Answer(OTHER, etag='"two"', ignores_if_range=ignores_if_range))
    fetch(remote, target, pause=Pauses())
    assert target.read_bytes() == OTHER
    assert site.ranges == ([f"bytes={HALF}-", None] if ignores_if_range else [f"bytes={HALF}-"])


def test_a_file_that_became_shorter_than_the_part_is_begun_anew(site, target):
    remote = break_off(site, target)
    site.serve("/set.zip", Answer(BODY[:100], ignores_if_range=True))
    fetch(remote, target, pause=Pauses())
    assert target.read_bytes() == BODY[:100]
    assert site.ranges == [f"bytes={HALF}-", None]


def test_without_etag_the_date_guards_the_range(site, target):
    date = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    remote = break_off(site, target, etag=None, headers=date)
    site.serve("/set.zip", Answer(BODY, etag=None, headers=date, ignores_if_range=True))
    fetch(remote, target)
    assert site.requests == [("/set.zip", f"bytes={HALF}-", date["Last-Modified"])]
    assert target.read_bytes() == BODY


def test_a_weak_etag_is_no_guard(site, target):
    remote = break_off(site, target, etag='W/"one"')
    site.serve("/set.zip", Answer(OTHER, etag='W/"one"'))
    fetch(remote, target)
    assert site.requests == [("/set.zip", None, None)]
    assert target.read_bytes() == OTHER


def test_without_etag_date_or_checksum_a_broken_transfer_begins_anew(site, target):
    url = site.serve("/set.zip", Answer(OTHER, etag=None, breaks_after=HALF), Answer(BODY, etag=None))
    fetch(RemoteFile(url), target, pause=Pauses())
    assert site.ranges == [None, None]
    assert target.read_bytes() == BODY


def test_a_continued_file_with_a_wrong_checksum_is_begun_anew_once(site, target):
    url = site.serve("/set.zip", Answer(OTHER, breaks_after=HALF, etag=None), Answer(BODY, etag=None))
    fetch(RemoteFile(url, checksum=SHA256), target, pause=Pauses())
    assert target.read_bytes() == BODY
    assert site.ranges == [None, f"bytes={HALF}-", None]


def test_other_bytes_than_the_published_ones_are_not_kept(site, target):
    url = site.serve("/set.zip", Answer(OTHER))
    with pytest.raises(DownloadError, match=r"gave other bytes than the released file \(SHA-256 \w{16}..., expected"):
        fetch(RemoteFile(url, checksum=SHA256), target)
    assert names(target.parent) == []
    assert len(site.requests) == 1


def test_a_part_of_another_address_is_not_continued(site, target):
    break_off(site, target)
    fetch(RemoteFile(site.serve("/other.zip", Answer(BODY))), target)
    assert site.requests == [("/other.zip", None, None)]
    assert names(target.parent) == ["set.zip"]


@pytest.mark.parametrize(
    "card", ["", "{", "[]", '{"url": 3}', '{"url": "URL", "etag": "one", "total": "x"}', '{"url": "URL", "total": 7}']
)
def test_a_part_with_a_damaged_card_is_not_continued(site, target, card):
    remote = break_off(site, target)
    target.with_name("set.zip.part.json").write_text(card.replace("URL", remote.url))
    site.serve("/set.zip", Answer(BODY))
    fetch(remote, target)
    assert site.ranges == [None]
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("status", [429, 503])
def test_busy_servers_are_waited_for_as_long_as_they_ask(site, target, status):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    url = site.serve(
        "/set.zip",
        Answer(status=status, headers={"Retry-After": "7"}),
        Answer(status=status, headers={"Retry-After": soon}),
        Answer(status=status, headers={"Retry-After": "soon"}),
        Answer(BODY),
    )
    pauses = Pauses()
    fetch(RemoteFile(url), target, pause=pauses)
    assert target.read_bytes() == BODY
    assert pauses[0] == 7
    assert 50 < pauses[1] <= 60
    assert pauses[2] == 4


def test_a_server_that_asks_for_an_hour_is_not_waited_for(site, target):
    url = site.serve("/set.zip", Answer(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(DownloadError, match="answered 429 Too Many Requests and asks to wait 3,600 seconds: try again"):
        fetch(RemoteFile(url), target, pause=Pauses())
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("answer", "size", "message"),
    [
        (
            Answer(status=404),
            None,
            r"answered 404 Not Found: try later, or get set\.zip by hand and put it into .*new\.$",
        ),
        (Answer(status=403), None, "answered 403 Forbidden"),
        (Answer(status=416), None, "answered 416"),
        (Answer(b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}), None, "gave a web page instead"),
        (Answer(BODY), 1000, "sends more than the 1,000 bytes expected .640,000.: it is another file"),
        (Answer(BODY), 10**6, "sends less than the 1,000,000 bytes expected"),
        (Answer(BODY, is_endless=True), 1000, "sends more than the 1,000 bytes expected"),
    ],
)
def test_an_answer_that_no_second_try_would_change_is_one_sentence_and_leaves_nothing(
    site, target, answer, size, message
):
    url = site.serve("/set.zip", answer)
    with pytest.raises(DownloadError, match=message) as error:
        fetch(RemoteFile(url, size), target, pause=Pauses())
    assert "\n" not in str(error.value)
    assert names(target.parent) == []
    assert len(site.requests) == 1


def test_a_web_page_names_what_to_do_by_hand(site, target):
    page = Answer(b"<html>", headers={"Content-Type": "text/html"})
    remote = RemoteFile(site.serve("/set.zip", page), by_hand="open its page and put set.zip into here")
    with pytest.raises(DownloadError, match=r"instead of the file: open its page and put set\.zip into here\."):
        fetch(remote, target)


def test_a_length_that_promises_too_much_is_a_broken_connection(site, target):
    url = site.serve("/set.zip", Answer(BODY, content_length=len(BODY) + 5, ignores_range=True))
    with pytest.raises(DownloadError, match="broke off after 640,000 of 640,005 bytes"):
        fetch(RemoteFile(url), target, pause=Pauses())
    assert not target.exists()


def test_a_file_of_unknown_length_is_taken_up_to_the_limit(site, target):
    url = site.serve("/set.zip", Answer(BODY, is_endless=True))
    fetch(RemoteFile(url), target)
    assert target.read_bytes() == BODY
    with pytest.raises(DownloadError, match="sends more than the 639,999 bytes expected"):
        fetch(RemoteFile(url, max_bytes=len(BODY) - 1), target.with_name("b.zip"))
    assert names(target.parent) == ["set.zip"]


def test_redirects_go_where_they_may(site, target):
    elsewhere = site.serve("/real.zip", Answer(BODY)).replace("127.0.0.1", "localhost")
    url = site.serve("/set.zip", Answer(status=302, headers={"Location": elsewhere}))
    with pytest.raises(DownloadError, match=r"leads to another host, localhost; expected 127\.0\.0\.1: nothing was"):
        fetch(RemoteFile(url), target)
    fetch(RemoteFile(url, redirect_hosts=("localhost",)), target)
    assert target.read_bytes() == BODY
    site.serve("/set.zip", Answer(status=302, headers={"Location": "http://example.org/x"}))
    with pytest.raises(DownloadError, match="expected an https address, got http://example.org/x"):
        fetch(RemoteFile(url, redirect_hosts=("example.org",)), target)


def test_plain_http_is_for_this_machine_only(target):
    with pytest.raises(DownloadError, match=r"expected an https address, got http://example\.org/set\.zip"):
        fetch(RemoteFile("http://example.org/set.zip"), target)


def test_a_server_that_was_never_reached_is_not_waited_for(target):
    pauses = Pauses()
    with pytest.raises(DownloadError, match=r"cannot download http://127\.0\.0\.1:9/x \(.*refused.*check the network"):
        fetch(RemoteFile("http://127.0.0.1:9/x"), target, pause=pauses)
    with pytest.raises(DownloadError, match="check the network and try again, or open its page.$"):
        fetch(RemoteFile("http://127.0.0.1:9/x", by_hand="open its page"), target, pause=pauses)
    assert pauses == []


def test_a_disk_without_room_is_found_before_the_first_byte(site, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=len(BODY) - 1))
    url = site.serve("/set.zip", Answer(BODY))
    with pytest.raises(
        DownloadError, match=r"downloading set\.zip needs 0\.6 MB in .*, but 0\.6 MB are free: make room"
    ):
        fetch(RemoteFile(url), target)
    assert not target.with_name("set.zip.part").exists() or target.with_name("set.zip.part").stat().st_size == 0
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=len(BODY)))
    fetch(RemoteFile(url), target)


def test_disk_space_is_that_of_the_nearest_folder_that_exists(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or SimpleNamespace(free=10))
    check_disk_space(tmp_path / "a" / "b", 10, "this")
    assert asked == [tmp_path]


def test_a_disk_that_fills_up_keeps_the_part_and_says_so(site, target, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file, self.left = file, HALF

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(data[: self.left])
            self.left -= len(data)
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        whole_open = Part.open
        patch.setattr(Part, "open", lambda part: Full(whole_open(part)))
        remote = RemoteFile(site.serve("/set.zip", Answer(BODY)), checksum=SHA256)
        with pytest.raises(
            DownloadError, match=r"No space left on device; the 300,000 bytes that have arrived stay in"
        ):
            fetch(remote, target)
    assert len(site.requests) == 1
    fetch(remote, target)
    assert site.ranges == [None, f"bytes={HALF}-"]
    assert target.read_bytes() == BODY


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, site):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DownloadError, match="cannot write into .*file: "):
        fetch(RemoteFile(site.serve("/x", Answer(BODY))), tmp_path / "file" / "x")


def test_two_processes_do_not_write_one_part(site, target):
    broken_off, go_on = threading.Event(), threading.Event()
    wait = Answer(BODY, breaks_after=HALF, before_break=lambda: (broken_off.set(), go_on.wait(20)))
    remote = RemoteFile(site.serve("/set.zip", wait, Answer(BODY)), checksum=SHA256)
    first = threading.Thread(target=lambda: fetch(remote, target, pause=Pauses()))
    first.start()
    assert broken_off.wait(20)
    with pytest.raises(DownloadError, match=r"another process is downloading .*set\.zip now; wait for it"):
        fetch(remote, target)
    go_on.set()
    first.join(20)
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["set.zip"]


def test_a_killed_process_is_continued_by_the_next(site, target):
    broken_off, go_on = threading.Event(), threading.Event()
    wait = Answer(BODY, breaks_after=2 * 256 * 1024, before_break=lambda: (broken_off.set(), go_on.wait(20)))
    url = site.serve("/set.zip", wait, Answer(BODY))
    code = (
        "import sys; from pathlib import Path; from realesrgan_arch.downloading.fetch import RemoteFile, fetch\n"
        "fetch(RemoteFile(sys.argv[1], checksum=sys.argv[2]), Path(sys.argv[3]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, url, SHA256, str(target)], cwd=Path(__file__).parents[2])
    assert broken_off.wait(20)
    part = target.with_name("set.zip.part")
    while not part.exists() or part.stat().st_size < 256 * 1024:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    go_on.set()
    num_kept = part.stat().st_size
    assert json.loads(target.with_name("set.zip.part.json").read_text())["total"] == len(BODY)
    fetch(RemoteFile(url, checksum=SHA256), target)
    assert site.ranges == [None, f"bytes={num_kept}-"]
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["set.zip"]


def test_a_file_that_is_here_is_checked_without_a_request(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(BODY)
    check_file(RemoteFile("https://example.org/set.zip", len(BODY), MD5), path)
    with pytest.raises(DownloadError, match=r"set\.zip has 640,000 bytes, expected 7"):
        check_file(RemoteFile("https://example.org/set.zip", 7), path)
    with pytest.raises(DownloadError, match=r"set\.zip is not the published file \(SHA-256 "):
        check_file(RemoteFile("https://example.org/set.zip", None, "sha256:" + "0" * 64), path)
    with pytest.raises(DownloadError, match="cannot read .*absent"):
        check_file(RemoteFile("https://example.org/set.zip"), tmp_path / "absent")
