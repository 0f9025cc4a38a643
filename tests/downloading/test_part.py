"""A transfer that broke off goes on where it was, unless the file on the server may be another by now."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from realesrgan_arch.downloading.fetch import RemoteFile, fetch
from realesrgan_arch.downloading.web import DownloadError
from tests.downloading.remote import BODY, HALF, OTHER, SHA256, Pauses, break_off, names
from tests.web_server import Answer


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


DAY = "Wed, 21 Oct 2015 07:28:00 GMT"
NEXT_DAY = "Thu, 22 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("etags", "days", "is_same"),
    [
        ((None, None), (DAY, NEXT_DAY), False),
        (('W/"one"', 'W/"one"'), (DAY, NEXT_DAY), False),
        (('"one"', '"two"'), (DAY, DAY), False),
        (('"one"', None), (DAY, NEXT_DAY), False),
        (('"one"', '"one"'), (DAY, NEXT_DAY), True),
        (('"one"', None), (DAY, None), True),
    ],
)
def test_a_server_that_ignores_if_range_is_checked_by_etag_and_date(site, target, etags, days, is_same):
    first, second = [{"Last-Modified": day} if day else {} for day in days]
    remote = break_off(site, target, etag=etags[0], headers=first)
    body = BODY if is_same else OTHER
    site.serve("/set.zip", Answer(body, etag=etags[1], headers=second, ignores_if_range=True))
    fetch(remote, target, pause=Pauses())
    assert target.read_bytes() == body
    assert site.ranges == ([f"bytes={HALF}-"] if is_same else [f"bytes={HALF}-", None])


def test_a_file_that_became_shorter_than_the_part_is_begun_anew(site, target):
    remote = break_off(site, target)
    site.serve("/set.zip", Answer(BODY[:100], ignores_if_range=True))
    fetch(remote, target, pause=Pauses())
    assert target.read_bytes() == BODY[:100]
    assert site.ranges == [f"bytes={HALF}-", None]


def test_without_etag_the_date_guards_the_range(site, target):
    date = {"Last-Modified": DAY}
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
