"""Where a run goes on from, what may have changed until then, and what the end of a killed run still needs."""

import json
import shutil
from functools import partial

import pytest
import torch
import yaml

from realesrgan_arch.networks.distilled_vgg19 import DistilledVgg19
from realesrgan_arch.networks.vgg19 import VGG19Features
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import Outcome, train
from realesrgan_arch.training import trainer
from realesrgan_arch.training.checkpoint import CheckpointError, load_state
from realesrgan_arch.training.checkpoint_manifest import read_manifests, write_manifest
from realesrgan_arch.training.run_folder import RunFolder
from tests.tiny_run import tiny_options, write_pictures


@pytest.fixture
def mapping(tmp_path) -> dict:
    write_pictures(tmp_path / "photos", scenes=2, views=2, size=(48, 48))
    mapping = tiny_options(tmp_path / "photos", tmp_path)
    mapping |= {"gt_size": 16}
    mapping["datasets"]["train"]["crop_size"] = 32
    mapping["datasets"]["val"] |= {"max_size": 24, "max_images": 1}
    mapping["logger"]["use_tb_logger"] = False
    return mapping


def _train(
    mapping: dict, *, steps: int = 2, resume: object = "none", allow: tuple[str, ...] = (), **train_keys
) -> Outcome:
    changed = {**mapping, "resume": str(resume), "train": {**mapping["train"], "total_iter": steps, **train_keys}}
    return train(parse_options(changed), allow_changed=allow)


def _weights(outcome: Outcome) -> dict:
    return torch.load(outcome.weights, weights_only=True)["params"]


def _steps(outcome: Outcome, kind: str) -> list[int]:
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    return [record["step"] for record in records if record["kind"] == kind]


def test_auto_without_a_checkpoint_starts_at_step_0_and_says_so(mapping, capsys) -> None:
    crash = parse_options(mapping).path.experiments_root / "tiny" / "crash"
    first = _train({**mapping, "name": "other"})
    crash.mkdir(parents=True)
    shutil.copy(first.run_folder.state(2), crash / "2.state")
    assert _steps(_train(mapping, resume="auto"), "train") == [1, 2]
    assert "no older state to resume from: starting at step 0" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["state", "run", "experiments"])
def test_a_path_is_a_state_a_run_or_the_folder_of_runs(mapping, where: str) -> None:
    root = _train(mapping).run_folder.root
    path = {"state": root / "training_states/1.state", "run": root, "experiments": root.parent}[where]
    outcome = _train(mapping, steps=3, resume=path)
    assert _steps(outcome, "train") == [1, 2, 3]
    assert sorted(path.name for path in root.glob("training_states/*.state")) == ["1.state", "2.state", "3.state"]


def test_a_path_without_a_checkpoint_is_refused(mapping, tmp_path) -> None:
    with pytest.raises(CheckpointError, match="in which there is no whole checkpoint"):
        _train(mapping, resume=tmp_path / "photos")
    assert not (tmp_path / "experiments" / "tiny").exists()


def test_the_state_of_another_run_begins_a_folder_of_its_own(mapping) -> None:
    first = _train(mapping)
    second = _train({**mapping, "name": "second"}, steps=3, resume=first.run_folder.root)
    assert _steps(second, "train") == [3]
    assert _steps(first, "train") == [1, 2]


def test_what_changed_is_said_and_what_makes_another_run_is_refused_before_anything_is_touched(mapping, capsys) -> None:
    first = _train(mapping)
    mapping["logger"]["print_freq"] = 3
    with pytest.raises(CheckpointError, match=r"manual_seed: 0 -> 9.*--allow-changed manual_seed"):
        _train({**mapping, "manual_seed": 9}, steps=4, resume="auto")
    assert _steps(first, "train") == [1, 2]
    capsys.readouterr()
    _train({**mapping, "manual_seed": 9}, steps=4, resume="auto", allow=("manual_seed", "path.base_weights"))
    said = capsys.readouterr().err
    for line in ("  logger.print_freq: 1 -> 3", "  train.total_iter: 2 -> 4", "  manual_seed: 0 -> 9"):
        assert line in said.splitlines()


