"""A file arrives whole or not at all, whatever the server, the network and the disk do."""

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from realesrgan_arch.downloading.fetch import MAX_TRIES, RemoteFile, check_disk_space, check_file, fetch
from realesrgan_arch.downloading.part import Part
from realesrgan_arch.downloading.web import DownloadError
from tests.downloading.remote import BODY, HALF, MD5, OTHER, SHA256, Pauses, names
from tests.web_server import Answer


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


def test_other_bytes_than_the_published_ones_are_not_kept(site, target):
    url = site.serve("/set.zip", Answer(OTHER))
    with pytest.raises(DownloadError, match=r"gave other bytes than the released file \(SHA-256 \w{16}..., expected"):
        fetch(RemoteFile(url, checksum=SHA256), target)
    assert names(target.parent) == []
    assert len(site.requests) == 1


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


def test_a_disk_without_room_is_found_before_the_first_byte(site, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=len(BODY) - 1))
    url = site.serve("/set.zip", Answer(BODY))
    with pytest.raises(DownloadError, match=r"downloading set\.zip needs 640 kB in .*, but 640 kB are free: make room"):
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
