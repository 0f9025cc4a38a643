"""Which answers are waited for, which end it with one sentence, and which hosts may give them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from realesrgan_arch.downloading.fetch import RemoteFile, fetch
from realesrgan_arch.downloading.web import DownloadError
from tests.downloading.remote import BODY, Pauses, names
from tests.web_server import Answer


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


@pytest.mark.parametrize("text", ["²", "-7", "7.5", "Wed, 21 Oct 99999999999 07:28:00 GMT", ""])
def test_a_wait_that_is_neither_a_number_nor_a_date_is_ours_to_choose(site, target, text):
    url = site.serve("/set.zip", Answer(status=503, headers={"Retry-After": text}), Answer(BODY))
    pauses = Pauses()
    fetch(RemoteFile(url), target, pause=pauses)
    assert pauses == [1]


def test_a_length_that_is_no_number_is_an_unknown_length(site, target):
    fetch(RemoteFile(site.serve("/set.zip", Answer(BODY, headers={"Content-Length": "²"}))), target)
    assert target.read_bytes() == BODY


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
