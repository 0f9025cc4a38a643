"""Fixtures of every room: few threads, a folder of its own for each test, the shared photographs where they are."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# Before torch, OpenCV and NumPy start their thread pools: parallel test processes would fight for two cores.
# One without xdist too: the controller reads this file, and its workers have its environment.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

# No test tells OpenVINO's makers that it ran, where it imports openvino itself: see `extras.require_extra`.
sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType] (None: not to be had)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="module", autouse=True)
def same_handler_of_sigterm() -> Iterator[None]:
    """Ray leaves a handler that kills the process: a later file that raises the signal would end all its tests."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with slow tests first: one that began last would run on while the other processes are idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


class _FailuresAtOnce:
    """Says a failure when it happens: a run that is cut off has told what failed."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.terminal.write_line(f"\n{report.when} of {report.nodeid} failed after {report.duration:.0f} s")
            self.terminal.write_line(report.longreprtext)


@pytest.hookimpl(trylast=True)  # after the terminal's own plugin
def pytest_configure(config: pytest.Config) -> None:
    """In the process that writes to the terminal, and in no worker of xdist."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_FailuresAtOnce(terminal))


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """As many threads for torch as for the others: with more of them than cores, each waits for the others."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the test in an empty folder: relative paths and run folders land there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Return a function from a path below ../shared to the whole path; the test skips where that is absent."""

    def locate(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"../shared/{name} is not on this machine")
        return path

    return locate
