"""Trains a tiny model, and goes on from what a kill at a named point of a save leaves; prints what it found.

`python -m tests.training.kill_runner FOLDER`: one process pays for importing torch, and forks before any thread runs.
A kill gives a process no time to do anything: what it leaves is what the disk holds at that moment. So one undisturbed
run copies its folder at each point, and real kills at some of the points prove that the copies are what kills leave.
"""

import contextlib
import gc
import hashlib
import io
import json
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from realesrgan_arch.networks.spec import PatchDiscriminatorSpec
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
JUDGE = PatchDiscriminatorSpec(num_feat=4, depth=1, unshuffle=2)
"""Few tensors: most of the time goes into writing them."""


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
    model, guard = small_model(root, network_d=JUDGE), OneRollback()
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
        status = 1
        try:
            answer.write_text(json.dumps(work()))
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def noting_points(work: Callable[[], object], root: Path, copies: Path) -> Callable[[], object]:
    """Copy `root` at each point of `work`."""

    def noted() -> object:
        points: list[str] = []

        def reached(name: str) -> None:
            copy_with_links(root, copies / str(len(points)))
            points.append(name)

        fault_points.reached = reached
        return {"answer": work(), "points": points}

    return noted


def copy_with_links(source: Path, target: Path) -> None:
    """Two names of one file are that in the copy, too."""
    copied: dict[int, str] = {}

    def copy(path: str, name: str) -> None:
        number = Path(path).stat().st_ino
        if number in copied:
            os.link(copied[number], name)
        else:
            copied[number] = shutil.copy2(path, name)

    shutil.copytree(source, target, copy_function=copy)


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


def content(root: Path) -> dict[str, str]:
    """Every file by its name, that of an unfinished one without what chance put in, and a digest of its bytes."""
    files = [path for path in root.rglob("*") if path.is_file()]
    names = [re.sub(r"\.\w{8}\.partial$", "unfinished", path.relative_to(root).as_posix()) for path in files]
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in zip(names, files, strict=True)}


def kill(folder: Path, prepare: Callable[[Path], object], copies: Path, index: int) -> dict[str, object]:
    """Train until a real kill at the place `index`; compare what it leaves with the copy."""
    root = folder / "killed"
    prepare(root)
    ended = fork(dying_at(index, lambda: train(root)), folder / "answer.json")
    left, copied = content(root), content(copies / str(index))
    shutil.rmtree(root)
    differing = sorted(name for name in left.keys() | copied.keys() if left.get(name) != copied.get(name))
    return {"killed": ended == -signal.SIGKILL, "files": len(left), "differing": differing}


def go_on(root: Path, answer: Path) -> dict[str, object]:
    """Start again on what a kill has left in `root`."""
    ended = fork(lambda: train(root), answer)
    partial = [path.name for path in root.rglob("*") if path.name.endswith(".partial") or "removed" in path.name]
    newest = find_newest(RunFolder(root)).manifest if ended == 0 else None
    return {
        "found": json.loads(answer.read_text()) if ended == 0 else None,
        "left": partial,
        "newest": newest.step if newest else None,
    }


def matrix(
    folder: Path, prepare: Callable[[Path], object], where: Callable[[list[str]], list[int]], *, kills: int
) -> dict[str, object]:
    """Train undisturbed; then, for each place, go on from what a kill there leaves; kill at `kills` of the places."""
    folder.mkdir()
    answer, root, copies = folder / "answer.json", folder / "undisturbed", folder / "copies"
    prepare(root)
    if fork(noting_points(lambda: train(root), root, copies), answer):
        raise SystemExit("the undisturbed run failed")
    undisturbed = json.loads(answer.read_text())
    points = undisturbed["points"]
    chosen = where(points)
    killed = {points[i]: kill(folder, prepare, copies, i) for i in chosen[:: len(chosen) // kills]}
    resumed = [{"point": points[index], **go_on(copies / str(index), answer)} for index in chosen]
    return {"undisturbed": undisturbed, "kills": resumed, "killed": killed}


def damaged_run(root: Path) -> None:
    """A run of three steps whose newest state is cut off."""
    run_folder = RunFolder(root)
    run_folder.prepare()
    model = small_model(root, network_d=JUDGE)
    store = CheckpointStore(run_folder, extras={"guard": OneRollback()})
    for step in (1, 2, 3):
        run_steps(model, step, step)
        store.save(model, step)
    state = run_folder.state(3)
    state.write_bytes(state.read_bytes()[:1000])


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    # A kill loses nothing that was given to the system: waiting for the disk would only cost time.
    os.fsync = lambda handle: None
    with contextlib.redirect_stdout(io.StringIO()):
        # What is imported late or kept for the next step is there for every child then; the CPU's autograd has no
        # threads that a fork could lose.
        train(folder / "warm")
        gc.freeze()  # or each child would copy what the collector touches
        template = folder / "template"
        fork(lambda: damaged_run(template), folder / "answer.json")
        found = {
            "fresh": matrix(folder / "fresh", lambda root: root.mkdir(), places, kills=4),
            "damaged": matrix(
                folder / "damaged", lambda root: shutil.copytree(template, root), before_training, kills=2
            ),
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
