"""What goes wrong around a command: a full disk, a kill, a folder that changes, a folder of 50,000 entries."""

import csv
import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from realesrgan_arch import atomic
from realesrgan_arch.audit import engine
from realesrgan_arch.audit.keep_list import read_keep_rows
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.commands.data import VERBS
from realesrgan_arch.data.files import DataError, list_folder
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.errors import UserError
from tests.corpus import pictures
from tests.corpus.corpus_folder import run_quietly
from tests.corpus.powers import give_up_powers

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = (sys.executable, "-m", "realesrgan_arch.cli", "data")
RESULTS = ("findings.csv", "keep.csv", "contact_sheet.html")
PAGE_BYTES = 4096
NUM_ENTRIES = 50_000
MAX_GROWTH_BYTES = 250_000_000
"""For 50,000 files: a record, a finding and a row of each."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight scenes of two photographs each."""
    for number in range(16):
        path = tmp_path / "photos" / f"scene {number // 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.encoded(pictures.facade(number, 300, 280), "PNG"))
    return tmp_path / "photos"


def check_refused(verb: str, *argv: str | Path) -> None:
    """The command ends with code 2 and one sentence about the disk."""
    with pytest.raises(UserError) as caught:
        run_quietly(verb, *map(str, argv))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert "disk" in str(caught.value) or "space" in str(caught.value)


# A full disk


