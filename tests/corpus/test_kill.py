"""An audit that is killed, at the start, in the middle and in the writing of its results, goes on where it was."""

import multiprocessing
import time
from pathlib import Path

import pytest

from tests.corpus import pictures
from tests.corpus.corpus_folder import RESULTS, comparable, run_quietly

NUM_FILES = 18
KILLS = ((2, 0.0), (7, 0.0), (13, 0.0), (NUM_FILES, 0.0), (NUM_FILES, 0.02))
"""After so many lines of the journal, and so many seconds."""


def audit(folder: Path, out: Path) -> None:
    run_quietly("audit", str(folder), "--jobs", "2", "--out", str(out))


def kill_after(num_records: int, seconds: float, photos: Path, out: Path) -> int:
    """Audit in a process of its own, kill that and return how many records it left."""
    # A server that imported everything once forks for each run.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["realesrgan_arch.audit.examine", "tests.corpus.test_kill"])
    process = context.Process(target=audit, args=(photos, out))
    process.start()
    while process.is_alive() and count_records(out) < num_records:
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    process.join()
    return count_records(out)


def count_records(out: Path) -> int:
    journal = out / "journal.jsonl"
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def results(out: Path) -> dict[str, bytes]:
    """The results that are there."""
    return {name: comparable(out / name) for name in RESULTS if (out / name).exists()}


@pytest.mark.slow
def test_an_audit_that_is_killed_again_and_again_ends_with_the_same_files(photos: Path, tmp_path: Path):
    (photos / "small.png").write_bytes(pictures.png(1))
    (photos / "text.png").write_text("hello")
    audit(photos, tmp_path / "whole")
    whole = results(tmp_path / "whole")
    assert set(whole) == set(RESULTS)
    left = []
    for num_records, seconds in KILLS:
        left.append(kill_after(num_records, seconds, photos, tmp_path / "out"))
        assert results(tmp_path / "out").items() <= whole.items()
    assert left == sorted(left)
    assert 0 < left[0] < NUM_FILES, "no kill came in the middle"
    report = run_quietly("audit", str(photos), "--out", str(tmp_path / "out"))
    assert report.lines[0] == f"looked at {NUM_FILES} image files ({left[-1]} of them in an earlier run)"
    assert results(tmp_path / "out") == whole
