"""That the benchmarks run: they are not part of any other test, and would break unseen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "benchmarks"
PROGRAMS = sorted(path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / name), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_benchmark_explains_itself(name):
    assert "usage:" in run(name, "--help")


@pytest.mark.slow
def test_upscaling_is_measured_alone_and_from_files_to_files():
    printed = run("upscale.py", "--quick", "--only", "upstream", "ours torch fp32")
    alone, files = printed.split("files to files")
    assert "4.224 MFLOP per input pixel" in alone
    for part in (alone, files):
        assert [line.split("  ")[0] for line in part.splitlines() if "MP/s" in line] == ["upstream", "ours torch fp32"]
    psnr = next(line for line in alone.splitlines() if line.startswith("ours")).split("PSNR")[1]
    assert float(psnr.removesuffix(" dB")) > 100


@pytest.mark.slow
def test_the_peak_memory_of_each_side_is_that_of_a_process_of_its_own():
    printed = run("upscale.py", "--quick", "--memory", "--only", "ours torch fp32")
    peak = next(line for line in printed.splitlines() if line.startswith("ours torch"))
    assert 100 < int(peak.split()[3]) < 2000
