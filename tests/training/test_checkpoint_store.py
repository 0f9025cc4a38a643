"""A checkpoint counts with its manifest only; older ones go by rule; a full disk loses nothing."""

import json
import multiprocessing
from pathlib import Path

import pytest

from realesrgan_arch.training import checkpoint, fault_points
from realesrgan_arch.training.checkpoint import CheckpointError, NotSavedError, save_state
from realesrgan_arch.training.checkpoint_manifest import manifest_path, read_manifest
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.disk_rules import DiskRules
from realesrgan_arch.training.retention import Retention
from realesrgan_arch.training.run_folder import RunFolder, RunFolderError
from tests.training.stored import Note, NotFinite, StepNumber, all_files, save_steps, saved_steps


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    return folder


def test_the_manifest_names_every_file_with_size_hash_versions_and_extras(folder) -> None:
    note = Note()
    note.value = {"best": {3: 25.5}, "nan": float("nan")}
    (folder.root / "options.yml").write_text("name: run")
    save_steps(folder, 3, extras={"guard": note})
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
    other = Note()
    CheckpointStore(folder, extras={"guard": other}).restore_extras(3)
    assert other.value["best"] == {"3": 25.5}


def test_extras_are_written_anew_without_the_files(folder) -> None:
    note = Note()
    store = save_steps(folder, 1, extras={"guard": note})
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
    store = save_steps(folder, 1, 2)
    harm(next(folder.root.rglob(name)))
    before = all_files(folder)
    assert store.newest_step() == 1
    assert store.load(1)["iter"] == 1
    assert all_files(folder) == before, "reading changes nothing"
    words = " ".join(store.tidy())
    assert "ckpt_2" in words or "step 2 is damaged" in words or harm is Path.unlink
    kept = {Path(name).name for name in all_files(folder)}
    assert {Path(name).name for name in before} <= kept, "nothing is deleted"
    assert not manifest_path(folder, 2).exists()
    assert store.newest_step() == 1
    assert not [text for text in store.tidy() if "is damaged (" in text], "said once"


def test_a_run_without_any_whole_checkpoint_is_refused_and_nothing_moves(folder) -> None:
    store = save_steps(folder, 1, 2)
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
    store = save_steps(folder, 1)
    (tmp_path / "mine").write_text("mine")
    path = manifest_path(folder, 1)
    text = path.read_text().replace("models/net_g_1.pth", "../mine")
    path.write_text(text)
    with pytest.raises(CheckpointError, match="not as it was written"):
        store.newest_step()


def test_a_manifest_whose_numbers_were_changed_does_not_count(folder) -> None:
    store = save_steps(folder, 1, 2)
    path = manifest_path(folder, 2)
    path.write_text(path.read_text().replace('"sequence": 2', '"sequence": 9'))
    assert store.newest_step() == 1


def test_a_removal_that_was_killed_is_finished_without_the_files_of_a_newer_save(folder) -> None:
    store = save_steps(folder, 1)
    manifest_path(folder, 1).rename(folder.states / "ckpt_1.removed")
    store.save(StepNumber(5), 1)
    store.tidy()
    assert store.load(1)["iter"] == 5
    assert not (folder.states / "ckpt_1.removed").exists()


def test_the_last_ones_and_the_best_stay(folder) -> None:
    save_steps(folder, *range(1, 8), retention=Retention(2, lambda: {3}))
    assert saved_steps(folder) == [3, 6, 7]
    assert all_files(folder) == {
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
    save_steps(folder, 1, 2, 3, 4, 5)
    assert saved_steps(folder) == [1, 2, 3, 4, 5]


def test_only_files_that_a_manifest_names_are_removed(folder) -> None:
    (folder.models / "net_g_0.pth").write_text("mine")
    save_state(folder.states / "0.state", {"iter": 0})
    save_steps(folder, 1, 2, 3, retention=Retention(1))
    assert saved_steps(folder) == [0, 3]
    assert (folder.models / "net_g_0.pth").read_text() == "mine"


def test_the_last_one_stays_until_the_next_is_verified(folder, monkeypatch) -> None:
    store = save_steps(folder, 1, retention=Retention(1), disk=DiskRules(write=print, sleep=lambda seconds: None))
    monkeypatch.setattr(checkpoint, "hash_file", lambda path: "other")
    with pytest.raises(NotSavedError, match="gives back other bytes"):
        store.save(StepNumber(2), 2)
    monkeypatch.undo()
    assert store.newest_step() == 1
    assert not [name for name in all_files(folder) if name.endswith(".partial")]


def test_going_back_makes_the_older_one_the_newest_and_moves_the_newer_aside(folder) -> None:
    said: list[str] = []
    store = save_steps(folder, 1, 2, 3, disk=DiskRules(write=said.append))
    store.discard_after(1)
    assert (store.newest_step(), saved_steps(folder)) == (1, [1])
    assert said == [f"the checkpoints of steps 2, 3 are in {folder.superseded}"]
    assert sorted(path.name for path in folder.superseded.rglob("*.state")) == ["2.state", "3.state"]
    store.save(StepNumber(2), 2)
    assert store.newest_step() == 2


def test_going_back_is_one_rewrite_after_which_a_kill_changes_nothing(folder, monkeypatch) -> None:
    def die(name: str) -> None:
        if name == "save:gone back":
            raise SystemExit

    store = save_steps(folder, 1, 2, 3)
    monkeypatch.setattr(fault_points, "reached", die)
    with pytest.raises(SystemExit):
        store.discard_after(1)
    monkeypatch.undo()
    assert (store.newest_step(), saved_steps(folder)) == (1, [1, 2, 3])
    store.tidy()
    assert saved_steps(folder) == [1]


def test_a_step_that_is_saved_again_replaces_the_earlier_save(folder) -> None:
    store = save_steps(folder, 1)
    store.save(StepNumber(9), 1)
    assert store.load(1)["iter"] == 9
    assert len(all_files(folder)) == 4


def test_weights_that_are_not_finite_are_no_checkpoint(folder) -> None:
    store = save_steps(folder, 1)
    with pytest.raises(CheckpointError, match="not finite"):
        store.save(NotFinite(2), 2)
    assert store.newest_step() == 1


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
