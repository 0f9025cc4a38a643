"""A folder of 50,000 entries: each has its row, and memory stays small."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.audit.keep_list import read_keep_rows
from realesrgan_arch.data.files import list_folder
from tests.corpus import pictures
from tests.corpus.powers import give_up_powers

ROOT = Path(__file__).resolve().parents[2]
NUM_ENTRIES = 50_000
MAX_GROWTH_BYTES = 250_000_000
"""For 50,000 files: a record, a finding and a row of each."""

# In one process: 50,000 messages to others and back would take most of the time.
MEASURED = """
import sys
from pathlib import Path
from realesrgan_arch.audit import engine
from realesrgan_arch.commands import data
from realesrgan_arch.entry import run

def peak():
    # Not getrusage: its peak is also that of the process which started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

engine.run_in_processes = lambda task, items, **_: ((item, task(item)) for item in items)
before = peak()
code = run(data.main, sys.argv[1:])
print("growth", peak() - before)
sys.exit(code)
"""


@pytest.mark.slow
def test_of_50000_entries_and_a_folder_that_cannot_be_read_nothing_is_lost(tmp_path: Path):
    root = tmp_path / "photos"
    write_many(root)
    (root / "locked").mkdir()
    (root / "locked" / "a.png").write_bytes(pictures.png(1))
    (root / "locked").chmod(0)
    try:
        done, growth = run_measured("audit", "photos", cwd=tmp_path)
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
    assert 0 < growth < MAX_GROWTH_BYTES


def write_many(root: Path) -> None:
    """All but two are no pictures: looking at them costs least. Those of one folder are one file with many names."""
    for number in range(NUM_ENTRIES - 2):
        folder = f"{root}/{number // 1000}"
        if number % 1000 == 0:
            Path(folder).mkdir(parents=True)
            Path(f"{root}/text{number}").write_bytes(b"no picture, number %d" % number)
        os.link(f"{root}/text{number // 1000 * 1000}", f"{folder}/{number}.jpg")
    for number in range(2):
        (root / f"good{number}.png").write_bytes(pictures.encoded(pictures.facade(number, 400, 400), "PNG"))


def run_measured(*argv: str, cwd: Path) -> tuple[subprocess.CompletedProcess[str], int]:
    """The result, and by how many bytes the peak of its memory rose above that of a process that imported all."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *argv],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=give_up_powers,
    )
    return done, int(done.stdout.rsplit("growth ", 1)[1]) * 1024
