"""A checkpoint counts with its manifest only; older ones go by rule; a full disk loses nothing."""

import errno
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch

from realesrgan_arch.training import checkpoint, fault_points
from realesrgan_arch.training.checkpoint import CheckpointError, NotSavedError, save_state
from realesrgan_arch.training.checkpoint_manifest import manifest_path, read_manifest
from realesrgan_arch.training.checkpoint_store import ATTEMPTS, CheckpointStore
from realesrgan_arch.training.disk_room import MARGIN_BYTES, DiskRules, tensor_bytes
from realesrgan_arch.training.preflight import check_room, checkpoint_bytes, count_checkpoints
from realesrgan_arch.training.retention import Retention
from realesrgan_arch.training.run_folder import RunFolder, RunFolderError
from tests.training.builders import GT_SIZE, run_steps, small_model


class _Trained:
    """Weights and a state that tell their step; `values` makes them larger."""

    def __init__(self, step: int, *, values: int = 8) -> None:
        self._content = torch.full((values,), float(step))

    def weights(self):
        return {"net_g": {"params": {"w": self._content}}, "net_d": {"params": {"w": self._content}}}

    def state(self):
        return {"iter": int(self._content[0]), "w": self._content}

    def resume_training(self, resume_state) -> None:
        raise NotImplementedError


class _Broken(_Trained):
    def weights(self):
        return {"net_g": {"params": {"w": torch.tensor([1.0, float("nan")])}}}


class _Note:
    def __init__(self) -> None:
        self.value: dict[str, object] = {}

    def state_dict(self):
        return self.value

    def load_state_dict(self, state) -> None:
        self.value = state


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    return folder


def _saved(folder: RunFolder, *steps: int, **rules) -> CheckpointStore:
    store = CheckpointStore(folder, **rules)
    for step in steps:
        store.save(_Trained(step), step)
    return store


def _steps(folder: RunFolder) -> list[int]:
    return sorted(int(path.stem) for path in folder.states.glob("*.state"))


def _all_files(folder: RunFolder) -> set[str]:
    return {path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*") if path.is_file()}


def test_the_manifest_names_every_file_with_size_hash_versions_and_extras(folder) -> None:
    note = _Note()
    note.value = {"best": {3: 25.5}, "nan": float("nan")}
    (folder.root / "options.yml").write_text("name: run")
    _saved(folder, 3, extras={"guard": note})
    content = json.loads(manifest_path(folder, 3).read_text())
    assert [(r["role"], r["name"]) for r in content["files"]] == [
        ("net_g", "models/net_g_3.pth"),
        ("net_d", "models/net_d_3.pth"),
        ("state", "training_states/3.state"),
    ]
    for record in content["files"]:
        path = folder.root / record["name"]
        assert (record["size"], record["sha256"]) == (path.stat().st_size, checkpoint.hash_file(path))
    assert (content["step"], set(content["versions"])) == (3, {"realesrgan_arch", "torch"})
    assert content["options"] == checkpoint.hash_file(folder.root / "options.yml")
    other = _Note()
    CheckpointStore(folder, extras={"guard": other}).restore_extras(3)
    assert other.value["best"] == {"3": 25.5}


def test_extras_are_written_anew_without_the_files(folder) -> None:
    note = _Note()
    store = _saved(folder, 1, extras={"guard": note})
    before = folder.state(1).stat().st_ino
    note.value = {"seen": True}
    store.save_extras(1)
    store.save_extras(7)
    assert read_manifest(manifest_path(folder, 1)).extras == {"guard": {"seen": True}}
    assert folder.state(1).stat().st_ino == before
    assert not manifest_path(folder, 7).exists()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["net_g_2.pth", "net_d_2.pth", "2.state", "ckpt_2.json"])
@pytest.mark.parametrize("harm", [_cut, _flip, Path.unlink])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before_and_is_kept(folder, name, harm) -> None:
    store = _saved(folder, 1, 2)
    harm(next(folder.root.rglob(name)))
    before = _all_files(folder)
    assert store.newest_step() == 1
    assert store.load(1)["iter"] == 1
    assert _all_files(folder) == before, "reading changes nothing"
    words = " ".join(store.tidy())
    assert "ckpt_2" in words or "step 2 is damaged" in words or harm is Path.unlink
    kept = {Path(name).name for name in _all_files(folder)}
    assert {Path(name).name for name in before} <= kept, "nothing is deleted"
    assert not manifest_path(folder, 2).exists()
    assert store.newest_step() == 1
    assert not [text for text in store.tidy() if "is damaged (" in text], "said once"


