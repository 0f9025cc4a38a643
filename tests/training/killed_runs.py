"""Runs of an option file that are killed at random moments; a process of its own, warm, which forks one for each run.

`python -m tests.training.killed_runs OPTIONS KILLS` prints one JSON line: what it saw.
"""

import contextlib
import io
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from realesrgan_arch import basicsr_bridge, train
from realesrgan_arch.options.load import load_options
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.run_folder import RunFolder
from tests.training.states import differing, differing_runs

_SEED = 4


def _fork(options: Path, name: str) -> int:
    child = os.fork()
    if child:
        return child
    with contextlib.redirect_stdout(io.StringIO()):
        train.main(["-opt", str(options), "--set", f"name={name}", "--resume", "auto"])
    os._exit(0)


def _finish(options: Path, name: str) -> float:
    began = time.monotonic()
    _, status = os.waitpid(_fork(options, name), 0)
    if status:
        raise SystemExit(f"the run {name} ended with status {status}")
    return time.monotonic() - began


def _kill_after(options: Path, name: str, seconds: float) -> bool:
    """Return whether the run was still at work."""
    child = _fork(options, name)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(options: Path, kills: int) -> dict[str, object]:
    """Kill `kills` runs, and see that each state and each end is that of the run without kills."""
    import realesrgan_arch.session  # noqa: F401  imported once, before any fork

    torch.set_num_threads(1)
    basicsr_bridge.register()
    loaded = load_options(options).options
    root, steps = loaded.path.experiments_root, loaded.train.total_iter
    seconds = _finish(options, "straight")
    real = CheckpointStore(RunFolder(root / "straight"))
    generator, killed, chosen, faults, runs = random.Random(_SEED), 0, [], [], 0
    while killed < kills:
        name, runs = f"run{runs}", runs + 1
        while killed < kills:
            # Starting up is part of a run, but the steps are where something can be lost.
            at_work = _kill_after(options, name, generator.uniform(0.2, 1.0) * seconds)
            if not at_work:
                break
            killed += 1
            store = CheckpointStore(RunFolder(root / name))
            step = store.newest_step()
            chosen.append(step or 0)
            if step is not None:
                faults += differing(real.load(step), store.load(step), f"{name} at {step}")
        _finish(options, name)
        faults += [f"{name}: {text}" for text in differing_runs(root / "straight", root / name, steps)]
    return {"killed": killed, "runs": runs, "chosen": chosen, "faults": faults, "seconds": seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
