"""That the benchmarks run: they are not part of any other test, and would break unseen."""

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "scripts" / "benchmarks"
PROGRAMS = sorted(path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """A function from a program and its arguments to what it prints; it runs here, where torch is imported once."""
    threads = torch.get_num_threads()

    def call(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
        try:
            runpy.run_path(str(FOLDER / name), run_name="__main__")
        except SystemExit as ended:
            assert not ended.code
        return capsys.readouterr().out

    yield call
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_benchmark_explains_itself(run, name):
    assert "usage:" in run(name, "--help")


@pytest.mark.slow
def test_upscaling_is_measured_alone_and_from_files_to_files(run):
    printed = run("upscale.py", "--quick", "--only", "upstream", "ours torch fp32")
    alone, files = printed.split("files to files")
    assert "4.224 MFLOP per input pixel" in alone
    for part in (alone, files):
        assert [line.split("  ")[0] for line in part.splitlines() if "MP/s" in line] == ["upstream", "ours torch fp32"]
    psnr = next(line for line in alone.splitlines() if line.startswith("ours")).split("PSNR")[1]
    assert float(psnr.removesuffix(" dB")) > 100


@pytest.mark.slow
def test_the_peak_memory_of_each_side_is_that_of_a_process_of_its_own(run):
    printed = run("upscale.py", "--quick", "--memory", "--only", "ours torch fp32")
    peak = next(line for line in printed.splitlines() if line.startswith("ours torch"))
    assert 100 < int(peak.split()[3]) < 2000