def test_a_run_without_any_whole_checkpoint_is_refused_and_nothing_moves(folder) -> None:
    store = _saved(folder, 1, 2)
    for path in folder.states.glob("*.state"):
        _cut(path)
    with pytest.raises(CheckpointError, match=r"no checkpoint of .* is whole: .*step 2 .*bytes, not.*; .*step 1 "):
        store.newest_step()


def test_a_state_without_a_manifest_is_not_used_by_itself_but_loads_where_it_is_named(folder) -> None:
    save_state(folder.state(5), {"iter": 5})
    store = CheckpointStore(folder)
    assert store.newest_step() is None
    assert "5.state has no manifest" in store.tidy()[0]
    assert store.load(5)["iter"] == 5


def test_a_manifest_cannot_point_out_of_the_run(folder, tmp_path) -> None:
    store = _saved(folder, 1)
    (tmp_path / "mine").write_text("mine")
    path = manifest_path(folder, 1)
    text = path.read_text().replace("models/net_g_1.pth", "../mine")
    path.write_text(text)
    with pytest.raises(CheckpointError, match="not as it was written"):
        store.newest_step()


def test_the_last_ones_and_the_best_stay(folder) -> None:
    _saved(folder, *range(1, 8), retention=Retention(2, lambda: {3}))
    assert _steps(folder) == [3, 6, 7]
    assert _all_files(folder) == {
        f"{place.format(step)}"
        for step in (3, 6, 7)
        for place in (
            "models/net_g_{}.pth",
            "models/net_d_{}.pth",
            "training_states/{}.state",
            "training_states/ckpt_{}.json",
        )
    }


def test_without_a_rule_everything_stays(folder) -> None:
    _saved(folder, 1, 2, 3, 4, 5)
    assert _steps(folder) == [1, 2, 3, 4, 5]


def test_only_files_that_a_manifest_names_are_removed(folder) -> None:
    (folder.models / "net_g_0.pth").write_text("mine")
    save_state(folder.states / "0.state", {"iter": 0})
    _saved(folder, 1, 2, 3, retention=Retention(1))
    assert _steps(folder) == [0, 3]
    assert (folder.models / "net_g_0.pth").read_text() == "mine"


def test_the_last_one_stays_until_the_next_is_verified(folder, monkeypatch) -> None:
    store = _saved(folder, 1, retention=Retention(1), disk=DiskRules(write=print, sleep=lambda seconds: None))
    monkeypatch.setattr(checkpoint, "hash_file", lambda path: "other")
    with pytest.raises(NotSavedError, match="gives back other bytes"):
        store.save(_Trained(2), 2)
    monkeypatch.undo()
    assert store.newest_step() == 1
    assert not [name for name in _all_files(folder) if name.endswith(".partial")]


def test_going_back_makes_the_older_one_the_newest_and_moves_the_newer_aside(folder) -> None:
    said: list[str] = []
    store = _saved(folder, 1, 2, 3, disk=DiskRules(write=said.append))
    store.discard_after(1)
    assert (store.newest_step(), _steps(folder)) == (1, [1])
    assert said == [f"the checkpoints of steps 2, 3 are in {folder.superseded}"]
    assert sorted(path.name for path in folder.superseded.rglob("*.state")) == ["2.state", "3.state"]
    store.save(_Trained(2), 2)
    assert store.newest_step() == 2


def test_a_step_that_is_saved_again_replaces_the_earlier_save(folder) -> None:
    store = _saved(folder, 1)
    store.save(_Trained(9), 1)
    assert store.load(1)["iter"] == 9
    assert len(_all_files(folder)) == 4


def test_weights_that_are_not_finite_are_no_checkpoint(folder) -> None:
    store = _saved(folder, 1)
    with pytest.raises(CheckpointError, match="not finite"):
        store.save(_Broken(2), 2)
    assert store.newest_step() == 1


def test_a_failing_disk_is_tried_again_and_then_an_error_with_code_5(folder, monkeypatch) -> None:
    said, slept, tries = [], [], []

    def fail(name: str) -> None:
        if name.startswith("save:opened"):
            tries.append(name)
            raise OSError(errno.EIO, "broken disk")

    store = _saved(folder, 1, disk=DiskRules(write=said.append, sleep=slept.append))
    monkeypatch.setattr(fault_points, "reached", fail)
    with pytest.raises(NotSavedError, match="broken disk") as caught:
        store.save(_Trained(2), 2)
    assert caught.value.exit_code == 5
    assert (len(tries), len(slept)) == (ATTEMPTS, ATTEMPTS - 1)
    assert store.newest_step() == 1


