"""Runs of an option file that are killed at random moments; a process of its own, warm, which forks one for each run.

`python -m tests.training.killed_runs OPTIONS KILLS` prints one JSON line: what it saw.
"""

import contextlib
import gc
import io
import json
import os
import random
import signal
import sys
import traceback
from pathlib import Path

import torch

from realesrgan_arch import basicsr_bridge, train
from realesrgan_arch.options.load import load_options
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.run_folder import RunFolder
from tests.training.states import differing, differing_runs

_SEED = 4


def _fork(options: Path, name: str, *, cpu_seconds: float = 0) -> tuple[int, float]:
    """Run in a child, which the system ends after so many seconds of CPU; return its status and its CPU seconds.

    The timer's signal has no handler: it ends the process as hard as SIGKILL, and as early on a busy machine.
    """
    child = os.fork()
    if child:
        _, status, usage = os.wait4(child, 0)
        return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
    status = 1
    try:
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        _train(options, name)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


def _train(options: Path, name: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        train.main(["-opt", str(options), "--set", f"name={name}", "--resume", "auto"])


def _finish(options: Path, name: str) -> float:
    status, seconds = _fork(options, name)
    if status:
        raise SystemExit(f"the run {name} ended with status {status}")
    return seconds


def _kill_after(options: Path, name: str, cpu_seconds: float) -> bool:
    """Return whether the run was still at work."""
    status, _ = _fork(options, name, cpu_seconds=cpu_seconds)
    if status not in (0, -signal.SIGPROF):
        raise SystemExit(f"the run {name} ended with status {status}")
    return status != 0


def main(options: Path, kills: int) -> dict[str, object]:
    """Kill `kills` runs, and see that each state and each end is that of the run without kills."""
    torch.set_num_threads(1)
    basicsr_bridge.register()
    # A kill loses nothing that was given to the system: waiting for the disk would only cost time.
    os.fsync = lambda handle: None
    # What is imported late is there for every child then.
    _train(options, "warm")
    gc.freeze()
    loaded = load_options(options).options
    root, steps = loaded.path.experiments_root, loaded.train.total_iter
    seconds = _finish(options, "straight")
    real = CheckpointStore(RunFolder(root / "straight"))
    generator, killed, chosen, faults, runs = random.Random(_SEED), 0, [], [], 0
    while killed < kills:
        name, runs, at_work = f"run{runs}", runs + 1, True
        while at_work and killed < kills:
            # Starting up is part of a run, but the steps are where something can be lost.
            at_work = _kill_after(options, name, generator.uniform(0.2, 1.0) * seconds)
            if at_work:
                killed += 1
                store = CheckpointStore(RunFolder(root / name))
                step = store.newest_step()
                chosen.append(step or 0)
                faults += differing(real.load(step), store.load(step), f"{name} at {step}") if step else []
        if at_work:
            _finish(options, name)
        faults += [f"{name}: {text}" for text in differing_runs(root / "straight", root / name, steps)]
    return {"killed": killed, "runs": runs, "chosen": chosen, "faults": faults, "seconds": seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
