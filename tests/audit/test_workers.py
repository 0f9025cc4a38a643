"""Tasks in processes: what crashes one takes nothing else along, and nobody stays behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from realesrgan_arch.audit import workers
from realesrgan_arch.audit.workers import Crash, run_in_processes
from realesrgan_arch.data.files import DataError

ROOT = Path(__file__).resolve().parents[2]
RUN_UNTIL_KILLED = """
from realesrgan_arch.audit.workers import run_in_processes
from tests.audit.test_workers import pid_of_worker
if __name__ == "__main__":
    for _, pid in run_in_processes(pid_of_worker, iter(int, 1), num_processes=2, preload="os"):
        print(pid, flush=True)
"""


def square(number):
    if number == 7:
        os.abort()
    if number == 8:
        raise EOFError("as Pillow does")
    return number * number


def pid_of_worker(_):
    time.sleep(0.01)
    return os.getpid()


def run(items, num_processes=2):
    return dict(run_in_processes(square, items, num_processes=num_processes, preload="os"))


def test_every_item_has_its_result():
    assert run(range(5)) == {number: number * number for number in range(5)}
    assert run([]) == {}
    assert run([3], num_processes=4) == {3: 9}


@pytest.mark.parametrize("num_processes", [1, 2])
def test_an_item_that_ends_its_process_is_named_and_the_others_are_done(num_processes):
    results = run(range(12), num_processes)
    assert results.pop(7) == Crash(-signal.SIGABRT)
    assert results.pop(8) == Crash(1)
    assert results == {number: number * number for number in range(12) if number not in (7, 8)}


def test_a_crash_says_what_it_was():
    assert str(Crash(-11)) == "signal 11, SIGSEGV"
    assert str(Crash(1)) == "exit code 1"


def test_when_everything_crashes_it_is_not_the_fault_of_the_files(monkeypatch):
    monkeypatch.setattr(workers, "MOST_CRASHES_AT_FIRST", 3)
    with pytest.raises(DataError, match=r"The first 3 processes .* \(signal 6, SIGABRT\).*: try --jobs 1"):
        run([7] * 50)


def test_many_crashes_in_a_row_are_findings_when_anything_was_done(monkeypatch):
    monkeypatch.setattr(workers, "MOST_CRASHES_AT_FIRST", 3)
    results = list(run_in_processes(square, [1, *[7] * 5], num_processes=1, preload="os"))
    assert [item for item, result in results if isinstance(result, Crash)] == [7] * 5


def test_items_are_taken_one_at_a_time():
    taken = []

    def items():
        for number in range(6):
            taken.append(number)
            yield number

    results = run_in_processes(square, items(), num_processes=2, preload="os")
    next(results)
    assert len(taken) <= 4
    results.close()


def test_workers_leave_when_their_caller_is_killed():
    caller = subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_KILLED], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    pids = {int(caller.stdout.readline()) for _ in range(30)}
    caller.kill()
    caller.communicate()
    assert pids
    deadline = time.monotonic() + 20
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.02)


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