def test_a_moved_folder_is_the_same_data_and_a_picture_more_is_not(mapping, tmp_path, capsys) -> None:
    straight = _train({**mapping, "name": "straight"}, steps=4)
    _train(mapping)
    (tmp_path / "photos").rename(tmp_path / "moved")
    for part in ("train", "val"):
        mapping["datasets"][part]["dataroot_gt"] = str(tmp_path / "moved")
    capsys.readouterr()
    moved = _train(mapping, steps=4, resume="auto")
    assert "another run" not in capsys.readouterr().err
    assert all(map(torch.equal, _weights(straight).values(), _weights(moved).values()))
    shutil.copy(tmp_path / "moved/scene 0/view 0.png", tmp_path / "moved/scene 0/view 9.png")
    with pytest.raises(CheckpointError, match=r"datasets.train.files: 4 images .* -> 5 images"):
        _train(mapping, steps=5, resume="auto")
    assert _steps(_train(mapping, steps=5, resume="auto", allow=("datasets.train",)), "train") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("key", "build"),
    [("feature_opt", DistilledVgg19), ("perceptual_opt", partial(VGG19Features, ["conv1_1"]))],
    ids=["feature_opt", "perceptual_opt"],
)
def test_the_weights_of_a_loss_may_lie_elsewhere_and_others_are_refused(mapping, tmp_path, capsys, key, build) -> None:
    def loss(name: str, *, seed: int) -> dict:
        torch.manual_seed(seed)
        torch.save(build().state_dict(), tmp_path / name)
        return {key: {"weights": str(tmp_path / name), "layer_weights": {"conv1_1": 1}}}

    _train(mapping, **loss("first.pth", seed=1))
    capsys.readouterr()
    _train(mapping, steps=3, resume="auto", **loss("same.pth", seed=1))
    harmless, _, here_on = capsys.readouterr().err.partition("changed since, from here on:")
    assert f"train.{key}.weights: " in harmless and "train.total_iter: 2 -> 3" in here_on
    with pytest.raises(CheckpointError, match=rf"means: train\.{key}\.loaded_weights: \w{{12}} -> \w{{12}}; "):
        _train(mapping, steps=4, resume="auto", **loss("other.pth", seed=2))


def test_networks_of_other_shapes_are_refused_whatever_is_allowed(mapping) -> None:
    _train(mapping)
    mapping["network_g"]["num_feat"] = 16
    with pytest.raises(CheckpointError, match="fit nowhere else"):
        _train(mapping, steps=4, resume="auto", allow=("*",))


def test_a_key_that_may_change_must_be_one(mapping) -> None:
    _train(mapping)
    with pytest.raises(CheckpointError, match=r"got train\.optim_g\.lrr; did you mean train\.optim_g\.lr\?"):
        _train(mapping, steps=4, resume="auto", allow=("train.optim_g.lrr",))


def test_other_layers_may_train_from_here_on_where_that_is_allowed(mapping) -> None:
    first = _train(mapping, trainable={"network_g": ["last:1"]})
    before = _weights(first)
    outcome = _train(mapping, steps=4, resume="auto", allow=("train.trainable",))
    assert all(not torch.equal(before[name], value) for name, value in _weights(outcome).items() if "weight" in name)


def test_a_run_killed_between_its_last_checkpoint_and_its_end_finishes(mapping) -> None:
    straight = _train({**mapping, "name": "straight"})
    killed = _train(mapping)
    killed.weights.unlink()
    path, manifest = next(item for item in read_manifests(killed.run_folder).items() if item[1].step == 2)
    manifest.extras["rounds"]["last_step"] = 0
    write_manifest(path, manifest)
    lines = killed.run_folder.metrics.read_text().splitlines()
    killed.run_folder.metrics.write_text("\n".join(lines[:-1]) + "\n")
    ended = _train(mapping, resume="auto")
    assert "tuned" in ended.table
    assert _steps(ended, "validation") == [0, 2]
    assert all(map(torch.equal, _weights(straight).values(), _weights(ended).values()))
    assert "nothing is left to do" in _train(mapping, resume="auto").table


def test_a_schedule_restarts_once_and_a_second_resume_goes_on_with_it(mapping) -> None:
    scheduler = {"type": "MultiStepLR", "milestones": [1, 3], "gamma": 0.1}
    first = _train(mapping, scheduler=scheduler)
    for steps in (4, 7):
        _train(mapping, steps=steps, resume="auto", scheduler=scheduler, restart_schedule=True)
    records = [json.loads(line) for line in first.run_folder.metrics.read_text().splitlines()]
    rates = [record["lr"] for record in records if record["kind"] == "train"]
    assert rates == pytest.approx([1e-3, 1e-4, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])
    assert load_state(first.run_folder.state(7))["schedule_start"] == 2
    assert _train(mapping, steps=8, resume="auto", scheduler=scheduler)
    assert load_state(first.run_folder.state(8))["schedule_start"] == 2


def test_rates_and_settings_of_the_options_count_after_a_resume(mapping) -> None:
    _train(mapping)
    changed = {**mapping["train"]["optim_g"], "betas": [0.5, 0.6], "lr": 1e-5}
    outcome = _train(mapping, steps=3, resume="auto", allow=("train.optim_g",), optim_g=changed)
    group = load_state(outcome.run_folder.state(3))["optimizers"]["network_g"]["param_groups"][0]
    assert tuple(group["betas"]) == (0.5, 0.6)
    assert group["lr"] == 1e-5


