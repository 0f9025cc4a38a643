"""Workers may die, hang or find no shared memory: the run goes on once with fewer, bit-equal, and leaves none."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.images import read_bytes
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import Outcome, train
from realesrgan_arch.training import loading, trainer
from realesrgan_arch.training.loading import TrainingBatches
from realesrgan_arch.training.numbers_guard import TrainingError
from realesrgan_arch.training.stopping import StoppedBySignal
from realesrgan_arch.training.worker_faults import WorkerError
from tests.tiny_run import tiny_options, write_options, write_pictures


def _mapping(folder: Path) -> dict:
    write_pictures(folder / "photos")
    mapping = tiny_options(folder / "photos", folder, steps=8)
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 2
    mapping["logger"] |= {"save_checkpoint_freq": 100, "use_tb_logger": False}
    del mapping["val"]
    return mapping


@pytest.fixture
def mapping(tmp_path) -> dict:
    return _mapping(tmp_path)


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Outcome:
    """A run that nothing disturbs."""
    return _run(_mapping(tmp_path_factory.mktemp("straight")))


def _run(mapping: dict, **changes: object) -> Outcome:
    return train(parse_options({**mapping, **changes}))


def _weights(outcome: Outcome) -> dict[str, torch.Tensor]:
    return torch.load(outcome.weights, weights_only=True)["params_ema"]


def _same(one: Outcome, other: Outcome) -> bool:
    return all(map(torch.equal, _weights(one).values(), _weights(other).values()))


def _kill_workers(monkeypatch, *, times: int) -> None:
    """Kill one worker in the middle of the third step after each of the first `times` openings of the batches.

    Counted from the openings, not by the run's steps: batches are prefetched, so the run may reach any later step
    before a death is noticed.
    """
    run_step, open_batches = trainer._run_step, TrainingBatches.open
    openings: list[int] = []

    def opened(batches, first_step):
        openings.append(first_step)
        return open_batches(batches, first_step)

    def disturbed(model, batch, step) -> None:
        if len(openings) <= times and step == openings[-1] + 2:
            worker = multiprocessing.active_children()[0].pid
            os.kill(worker, signal.SIGKILL)
            os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
        run_step(model, batch, step)

    monkeypatch.setattr(TrainingBatches, "open", opened)
    monkeypatch.setattr(trainer, "_run_step", disturbed)


def test_a_killed_worker_costs_nothing_but_workers(mapping, straight, monkeypatch, capsys) -> None:
    _kill_workers(monkeypatch, times=1)
    disturbed = _run(mapping, name="disturbed")
    assert _same(straight, disturbed)
    said = capsys.readouterr().err
    assert "memory ran out" in said
    assert "Going on with 1 instead of 2 workers from step" in said
    assert list(disturbed.run_folder.states.glob("*.state")), "the step before the fault is saved"
    assert not multiprocessing.active_children()


def test_a_worker_that_died_with_the_lock_of_torchs_event_stops_nobody(mapping) -> None:
    batches = TrainingBatches(parse_options(mapping), pin_memory=False)
    opened = batches.open(1)
    next(opened)
    iterator = opened.gi_yieldfrom.gi_frame.f_locals["iterator"]
    held = threading.Thread(target=iterator._workers_done_event._cond.acquire)
    held.start()
    held.join()
    closing_it = threading.Thread(target=opened.close, daemon=True)
    closing_it.start()
    closing_it.join(timeout=120)
    assert not closing_it.is_alive(), "it waits for the dead"
    assert not multiprocessing.active_children()


def test_a_second_fault_ends_the_run_with_its_state_saved(mapping, monkeypatch) -> None:
    _kill_workers(monkeypatch, times=2)
    mapping["train"]["total_iter"] = 40
    with pytest.raises(TrainingError, match="happened again with 1 workers"):
        _run(mapping)
    states = [int(path.stem) for path in Path(mapping["path"]["experiments_root"]).rglob("*.state")]
    assert len(set(states)) == 2, "one at each fault"
    assert not multiprocessing.active_children()


def test_a_hung_worker_is_noticed_ended_and_replaced(mapping, straight, monkeypatch, capsys, tmp_path) -> None:
    # More than a worker needs on a busy machine, or the next one would be ended, too.
    mapping["datasets"]["train"]["worker_timeout_s"] = 5
    hung, build = tmp_path / "hung", loading.build_training_set

    def hang_once(path: Path) -> bytes:
        if path.name == "view 1.png" and not hung.exists():
            hung.touch()
            time.sleep(600)
        return read_bytes(path)

    def build_hanging(*arguments, **named):
        dataset = build(*arguments, **named)
        dataset.read = hang_once
        return dataset

    monkeypatch.setattr(loading, "build_training_set", build_hanging)
    disturbed = _run(mapping, name="disturbed")
    assert hung.exists()
    assert _same(straight, disturbed)
    assert "worker_timeout_s" in capsys.readouterr().err
    assert not multiprocessing.active_children()


def test_a_stop_that_ends_the_workers_too_is_a_stop_and_no_fault(mapping, monkeypatch, capsys) -> None:
    mapping["train"]["total_iter"] = 40
    run_step = trainer._run_step

    def stopped(model, batch, step) -> None:
        if step == 3:
            # A batch system signals every process of the job.
            for worker in multiprocessing.active_children():
                subprocess.run(["kill", "-TERM", str(worker.pid)], check=True)
            os.kill(os.getpid(), signal.SIGTERM)
        run_step(model, batch, step)

    monkeypatch.setattr(trainer, "_run_step", stopped)
    with pytest.raises(StoppedBySignal) as caught:
        _run(mapping)
    assert caught.value.exit_code == 143
    assert "instead of" not in capsys.readouterr().err


@pytest.mark.skipif(
    subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
    reason="needs a mount namespace of its own",
)
def test_a_full_shared_memory_is_said_with_the_remedy(mapping, tmp_path) -> None:
    mapping["datasets"]["train"] |= {"batch_size_per_gpu": 4, "worker_timeout_s": 5}
    file = write_options(tmp_path / "options.yml", mapping)
    # Room for semaphores, not for four batches of 28 kB.
    script = Path(__file__).parents[2] / "realesrgan_arch/train.py"
    command = f"mount -t tmpfs -o size=100k tmpfs /dev/shm && exec {sys.executable} {script} -opt {file}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert "warning: /dev/shm has" in done.stderr
    assert "ran out of shared memory (/dev/shm); give it more (docker run --shm-size=8g)" in done.stderr
    # With one worker there may be room enough, or not.
    assert done.returncode == 0 or "error: the data workers ran out of shared memory" in done.stderr


def test_a_mistake_of_the_user_in_a_worker_stays_one_sentence(mapping, tmp_path) -> None:
    batches = TrainingBatches(parse_options(mapping), pin_memory=False)
    for path in (tmp_path / "photos").rglob("*.png"):
        path.write_bytes(b"broken")
    with closing(batches.open(1)) as opened, pytest.raises(DataError) as caught:
        next(opened)
    assert "Traceback" not in str(caught.value)
    assert not multiprocessing.active_children()


def test_an_error_of_the_program_in_a_worker_stays_what_it_is(mapping, monkeypatch) -> None:
    batches = TrainingBatches(parse_options(mapping), pin_memory=False)

    def broken(path: Path) -> bytes:
        raise RuntimeError("a defect")

    batches.dataset.read = broken
    with closing(batches.open(1)) as opened, pytest.raises(RuntimeError, match="a defect") as caught:
        next(opened)
    assert not isinstance(caught.value, WorkerError)


def test_a_dropped_iterator_leaves_no_process(mapping) -> None:
    batches = TrainingBatches(parse_options(mapping), pin_memory=False)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    opened = batches.open(1)
    next(opened)
    assert len({child.pid for child in psutil.Process().children(recursive=True)} - before) == 2
    opened.close()
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert next(batches.open(5))["gt"].shape == (2, 3, 48, 48)


def test_eighty_steps_leak_no_handle_and_no_shared_memory(mapping) -> None:
    mapping["train"]["total_iter"] = 80
    batches, handles, shared = TrainingBatches(parse_options(mapping), pin_memory=False), [], []
    for step, _ in enumerate(batches.open(1), start=1):
        if step % 30 == 10 and step < 80:
            handles.append(psutil.Process().num_fds())
            shared.append(len(list(Path("/dev/shm").glob(f"torch_{os.getpid()}_*"))))
    assert max(handles) - min(handles) < 50, "a leak would be one a step at least; some batches are prefetched"
    assert not any(shared)


def test_a_small_shared_memory_is_said_before_the_start(mapping) -> None:
    mapping["datasets"]["train"] |= {"crop_size": 100_000}
    words = TrainingBatches(parse_options(mapping), pin_memory=False).shared_memory_warning()
    assert words is not None
    assert "223.5 GiB" in words
    assert "--shm-size" in words
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 0
    assert TrainingBatches(parse_options(mapping), pin_memory=False).shared_memory_warning() is None


def test_without_workers_no_error_is_that_of_a_worker(mapping) -> None:
    mapping["datasets"]["train"]["num_worker_per_gpu"] = 0
    batches = TrainingBatches(parse_options(mapping), pin_memory=False)

    def broken(path: Path) -> bytes:
        raise EOFError("the connection to a drive has ended")

    batches.dataset.read = broken
    with closing(batches.open(1)) as opened, pytest.raises(EOFError, match="a drive"):
        next(opened)
