"""A signal ends a run between two steps with a state; the run resumes to the same weights."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from realesrgan_arch import train
from realesrgan_arch.training.checkpoint import load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.run_folder import RunFolder, RunFolderError
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from tests.tiny_run import tiny_options, write_options, write_pictures
from tests.training.signalled import reached
from tests.warm import WarmProcess, WarmServer, open_warm_server

ROOT = Path(__file__).parents[2]


def test_the_first_signal_is_noted_and_the_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.number == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before


def test_in_a_block_that_may_be_left_the_first_signal_leaves_it() -> None:
    reached = []
    with StopRequest() as stop, pytest.raises(StoppedBySignal, match="stopped at step 7") as stopped, stop.at_once(7):
        signal.raise_signal(signal.SIGTERM)
        reached.append("the end")
    assert stopped.value.exit_code == 143
    assert not reached


def test_a_signal_from_before_such_a_block_keeps_out_of_it() -> None:
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(StoppedBySignal, match="nothing to save"), stop.at_once(0):
            pytest.fail("the block was entered")


def test_one_name_is_for_one_process(tmp_path) -> None:
    folder = RunFolder(tmp_path / "run")
    refused = pytest.raises(RunFolderError, match="another process is training as .*run now")
    with folder.lock(), refused, folder.lock():
        pass
    with folder.lock():
        pass


def _short_run(folder: Path) -> Path:
    write_pictures(folder / "photos", scenes=2, views=1)
    mapping = tiny_options(folder / "photos", folder, steps=5)
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 1
    mapping["logger"] |= {"use_tb_logger": False}
    return write_options(folder / "tiny.yml", mapping)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    path = folder / "experiments" / "tiny" / "models" / "net_g_latest.pth"
    return torch.load(path, weights_only=True)["params"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, torch.Tensor]:
    """The weights of the short run."""
    folder = tmp_path_factory.mktemp("straight")
    assert train.main(["-opt", str(_short_run(folder))]) == 0
    return _weights(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with open_warm_server("tests.training.signalled") as server:
        yield server


def start_lingering(server: WarmServer, place: str, options: Path) -> WarmProcess:
    """Start a run of train.py, and return it when it is in the middle of its `place`."""
    arguments = ["-opt", str(options), "--resume", "auto"]
    process = server.start("tests.training.signalled:train_lingering", place, *arguments)
    process.wait_until(lambda: reached(place) in process.errors())
    return process


@pytest.fixture
def short_run(tmp_path) -> tuple[Path, RunFolder]:
    return _short_run(tmp_path), RunFolder(tmp_path / "experiments" / "tiny")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_resumes_to_the_weights_of_an_uninterrupted_one(
    short_run, tmp_path, uninterrupted, server, number: int, code: int
) -> None:
    options, folder = short_run
    process = start_lingering(server, "step", options)
    process.send_signal(number)
    assert process.wait() == code, process.errors()
    errors = process.errors()
    assert errors.splitlines()[-1] == "stopped at step 3 and saved; go on with --resume auto"
    assert "Traceback" not in errors
    assert CheckpointStore(folder).newest_step() == 3
    assert train.main(["-opt", str(options), "--auto_resume"]) == 0
    weights = _weights(tmp_path)
    assert all(torch.equal(weights[name], uninterrupted[name]) for name in uninterrupted)


@pytest.mark.slow
def test_a_second_signal_in_the_middle_of_a_save_leaves_at_once_and_the_older_checkpoint_whole(
    short_run, server
) -> None:
    options, folder = short_run
    process = start_lingering(server, "save", options)  # the weights of step 3
    process.send_signal(signal.SIGINT)
    process.wait_until(lambda: "stopping after this step" in process.errors())
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 143
    errors = process.errors()
    assert "left at once" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert CheckpointStore(folder).newest_step() == 2
    assert load_state(folder.state(2))["iter"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_in_a_validation_leaves_it_as_the_step_is_saved_and_the_resume_makes_it(
    short_run, server, number: int, code: int
) -> None:
    options, folder = short_run
    process = start_lingering(server, "validation", options)
    process.send_signal(number)
    assert process.wait() == code, process.errors()
    assert process.errors().splitlines()[-1] == "stopped at step 2 and saved; go on with --resume auto"
    assert train.main(["-opt", str(options), "--resume", "auto"]) == 0
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [record["step"] for record in records if record["kind"] == "validation"] == [0, 2, 4, 5]
    assert [record["step"] for record in records if record["kind"] == "train"] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_second_signal_does_not_wait_for_a_thread_that_hears_none() -> None:
    """As in a backward pass of minutes: the main thread is in a library, which calls no handler."""
    script = (
        "import hashlib, os, signal\n"
        "from realesrgan_arch.training.stopping import StopRequest\n"
        "with StopRequest():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('deep', flush=True)\n"
        "    hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "deep\n"
        _wait_for_work(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()


def _wait_for_work(pid: int) -> None:
    """Return once the process has computed for longer than all of Python's own between two lines."""
    watched, deadline = psutil.Process(pid), time.monotonic() + 600
    before = watched.cpu_times().user
    while watched.cpu_times().user < before + 0.2 and time.monotonic() < deadline:
        time.sleep(0.02)
