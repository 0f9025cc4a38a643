"""Unfinished files of killed runs: removed when nobody writes there, or when they are old."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch import atomic, file_lock
from realesrgan_arch.upscaling.leftovers import remove_leftovers, writing_into

NOW = 1_800_000_000.0
OLD, NEW = ".old_one1.partial", ".new_one2.partial"
OTHERS = [".my-notes.partial", ".x.partial", "mine.partial"]
HOLD = """
import sys
from pathlib import Path
from realesrgan_arch.upscaling.leftovers import writing_into
with writing_into(Path(sys.argv[1])):
    sys.stdout.write("writing\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


@pytest.fixture
def partials(tmp_path):
    for name, age in ((OLD, 25 * 3600), (NEW, 60)):
        path = tmp_path / name
        path.write_bytes(b"half")
        os.utime(path, (NOW - age, NOW - age))
    for name in OTHERS:
        (tmp_path / name).write_bytes(b"of somebody else")
    return tmp_path


@pytest.fixture
def other_writer(partials):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(partials)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "writing\n"
    yield other
    other.kill()
    other.wait()


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".upscaling.lock")


def _remove(folder, *, is_shard=False):
    remove_leftovers(folder, [folder], is_shard=is_shard, now=NOW)


def test_alone_it_removes_all_of_ours_and_nothing_that_only_ends_like_them(partials):
    _remove(partials)
    assert _names(partials) == sorted(OTHERS)
    assert not (partials / ".upscaling.lock").exists()


def test_beside_another_writer_it_removes_only_those_of_yesterday_and_all_after_its_kill(partials, other_writer):
    with writing_into(partials):  # any number write at once
        pass
    _remove(partials)
    assert _names(partials) == sorted([NEW, *OTHERS])
    other_writer.kill()
    other_writer.wait()
    _remove(partials)
    assert _names(partials) == sorted(OTHERS)
    assert not (partials / ".upscaling.lock").exists()


def test_a_shard_is_never_alone(partials):
    _remove(partials, is_shard=True)
    assert _names(partials) == sorted([NEW, *OTHERS])


def test_where_there_are_no_locks_nobody_is_alone(partials, monkeypatch):
    monkeypatch.setattr(file_lock, "fcntl", None)
    with writing_into(partials):
        _remove(partials)
    assert _names(partials) == sorted([NEW, *OTHERS])


def test_a_file_that_gets_its_name_meanwhile_is_no_fault(partials, monkeypatch):
    found = atomic.partial_files(partials)
    monkeypatch.setattr(atomic, "partial_files", lambda folder: [Path(folder / ".vanished.partial"), *found])
    _remove(partials)
    assert _names(partials) == sorted(OTHERS)


def test_the_lock_file_goes_with_the_last_writer(tmp_path):
    with writing_into(tmp_path):
        with writing_into(tmp_path):
            pass
        assert (tmp_path / ".upscaling.lock").exists()
    assert list(tmp_path.iterdir()) == []