def test_the_command_line_wins_and_two_keys_in_the_file_are_a_problem(mapping) -> None:
    options = parse_options({**mapping, "path": {**mapping["path"], "resume_state": "old.state"}})
    assert str(options.resume_from) == "old.state"
    assert options.resuming("auto").resume_from == "auto"
    with pytest.raises(Exception, match="expected one of `resume` and path.resume_state, got both"):
        parse_options({**mapping, "resume": "auto", "path": {**mapping["path"], "resume_state": "old.state"}})


def _crash(mapping: dict, monkeypatch, *, at_step: int, steps: int) -> RunFolder:
    """Train until a step breaks off; its state is in `crash/`."""
    run_step = trainer._run_step

    def broken(model, batch, step) -> None:
        if step == at_step:
            raise ZeroDivisionError
        run_step(model, batch, step)

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(trainer, "_run_step", broken)
        _train(mapping, steps=steps)
    return RunFolder(parse_options(mapping).path.experiments_root / mapping["name"])


def test_a_state_that_a_crash_left_goes_on_in_its_own_folder_with_all_that_the_run_knew(mapping, monkeypatch) -> None:
    mapping["logger"]["save_checkpoint_freq"] = 2
    straight = _train({**mapping, "name": "straight"}, steps=6)
    folder = _crash(mapping, monkeypatch, at_step=4, steps=6)
    state = folder.crash / "step_3/3.state"
    with monkeypatch.context() as patch:
        # Killed right after the start: what the advice of the crash began is a checkpoint by then.
        patch.setattr(trainer.Trainer, "fit", _raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            _train(mapping, steps=6, resume=state)
    assert [path.name for path in folder.root.parent.iterdir() if "archived" in path.name] == []
    newest = next(iter(read_manifests(folder).values()))
    assert newest.step == 3
    assert newest.extras["rounds"]["last_step"] == 2
    resumed = _train(mapping, steps=6, resume="auto")
    assert _steps(resumed, "train") == [1, 2, 3, 4, 5, 6]
    assert all(map(torch.equal, _weights(straight).values(), _weights(resumed).values()))
    best = [json.loads((one.run_folder.root / "best.json").read_text()) for one in (straight, resumed)]
    assert best[0] == best[1]


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_superseded_state_and_one_without_a_manifest_go_on_in_their_own_folder(mapping, capsys) -> None:
    folder = _train(mapping, steps=4).run_folder
    _train(mapping, steps=4, resume=folder.state(2))
    superseded = next(folder.superseded.rglob("4.state"))
    _train(mapping, steps=5, resume=superseded)
    assert next(iter(read_manifests(folder).values())).step == 5
    (folder.states / "ckpt_3.json").unlink()
    capsys.readouterr()
    _train(mapping, steps=5, resume=folder.state(3))
    assert "this state was no checkpoint of the run; now it is saved as that of step 3" in capsys.readouterr().err
    assert {manifest.step for manifest in read_manifests(folder).values()} >= {3, 4, 5}
    assert [path.name for path in folder.root.parent.iterdir() if path.is_dir()] == ["tiny"]


def test_a_checkpoint_of_the_same_step_is_set_aside_and_not_replaced(mapping, monkeypatch) -> None:
    folder = _crash(mapping, monkeypatch, at_step=3, steps=4)
    _train(mapping, steps=3, resume=folder.crash / "step_2/2.state")
    assert [path.name for path in folder.superseded.rglob("*.state")] == ["2.state"]


def _parts_of(outcome: Outcome) -> int:
    return yaml.safe_load((outcome.run_folder.root / "options.yml").read_text())["train"]["accumulate"]


@pytest.mark.parametrize("where", ["auto", "state", "run", "states", "experiments", "crash"])
def test_accumulate_auto_keeps_the_number_of_the_state_wherever_it_is(mapping, monkeypatch, where: str) -> None:
    folder = _crash({**mapping, "train": {**mapping["train"], "accumulate": 2}}, monkeypatch, at_step=2, steps=2)
    root = folder.root
    (root / "options.yml").unlink()
    path = {
        "auto": "auto", "state": folder.state(1), "run": root, "states": folder.states, "experiments": root.parent,
        "crash": folder.crash / "step_1/1.state",
    }[where]  # fmt: skip
    resumed = _train(mapping, resume=path, accumulate="auto", memory_budget="1GB")
    assert _parts_of(resumed) == 2


def test_accumulate_auto_is_settled_anew_where_no_state_is_gone_on_with(mapping) -> None:
    root = parse_options(mapping).path.experiments_root / "tiny"
    root.mkdir(parents=True)
    (root / "options.yml").write_text(yaml.safe_dump({"train": {"accumulate": 2}}))
    assert _parts_of(_train(mapping, resume="auto", accumulate="auto", memory_budget="1GB")) == 1
