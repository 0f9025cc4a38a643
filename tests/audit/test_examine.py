"""One file: what is wrong with it has a stable name and one sentence; decoders keep quiet."""

import errno
import hashlib
import os
import struct
import zlib

import numpy as np
import pytest

from realesrgan_arch.audit import examine as module
from realesrgan_arch.audit.examine import draw_thumbnail, examine
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.data.files import DataError
from tests.audit.pictures import photo, write_photo

DEFAULTS = AuditThresholds()


def png_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"\0\0\0\0IEND\xaeB`\x82"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory):
    return write_photo(tmp_path_factory.mktemp("jpeg") / "a.jpg", 1).read_bytes()


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    return write_photo(tmp_path_factory.mktemp("png") / "a.png", 1, side=64).read_bytes()


def look(folder, data, name="a.jpg"):
    (folder / name).write_bytes(data)
    return examine(name, root=folder, thresholds=DEFAULTS)


def test_a_good_file_is_hashed_measured_and_fingerprinted(tmp_path, jpeg):
    record = look(tmp_path, jpeg)
    facts = (tmp_path / "a.jpg").stat()
    assert (record.size, record.mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    assert record.sha256 == hashlib.sha256(jpeg).hexdigest()
    assert (record.measurements.width, record.measurements.height) == (420, 420)
    assert record.fingerprint.is_telling
    assert record.fault is None
    assert record.is_lasting


def test_only_a_file_with_findings_brings_a_thumbnail_which_is_the_one_that_is_drawn_later(tmp_path, jpeg):
    assert look(tmp_path, jpeg).thumbnail == ""
    write_photo(tmp_path / "small.png", 1, side=100)
    small = examine("small.png", root=tmp_path, thresholds=DEFAULTS)
    assert small.thumbnail.startswith("data:image/jpeg;base64,")
    assert small.thumbnail == draw_thumbnail("small.png", root=tmp_path)


@pytest.mark.parametrize(
    ("make", "reason", "words"),
    [
        (lambda jpeg, png: b"", "empty", "is empty"),
        (lambda jpeg, png: b"hello", "not_an_image", "looks like a text file"),
        (lambda jpeg, png: bytes(100), "not_an_image", "a file of zeros"),
        (lambda jpeg, png: b"\0\0\0\x18ftypheic" + bytes(50), "unsupported", "HEIC or AVIF"),
        (lambda jpeg, png: b"%PDF-1.7 " + bytes(50), "unsupported", "PDF document"),
        (lambda jpeg, png: png_header(60_000, 60_000), "too_large", "60000 x 60000 pixels"),
        (lambda jpeg, png: jpeg[: len(jpeg) // 2], "truncated", "truncated JPEG"),
        (lambda jpeg, png: png[: len(png) // 2], "truncated", "truncated PNG"),
        (lambda jpeg, png: flipped(png), "corrupt", "damaged PNG"),
        (lambda jpeg, png: jpeg[: len(jpeg) // 2] + b"\xff\xd9", "corrupt", "premature end"),
    ],
)
def test_every_fault_has_its_name_and_a_sentence_with_the_file(tmp_path, jpeg, png, make, reason, words, capfd):
    record = look(tmp_path, make(jpeg, png))
    assert record.fault.reason == reason
    assert words in record.fault.text
    assert record.fault.text.startswith("a.jpg ")
    assert record.measurements is None
    assert capfd.readouterr().err == ""


def test_stray_bytes_before_the_end_of_a_jpeg_are_no_damage(tmp_path, jpeg):
    assert look(tmp_path, jpeg[:-2] + bytes(9) + b"\xff\xd9").fault is None


def test_a_file_that_is_gone_or_forbidden_is_no_lasting_record(tmp_path, monkeypatch, jpeg):
    gone = examine("gone.jpg", root=tmp_path, thresholds=DEFAULTS)
    assert gone.fault.reason == "vanished"
    assert not gone.is_lasting
    (tmp_path / "folder.jpg").mkdir()
    denied = examine("folder.jpg", root=tmp_path, thresholds=DEFAULTS)
    assert denied.fault.reason == "unreadable"
    assert not denied.is_lasting


def test_a_file_beyond_the_limit_is_not_read(tmp_path, monkeypatch, jpeg):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1000)
    record = look(tmp_path, jpeg)
    assert record.fault.reason == "too_large"
    assert record.sha256 == ""


def test_a_file_that_grows_while_it_is_read_is_not_read_beyond_the_limit(tmp_path, monkeypatch, jpeg):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1000)
    path, fstat = tmp_path / "a.jpg", module.os.fstat
    path.write_bytes(jpeg[:500])

    def grow(handle):
        facts = fstat(handle)
        path.write_bytes(jpeg)
        return facts

    monkeypatch.setattr(module.os, "fstat", grow)
    fault = examine("a.jpg", root=tmp_path, thresholds=DEFAULTS).fault
    assert fault.reason == "too_large"
    assert "1001 bytes or more" in fault.text


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files in memory are Linux's")
def test_a_full_temporary_folder_does_not_matter(tmp_path, monkeypatch, jpeg):
    monkeypatch.setattr(module.tempfile, "TemporaryFile", no_space)
    module.check_capturing()
    assert look(tmp_path, jpeg).fault is None


def test_no_place_for_what_decoders_say_is_one_sentence(monkeypatch):
    monkeypatch.delattr(module.os, "memfd_create", raising=False)
    module.check_capturing()
    monkeypatch.setattr(module.tempfile, "TemporaryFile", no_space)
    with pytest.raises(DataError, match="temporary file, and none can be made: No space left.*TMPDIR"):
        module.check_capturing()


def no_space():
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_name_that_is_not_utf8_is_examined_and_shown_escaped(tmp_path, jpeg):
    name = b"\xff.jpg".decode("utf-8", "surrogateescape")
    assert look(tmp_path, jpeg, name).fault is None
    assert look(tmp_path, b"hello", name).fault.text.startswith("\\udcff.jpg is not an image")


def test_a_thumbnail_is_small(tmp_path):
    write_photo(tmp_path / "a.png", 3, side=700)
    assert len(draw_thumbnail("a.png", root=tmp_path)) < 40_000
    assert np.asarray(photo(3)).shape == (420, 420, 3)
    assert draw_thumbnail("gone.png", root=tmp_path) == ""
