"""Upscaling runs that are killed at random moments; a process of its own, warm, which forks one for each run.

`python -m tests.upscaling.killed_upscaling PHOTOS WEIGHTS FOLDER KILLS` prints one JSON line: what it saw.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from realesrgan_arch.images import ImageError, read_rgb
from realesrgan_arch.upscaling.session import UpscaleRequest, upscale
from tests.forked import fork

_SEED = 6
_MOST_TRIES = 20
"""For each kill: a run may end before its moment comes."""


def _fork(request: UpscaleRequest) -> int:
    def run() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(upscale(request).exit_code)

    return fork(run)


def _finish(request: UpscaleRequest) -> float:
    began = time.monotonic()
    _, status = os.waitpid(_fork(request), 0)
    if status:
        raise SystemExit(f"a run into {request.output} ended with status {status}")
    return time.monotonic() - began


def _kill_after(request: UpscaleRequest, seconds: float) -> bool:
    """Return whether the run was still at work."""
    child = _fork(request)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _results(folder: Path) -> dict[str, bytes]:
    """The files that anybody sees, without the manifest."""
    seen = (path for path in folder.rglob("[!.]*") if path.is_file() and path.name != "manifest.jsonl")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in seen}


def _is_half(path: Path) -> bool:
    try:
        read_rgb(path)
    except ImageError:
        return True
    return False


def main(photos: Path, weights: Path, folder: Path, kills: int) -> dict[str, object]:
    """Kill `kills` runs in the middle, each followed by one that resumes, and compare with a run without kills."""
    torch.set_num_threads(1)

    def request(name: str) -> UpscaleRequest:
        return UpscaleRequest(
            photos, folder / name, str(weights), tile=24, device="cpu", precision="fp32", backend="torch", resume=True
        )

    seconds = min(_finish(request(name)) for name in ("warm", "straight"))
    straight, moments = _results(folder / "straight"), random.Random(_SEED)
    seen = {"killed": 0, "half": [], "wrong": [], "partials": [], "done_before": []}
    for number in range(kills * _MOST_TRIES):
        if seen["killed"] >= kills and any(0 < count < len(straight) for count in seen["done_before"]):
            break
        asked = request(f"run{number}")
        seen["killed"] += _kill_after(asked, moments.uniform(0.2, 1.0) * seconds)
        before = _results(asked.output) if asked.output.exists() else {}
        seen["half"] += [name for name in before if _is_half(asked.output / name)]
        seen["done_before"].append(len(before))
        _finish(asked)
        seen["wrong"] += [] if _results(asked.output) == straight else [asked.output.name]
        seen["partials"] += [path.name for path in asked.output.rglob(".*")]
    return seen | {"files": len(straight)}


if __name__ == "__main__":
    photos, weights, folder, kills = sys.argv[1:]
    sys.stdout.write(json.dumps(main(Path(photos), Path(weights), Path(folder), int(kills))) + "\n")
