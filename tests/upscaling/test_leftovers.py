"""Unfinished files of killed runs: removed when nobody writes there, or when they are old."""

import os
import subprocess
import sys

import pytest

from realesrgan_arch.upscaling.leftovers import remove_leftovers, sole_writer

NOW = 1_800_000_000.0
HOLD = """
import sys
from pathlib import Path
from realesrgan_arch.upscaling.leftovers import sole_writer
with sole_writer(Path(sys.argv[1]), is_shard=False) as is_alone:
    sys.stdout.write(f"{is_alone}\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


@pytest.fixture
def partials(tmp_path):
    for name, age in (("old", 25 * 3600), ("new", 60)):
        path = tmp_path / f".{name}.partial"
        path.write_bytes(b"half")
        os.utime(path, (NOW - age, NOW - age))
    (tmp_path / "mine.partial").write_bytes(b"no dot before it")
    return tmp_path


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_alone_it_removes_all_of_them(partials):
    remove_leftovers([partials], is_alone=True, now=NOW)
    assert _names(partials) == ["mine.partial"]


def test_beside_others_it_removes_only_those_of_yesterday(partials):
    remove_leftovers([partials], is_alone=False, now=NOW)
    assert _names(partials) == [".new.partial", "mine.partial"]


def test_a_second_run_into_the_folder_is_not_alone_and_the_next_one_is(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "True\n"
    with sole_writer(tmp_path, is_shard=False) as is_alone:
        assert not is_alone
    other.kill()
    other.wait()
    with sole_writer(tmp_path, is_shard=False) as is_alone:
        assert is_alone
    assert _names(tmp_path) == []


def test_a_shard_is_never_alone(tmp_path):
    with sole_writer(tmp_path, is_shard=True) as is_alone:
        assert not is_alone
