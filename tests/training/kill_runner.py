"""Trains a tiny model in forked processes that kill themselves at a named point of a save; prints what it found.

`python -m tests.training.kill_runner FOLDER`: one process pays for importing torch, and forks before any thread runs.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from realesrgan_arch.training import fault_points
from realesrgan_arch.training.checkpoint_manifest import find_newest
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.numbers_guard import NumbersGuard
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.retention import Retention
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StopRequest
from realesrgan_arch.training.trainer import Rhythm, Trainer, Watch
from realesrgan_arch.training.verdict import CONTINUE, Verdict
from tests.training.builders import batch, run_steps, small_model, tensors

LAST_STEP = 4


class OneRollback:
    """A guard that goes back to step 2 at its second round, once; after that the run sees other batches."""

    def __init__(self) -> None:
        self.last_step = 0
        self.rate_factor = 1.0
        self.used = False

    def validate(self, step: int) -> Verdict:
        self.last_step = step
        if step == LAST_STEP and not self.used:
            self.used = True
            return Verdict("rollback", "worse", step=2)
        return CONTINUE

    def go_back(self, step: int) -> None:
        self.last_step = step

    def open(self, first_step: int):
        for step in range(first_step, LAST_STEP + 1):
            yield batch(step + 100 * self.used)

    def state_dict(self) -> dict[str, object]:
        return {"last_step": self.last_step, "used": self.used}

    def load_state_dict(self, state: dict) -> None:
        self.last_step, self.used = state["last_step"], state["used"]


def digest(model) -> str:
    total = hashlib.sha256()
    optimizers = [player.optimizer for player in model.game.players()]
    moments = [v for o in optimizers for state in o.state.values() for _, v in sorted(state.items())]
    for value in (*tensors(model).values(), *moments):
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


def train(root: Path) -> dict[str, object]:
    """A whole start as `session.train` does it: resume, tidy, train, save the last step once more."""
    run_folder = RunFolder(root)
    run_folder.prepare()
    model, guard = small_model(root), OneRollback()
    store = CheckpointStore(run_folder, extras={"guard": guard}, retention=Retention(2, lambda: {2}))
    step = store.newest_step()
    if step is not None:
        model.resume_training(store.load(step))
    words = store.tidy()
    if step is not None:
        store.restore_extras(step)
        store.discard_after(step)
    loaded = [step, digest(model)] if step is not None else None
    had: list[list] = []
    model.state = _noting(model, model.state, had)
    progress = Progress(
        run_folder,
        first_step=model.step,
        total_steps=LAST_STEP,
        device=model.device,
        use_tensorboard=False,
        stream=io.StringIO(),
    )
    watch = Watch(progress, ImageFaults(9), NumbersGuard(), guard, StopRequest())
    rhythm = Rhythm(LAST_STEP, print_every=0, save_every=1, validate_every=2)
    Trainer(model, batches=guard, rhythm=rhythm, store=store, watch=watch).fit()
    store.save(model, model.step)
    return {"loaded": loaded, "had": had, "last": digest(model), "words": words}


def _noting(model, state: Callable[[], dict], had: list[list]) -> Callable[[], dict]:
    def noted() -> dict:
        had.append([model.step, digest(model)])
        return state()

    return noted


def fork(work: Callable[[], object], answer: Path) -> int:
    """Run `work` in a child, which writes what it returns to `answer`; return how the child ended."""
    child = os.fork()
    if child == 0:
        answer.write_text(json.dumps(work()))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def noting_points(work: Callable[[], object]) -> Callable[[], object]:
    def noted() -> object:
        points: list[str] = []
        fault_points.reached = points.append
        return {"answer": work(), "points": points}

    return noted


def dying_at(index: int, work: Callable[[], object]) -> Callable[[], object]:
    left = [index]

    def reached(name: str) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    def dying() -> object:
        fault_points.reached = reached
        return work()

    return dying


def places(points: list[str]) -> list[int]:
    """The first and the last place of each kind of point."""
    kinds: dict[str, list[int]] = {}
    for index, name in enumerate(points):
        kinds.setdefault(re.sub(r"\d+", "N", name), []).append(index)
    return sorted({index for found in kinds.values() for index in (found[0], found[-1])})


def before_training(points: list[str]) -> list[int]:
    """The places at which a start puts the older checkpoints in order."""
    return list(range(points.index("save:before writing")))


def matrix(
    folder: Path, label: str, prepare: Callable[[Path], object], where: Callable[[list[str]], list[int]]
) -> dict[str, object]:
    """Train undisturbed; then, for each place, train until the kill there and start again."""
    answer, root = folder / "answer.json", folder / f"{label} undisturbed"
    prepare(root)
    fork(noting_points(lambda: train(root)), answer)
    undisturbed = json.loads(answer.read_text())
    kills = []
    for index in where(undisturbed["points"]):
        root = folder / f"{label} {index}"
        prepare(root)
        ended = fork(dying_at(index, lambda root=root: train(root)), answer)
        answer.unlink(missing_ok=True)
        resumed = fork(lambda root=root: train(root), answer)
        found = json.loads(answer.read_text()) if resumed == 0 else None
        partial = [path.name for path in root.rglob("*") if path.name.endswith(".partial") or "removed" in path.name]
        newest = find_newest(RunFolder(root)).manifest if resumed == 0 else None
        kills.append(
            {
                "point": undisturbed["points"][index],
                "killed": ended == -signal.SIGKILL,
                "found": found,
                "left": partial,
                "newest": newest.step if newest else None,
                "models": sorted(path.name for path in (root / "models").iterdir()),
            }
        )
        shutil.rmtree(root)
    return {"undisturbed": undisturbed, "kills": kills}


def damaged_run(root: Path) -> None:
    """A run of three steps whose newest state is cut off."""
    run_folder = RunFolder(root)
    run_folder.prepare()
    model = small_model(root)
    store = CheckpointStore(run_folder, extras={"guard": OneRollback()})
    for step in (1, 2, 3):
        run_steps(model, step, step)
        store.save(model, step)
    state = run_folder.state(3)
    state.write_bytes(state.read_bytes()[:1000])


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with contextlib.redirect_stdout(io.StringIO()):
        # What is imported late or kept for the next step is there for every child then; the CPU's autograd has no
        # threads that a fork could lose.
        train(folder / "warm")
        template = folder / "template"
        fork(lambda: damaged_run(template), folder / "answer.json")
        found = {
            "fresh": matrix(folder, "fresh", lambda root: root.mkdir(), places),
            "damaged": matrix(folder, "damaged", lambda root: shutil.copytree(template, root), before_training),
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