def test_a_disk_without_room_stops_the_run_before_it_writes(folder) -> None:
    store = _saved(folder, 1, disk=DiskRules("stop", free=lambda path: 10**9))
    full = CheckpointStore(folder, disk=DiskRules("stop", free=lambda path: 50))
    before = _all_files(folder)
    with pytest.raises(NotSavedError, match=r"expected .* for a checkpoint on the disk of .*got 0 kB free") as caught:
        full.save(_Trained(2), 2)
    assert caught.value.exit_code == 5
    assert _all_files(folder) == before
    assert store.newest_step() == 1


def test_a_full_disk_pauses_the_run_until_there_is_room_and_says_so_once(folder) -> None:
    room, said = iter([50, 50, 50, 10**9, 10**9]), []
    slept: list[float] = []
    disk = DiskRules("pause", write=said.append, free=lambda path: next(room), sleep=slept.append)
    _saved(folder, 1, disk=disk)
    assert len(slept) == 3
    assert len([text for text in said if "training waits until there is room" in text]) == 1
    assert _steps(folder) == [1]


def test_a_signal_ends_the_waiting(folder) -> None:
    asked = iter([False, False, True])
    disk = DiskRules("pause", lambda text: None, lambda: next(asked), free=lambda path: 0, sleep=lambda seconds: None)
    with pytest.raises(NotSavedError):
        _saved(folder, 1, disk=disk)


def test_superseded_checkpoints_make_room(folder) -> None:
    store = _saved(folder, 1, 2, 3)
    store.discard_after(1)
    free = lambda path: 50 if list(folder.superseded.rglob("ckpt_*.json")) else 10**9  # noqa: E731
    _saved(folder, 2, disk=DiskRules("stop", free=free))
    assert not list(folder.superseded.rglob("*.pth"))
    assert _steps(folder) == [1, 2]


@pytest.fixture
def small_disk(tmp_path):
    """One megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_fills_while_a_file_is_written_keeps_the_older_checkpoint_and_no_partial_file(small_disk) -> None:
    folder = RunFolder(small_disk / "run")
    folder.prepare()
    blind = DiskRules("stop", free=lambda path: 10**9)
    store = CheckpointStore(folder, disk=blind)
    store.save(_Trained(1, values=20_000), 1)
    before = _all_files(folder)
    with pytest.raises(NotSavedError, match="No space left on device") as caught:
        store.save(_Trained(2, values=90_000), 2)
    assert caught.value.is_full
    assert caught.value.exit_code == 5
    assert store.newest_step() == 1
    assert _all_files(folder) == before


def test_a_limit_on_the_size_of_files_is_an_error_and_leaves_no_partial_file(folder) -> None:
    store = _saved(folder, 1, disk=DiskRules("pause", write=lambda text: None, sleep=lambda seconds: None))
    before = _all_files(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(NotSavedError, match="File too large"):
            store.save(_Trained(2, values=50_000), 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert _all_files(folder) == before


def test_room_for_all_that_the_run_holds_at_once_is_asked_before_it_starts(folder) -> None:
    assert count_checkpoints(keep_last=3, saves=80) == 4
    assert count_checkpoints(keep_last=None, saves=80) == 80
    assert count_checkpoints(keep_last=1, saves=1) == 2
    check_room(folder, checkpoint=10**9, count=4, free=4 * 10**9 + MARGIN_BYTES)
    with pytest.raises(NotSavedError, match=r"4 checkpoints of 1,000.0 MB at once and the logs, got 3.8 GiB free"):
        check_room(folder, checkpoint=10**9, count=4, free=4 * 10**9 + MARGIN_BYTES - 1)


def test_the_size_of_a_checkpoint_is_known_before_the_first_step(tmp_path) -> None:
    model = small_model(tmp_path / "run", pool=4)
    predicted = checkpoint_bytes(model, gt_size=GT_SIZE, scale=4)
    run_steps(model, 1, 3)
    assert predicted == pytest.approx(tensor_bytes([model.weights(), model.state()]), rel=0.01)


def _try_to_lock(root: Path, answers) -> None:
    try:
        with RunFolder(root).lock():
            answers.put("free")
    except RunFolderError as error:
        answers.put(str(error))


def test_a_second_process_may_not_train_in_the_folder(folder) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def ask() -> str:
        process = context.Process(target=_try_to_lock, args=(folder.root, answers))
        process.start()
        answer = answers.get(timeout=60)
        process.join()
        return answer

    with folder.lock():
        assert "another process is training" in ask()
    assert ask() == "free"
