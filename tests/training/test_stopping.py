"""A signal ends a run between two steps with a state; the run resumes to the same weights."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from realesrgan_arch.training.checkpoint import load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.run_folder import RunFolder, RunFolderError
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from tests.tiny_run import tiny_options, write_options, write_pictures

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


def _start(options: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, str(ROOT / "realesrgan_arch" / "train.py"), "-opt", str(options), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_resumes_to_the_weights_of_an_uninterrupted_one(tmp_path, number, code) -> None:
    write_pictures(tmp_path / "photos")
    mapping = tiny_options(tmp_path / "photos", tmp_path, steps=150)
    del mapping["val"]
    mapping["logger"] |= {"save_checkpoint_freq": 1000, "print_freq": 1, "use_tb_logger": False}
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 1
    options = write_options(tmp_path / "tiny.yml", mapping)
    process = _start(options)
    metrics = tmp_path / "experiments" / "tiny" / "metrics.jsonl"
    while not metrics.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert "and saved; go on with --resume auto" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    resumed = _start(options, "--auto_resume")
    _, errors = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, errors
    straight = write_options(tmp_path / "straight.yml", {**mapping, "name": "straight"})
    assert _start(straight).wait(timeout=120) == 0
    weights = [
        torch.load(tmp_path / "experiments" / name / "models" / "net_g_latest.pth", weights_only=True)["params"]
        for name in ("tiny", "straight")
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def _start_lingering(place: str, options: Path) -> subprocess.Popen:
    """Start a run and return when it is in the middle of its `place`."""
    command = [sys.executable, "-m", "tests.training.signalled", place, "-opt", str(options), "--resume", "auto"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == f"{place}\n", process.stderr.read()
    return process


def _ends(process: subprocess.Popen) -> tuple[int, str]:
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


@pytest.fixture
def short_run(tmp_path) -> tuple[Path, RunFolder]:
    write_pictures(tmp_path / "photos", scenes=2, views=1)
    mapping = tiny_options(tmp_path / "photos", tmp_path, steps=5)
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 1
    mapping["logger"] |= {"use_tb_logger": False}
    return write_options(tmp_path / "tiny.yml", mapping), RunFolder(tmp_path / "experiments" / "tiny")


@pytest.mark.slow
def test_a_second_signal_in_the_middle_of_a_save_leaves_at_once_and_the_older_checkpoint_whole(short_run) -> None:
    options, folder = short_run
    process = _start_lingering("save", options)  # the weights of step 3
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    code, errors = _ends(process)
    assert code == 143
    assert "left at once" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert CheckpointStore(folder).newest_step() == 2
    assert load_state(folder.state(2))["iter"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_in_a_validation_leaves_it_as_the_step_is_saved_and_the_resume_makes_it(
    short_run, number: int, code: int
) -> None:
    options, folder = short_run
    process = _start_lingering("validation", options)
    process.send_signal(number)
    found, errors = _ends(process)
    assert found == code, errors
    assert errors.splitlines()[-1] == "stopped at step 2 and saved; go on with --resume auto"
    assert _start(options, "--resume", "auto").wait(timeout=120) == 0
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [record["step"] for record in records if record["kind"] == "validation"] == [0, 2, 4, 5]
    assert [record["step"] for record in records if record["kind"] == "train"] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_second_signal_does_not_wait_for_a_thread_that_hears_none(tmp_path) -> None:
    """As in a backward pass of minutes: the main thread is in a library, which calls no handler."""
    script = (
        "import os, signal, torch\n"
        "from realesrgan_arch.training.stopping import StopRequest\n"
        "torch.set_num_threads(1)\n"
        "with StopRequest():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('deep', flush=True)\n"
        "    x = torch.rand(6000, 6000)\n"
        "    torch.linalg.matrix_power(x / 6000, 2**60 - 1)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "deep\n"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