@contextmanager
def tiny_disk(folder: Path, *, num_bytes: int) -> Iterator[Path]:
    """A file system of that size; only root can make one."""
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, keep_bytes: int) -> None:
    """Leave so much room."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "filler").write_bytes(bytes(free - keep_bytes))


def files_below(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "filler")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("free_pages", [0, 1, 2])
def test_a_split_onto_a_full_disk_leaves_no_half_file(photos: Path, tmp_path: Path, free_pages: int):
    arguments = ("split", str(photos), "--val", "0.2", "--test", "0.2", "--keep", "none", "--no-near")
    run_quietly(*arguments, "--out", str(tmp_path / "whole"))
    with tiny_disk(tmp_path / "disk", num_bytes=32 * PAGE_BYTES) as disk:
        fill(disk, keep_bytes=free_pages * PAGE_BYTES)
        check_refused(*arguments, "--out", disk)
        assert files_below(disk).items() <= files_below(tmp_path / "whole").items()
        assert "split.json" not in files_below(disk)


def test_a_split_that_takes_the_place_of_another_and_is_not_finished_is_no_split(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    arguments = ("split", str(photos), "--val", "0.2", "--test", "0.2", "--no-near", "--out", str(tmp_path / "split"))
    run_quietly(*arguments)
    write = atomic.write_bytes

    def refuse(path: Path, data: bytes) -> None:
        if path.name == "val.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(atomic, "write_bytes", refuse)
    check_refused(*arguments, "--seed", "5")
    with pytest.raises(DataError, match="split.json cannot be read"):
        open_split(tmp_path / "split")


@pytest.mark.slow
def test_an_audit_onto_a_full_disk_goes_on_where_it_was_when_there_is_room(photos: Path, tmp_path: Path):
    (photos / "text.png").write_text("hello")
    run_quietly("audit", str(photos), "--out", str(tmp_path / "whole"))
    whole = results(tmp_path / "whole")
    with tiny_disk(tmp_path / "disk", num_bytes=256 * PAGE_BYTES) as disk:
        out = disk / "audit"
        for free_pages in (0, 2, 4, 6):
            fill(disk, keep_bytes=free_pages * PAGE_BYTES)
            check_refused("audit", photos, "--out", out, "--jobs", "1")
            finished = {name: comparable(out / name) for name in files_below(out) if name in RESULTS}
            assert finished.items() <= whole.items()
            assert not [name for name in files_below(out) if "partial" in name]
            (disk / "filler").unlink()
        run_quietly("audit", str(photos), "--out", str(out))
        assert results(out) == whole


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("tiles", "--size", "128", "--step", "64"), ("freeze", "--preset", "bicubic")])
def test_pictures_onto_a_full_disk_are_one_sentence_and_no_half_file(photos: Path, tmp_path: Path, flags: tuple[str]):
    split, (verb, *options) = str(tmp_path / "split"), flags
    pytest.importorskip(VERBS[verb][0])
    run_quietly("split", str(photos), "--val", "0.2", "--test", "0.2", "--keep", "none", "--no-near", "--out", split)
    run_quietly(verb, split, *options, "--out", str(tmp_path / "whole"))
    whole = files_below(tmp_path / "whole")
    with tiny_disk(tmp_path / "disk", num_bytes=64 * PAGE_BYTES) as disk:
        check_refused(verb, split, *options, "--out", disk / "set")
        finished = {name: data for name, data in files_below(disk / "set").items() if name.endswith(".png")}
        assert all(whole[name] == data for name, data in finished.items() if name in whole)
        assert not [name for name in files_below(disk) if "partial" in name]


# A kill


def results(out: Path) -> dict[str, bytes]:
    """The files of an audit; the sheet names its own keep-list, whose folder is put in one word."""
    return {name: comparable(out / name) for name in RESULTS}


def comparable(path: Path) -> bytes:
    data = path.read_bytes()
    for folder in (os.fsencode(path.parent), os.fsencode(path.parent.name)):
        data = data.replace(folder + b"/keep.csv", b"OUT/keep.csv")
    return data


@pytest.mark.slow
def test_an_audit_that_is_killed_again_and_again_ends_with_the_same_files(photos: Path, tmp_path: Path):
    """At random moments, of which some lie at the start, some in the middle, some in the writing of the results."""
    (photos / "small.png").write_bytes(pictures.png(1))
    (photos / "text.png").write_text("hello")
    command = [*COMMAND, "audit", "photos", "--jobs", "2", "--out"]
    begin = time.monotonic()
    subprocess.run([*command, "whole"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True)
    seconds = time.monotonic() - begin
    moments = random.Random(0)
    for _ in range(5):
        process = subprocess.Popen([*command, "out"], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        time.sleep(seconds * moments.uniform(0.4, 1.0))
        process.kill()
        process.wait()
        present = {name: tmp_path / "out" / name for name in RESULTS if (tmp_path / "out" / name).exists()}
        assert all(comparable(path) == comparable(tmp_path / "whole" / name) for name, path in present.items())
    subprocess.run([*command, "out"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True)
    assert results(tmp_path / "out") == results(tmp_path / "whole")


# A folder that changes


class BlockedError(Exception):
    pass


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """What blocks for ever fails instead."""

    def ring(*_):
        raise BlockedError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_files_that_become_something_else_while_the_audit_runs_block_nothing_and_keep_their_row(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    names = [f"scene {number // 2}/{number}.png" for number in range(16)]

    def change() -> None:
        for name in names[4:9]:
            (photos / name).unlink()
        os.mkfifo(photos / names[4])
        (photos / names[5]).mkdir()
        (photos / names[6]).symlink_to("/dev/zero")
        (photos / names[7]).symlink_to(photos / names[7])
        (photos / names[8]).write_bytes(b"")
        (photos / "scene 7").rename(photos / "scene 7 renamed")

    def run_here(task, items, **_):
        for number, item in enumerate(items):
            if number == 2:
                change()
            yield item, task(item)

    monkeypatch.setattr(engine, "run_in_processes", run_here)
    with at_most(20):
        outcome = engine.audit_folder(photos, tmp_path / "out", thresholds=AuditThresholds(), num_processes=1)
    reasons = {item.path: item.finding.reason for item in outcome.found if item.finding.drop}
    assert [row.path for row in outcome.keep_rows] == names
    assert [row.path for row in outcome.keep_rows if not row.keep] == [*names[4:9], *names[14:]]
    assert {reasons[name] for name in names[4:8]} <= {"unreadable", "vanished", "changed"}
    assert reasons[names[8]] == "empty"
    assert reasons[names[14]] == reasons[names[15]] == "vanished"
    assert "2 files appeared while the audit ran: run it again to look there too." in outcome.notes


# Many entries


@pytest.mark.slow
def test_of_50000_entries_and_a_folder_that_cannot_be_read_nothing_is_lost(tmp_path: Path):
    root = tmp_path / "photos"
    write_many(root)
    (root / "locked").mkdir()
    (root / "locked" / "a.png").write_bytes(pictures.png(1))
    (root / "locked").chmod(0)
    small = tmp_path / "small"
    (small / "photos").mkdir(parents=True)
    (small / "photos" / "a.png").write_bytes(pictures.encoded(pictures.facade(1), "PNG"))
    base = peak_of("audit", "photos", cwd=small)
    try:
        done, peak = run_measured("audit", "photos", cwd=tmp_path)
    finally:
        (root / "locked").chmod(0o755)
    assert done.returncode == 3, done.stderr
    assert "1 folder could not be read; nothing below was looked at." in done.stdout
    rows = read_keep_rows(tmp_path / "audit" / "photos" / "keep.csv")
    assert sorted(row.path for row in rows) == sorted(
        path.relative_to(root).as_posix() for path in list_folder(root).images if "locked" not in path.parts
    )
    assert len(rows) == NUM_ENTRIES
    assert sum(row.keep for row in rows) == 2
    with (tmp_path / "audit" / "photos" / "findings.csv").open(newline="") as file:
        findings = list(csv.DictReader(file))
    assert sum(row["reason"] == "not_an_image" for row in findings) == NUM_ENTRIES - 2
    assert [row["path"] for row in findings if row["reason"] == "unreadable_folder"] == ["locked"]
    assert peak - base < MAX_GROWTH_BYTES


def write_many(root: Path) -> None:
    """All but two of 50,000 differ and are no pictures: looking at them is what costs least."""
    for number in range(NUM_ENTRIES - 2):
        folder = root / f"{number // 1000}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number}.jpg").write_bytes(b"no picture, number %d" % number)
    for number in range(2):
        (root / f"good{number}.png").write_bytes(pictures.encoded(pictures.facade(number, 400, 400), "PNG"))


def run_measured(*argv: str, cwd: Path) -> tuple[subprocess.CompletedProcess[str], int]:
    """The result, and the peak memory in bytes of the largest process."""
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    command = [sys.executable, "-c", code, *COMMAND, *argv]
    done = subprocess.run(
        command,
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=give_up_powers,
    )
    return done, int(done.stdout.rsplit("peak ", 1)[1]) * 1024


def peak_of(*argv: str, cwd: Path) -> int:
    done, peak = run_measured(*argv, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return peak
