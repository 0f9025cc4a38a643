"""A dry run takes the real path, tells what the run will need, and leaves nothing, however it ends."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from realesrgan_arch import dry_run as module
from realesrgan_arch import stages
from realesrgan_arch import train as script
from realesrgan_arch.dry_run import dry_run
from realesrgan_arch.dry_run_report import Cost, DryRunReport, say_seconds
from realesrgan_arch.entry import run
from realesrgan_arch.errors import UserError
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import train
from realesrgan_arch.training import trainer
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.run_folder import RunFolder
from tests.tiny_run import tiny_options, write_options, write_pictures

TRAIN = Path(__file__).parents[1] / "realesrgan_arch/train.py"


@pytest.fixture
def mapping(tmp_path) -> dict:
    write_pictures(tmp_path / "photos")
    mapping = tiny_options(tmp_path / "photos", tmp_path, steps=100)
    mapping["val"]["val_freq"] = 25
    mapping["logger"]["save_checkpoint_freq"] = 10
    return mapping


def _tree(root: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time of change, and every folder."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) if path.is_file() else (0, 0)
        for path in root.rglob("*")
    }


def test_it_tells_time_memory_and_disk_and_leaves_nothing(mapping, tmp_path) -> None:
    before = _tree(tmp_path)
    report = dry_run(parse_options(mapping))
    assert _tree(tmp_path) == before
    assert report.all_problems() == ()
    cost = report.cost
    assert (cost.steps, cost.validations, cost.saves, cost.kept) == (100, 4, 12, 6)
    assert cost.pictures_per_scored == 2.0
    assert 0 < cost.step_s < 5
    assert cost.peak_bytes > 50e6
    for word in ("it/s", "whole run", "peak", "none found"):
        assert word in report.text()


def test_the_size_of_a_checkpoint_is_that_of_a_real_one(mapping) -> None:
    cost = dry_run(parse_options(mapping)).cost
    mapping["train"]["total_iter"] = 1
    run_folder = train(parse_options(mapping)).run_folder
    files = [*run_folder.models.glob("*_1.pth"), *run_folder.states.glob("1.*")]
    assert cost.checkpoint_bytes == pytest.approx(sum(file.stat().st_size for file in files), rel=0.1)


def test_an_existing_run_stays_as_it_is_even_while_it_trains(mapping, tmp_path) -> None:
    mapping["train"]["total_iter"] = 2
    options = parse_options(mapping)
    with train(options).run_folder.lock():
        before = _tree(tmp_path)
        dry_run(options)
        assert _tree(tmp_path) == before


@pytest.mark.parametrize("fault", ["weights", "in a step"])
def test_a_dry_run_that_fails_leaves_nothing(mapping, tmp_path, monkeypatch, fault) -> None:
    if fault == "weights":
        mapping["path"]["pretrain_network_g"] = "nowhere.pth"
    else:
        monkeypatch.setattr(trainer, "_run_step", _raise)
    before = _tree(tmp_path)
    with pytest.raises((UserError, ZeroDivisionError)):
        dry_run(parse_options(mapping))
    assert _tree(tmp_path) == before


def _raise(*_: object, **__: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_dry_run_leaves_nothing(mapping, tmp_path, monkeypatch, capsys, number) -> None:
    file = write_options(tmp_path / "options.yml", mapping)
    before, run_step = _tree(tmp_path), trainer._run_step

    def interrupted(model, batch, step) -> None:
        run_step(model, batch, step)
        signal.raise_signal(number)

    monkeypatch.setattr(trainer, "_run_step", interrupted)
    ours = signal.signal(number, lambda *_: None)  # a signal that the run misses must not end the tests
    try:
        assert run(script.main, ["-opt", str(file), "--dry-run"]) == 128 + number
    finally:
        signal.signal(number, ours)
    assert "has left nothing" in capsys.readouterr().err
    assert _tree(tmp_path) == before


def test_a_process_that_is_asked_to_end_while_it_computes_leaves_nothing(mapping, tmp_path) -> None:
    mapping["network_g"] |= {"num_feat": 64, "num_conv": 32}
    mapping |= {"gt_size": 128, "queue_size": 6}
    mapping["datasets"]["train"] |= {"crop_size": 160, "batch_size_per_gpu": 6}
    file = write_options(tmp_path / "options.yml", mapping)
    before = _tree(tmp_path)
    command = [sys.executable, TRAIN, "-opt", file, "--dry-run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith("before training"):
            assert line, "it ended before it trained"
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert "has left nothing" in said
    assert _tree(tmp_path) == before


def test_a_second_signal_does_not_disturb_the_removal_and_the_loop_takes_none(mapping, tmp_path, monkeypatch) -> None:
    before, remove = _tree(tmp_path), shutil.rmtree

    def interrupted(model, batch, step) -> None:
        signal.raise_signal(signal.SIGTERM)

    def remove_disturbed(folder: Path, **named) -> None:
        signal.raise_signal(signal.SIGINT)
        remove(folder, **named)

    monkeypatch.setattr(trainer, "_run_step", interrupted)
    monkeypatch.setattr(shutil, "rmtree", remove_disturbed)
    with pytest.raises(module.InterruptedDryRun) as stopped:
        dry_run(parse_options(mapping))
    assert stopped.value.exit_code == 143
    assert _tree(tmp_path) == before


def test_what_a_killed_dry_run_left_goes_with_the_next_one_and_that_of_a_live_one_stays(mapping, tmp_path) -> None:
    before = _tree(tmp_path)
    for name in ("old", "killed", "live"):
        (tmp_path / f".dry-run-{name}/models").mkdir(parents=True)
    (tmp_path / ".dry-run-killed.lock").touch()
    with file_lock(tmp_path / ".dry-run-live.lock"):
        dry_run(parse_options(mapping))
        assert {path.name for path in tmp_path.glob(".dry-run-*")} == {".dry-run-live", ".dry-run-live.lock"}
    dry_run(parse_options(mapping))
    assert _tree(tmp_path) == before


@pytest.mark.parametrize("source", ["path", "auto"])
def test_a_state_to_go_on_from_must_load_and_fit(mapping, tmp_path, source) -> None:
    mapping["train"]["total_iter"] = 2
    run_folder = train(parse_options(mapping)).run_folder
    state = run_folder.state(2)
    options = parse_options({**mapping, "manual_seed": 9}).resuming(state if source == "path" else "auto")
    before = _tree(tmp_path)
    with pytest.raises(UserError, match="manual_seed: 0 -> 9"):
        dry_run(options)
    assert dry_run(options, allow_changed=["manual_seed", "path.base_weights"]).all_problems() == ()
    assert _tree(tmp_path) == before
    with pytest.raises(UserError, match=r"found no file"):
        dry_run(options.resuming(tmp_path / "nowhere.state"))


def test_json_without_a_dry_run_is_said_to_do_nothing(mapping, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(stages, "train", _raise)
    file = write_options(tmp_path / "options.yml", mapping)
    with pytest.raises(ZeroDivisionError):
        script.main(["-opt", str(file), "--json"])
    assert "--json has no effect without --dry-run" in capsys.readouterr().err


def test_a_state_that_does_not_resume_exactly_is_a_problem(mapping, monkeypatch) -> None:
    resume = FineTuneModel.resume_training

    def damaged(self, resume_state, **named) -> None:
        resume(self, resume_state, **named)
        with torch.no_grad():
            next(self.generator.network.parameters()).add_(0.5)

    monkeypatch.setattr(FineTuneModel, "resume_training", damaged)
    assert any("resumed" in words for words in dry_run(parse_options(mapping)).all_problems())


def test_what_the_run_warns_of_is_a_problem(mapping, tmp_path) -> None:
    next((tmp_path / "photos").rglob("*.png")).write_bytes(b"broken")
    del mapping["val"]
    mapping["datasets"]["train"]["batch_size_per_gpu"] = 4
    assert any("cannot read" in words for words in dry_run(parse_options(mapping)).all_problems())


def test_no_tracker_hears_of_it(mapping, monkeypatch) -> None:
    mapping["logger"]["wandb"] = {"project": "mine"}
    small = module._in_small(parse_options(mapping), Path("elsewhere"))
    assert small.logger.tracker == "none"


def _report(**changes) -> DryRunReport:
    cost = Cost(
        steps=1000, first_step_s=5.0, step_s=0.5, validations=4, pictures_per_scored=10.0, base_s=2.0,
        validation_s=1.0, saves=10, saving_s=3.0, kept=11, checkpoint_bytes=100, peak_bytes=10,
    )  # fmt: skip
    return DryRunReport(**{"cost": cost, "problems": (), "free_bytes": 1100, **changes})


def test_the_whole_run_is_its_steps_validations_and_checkpoints() -> None:
    cost = _report().cost
    assert cost.training_s == 5 + 999 * 0.5
    assert cost.validating_s == 10 * (2 + 4 * 1)
    assert cost.all_saving_s == 30
    assert f"about {say_seconds(504.5 + 60 + 30)}" in _report().text()


def test_a_disk_that_is_too_small_is_a_problem() -> None:
    assert _report().all_problems() == ()
    assert "choose another disk" in _report(free_bytes=1099).all_problems()[0]
    assert json.loads(_report(free_bytes=1099).json())["disk_bytes"] == 1100


def test_the_command_says_it_as_json(mapping, tmp_path, capfd) -> None:
    file = write_options(tmp_path / "options.yml", mapping)
    assert run(script.main, ["-opt", str(file), "--dry-run", "--json"]) == 0
    said = capfd.readouterr()
    assert json.loads(said.out)["problems"] == []
    assert ".dry-run" not in said.err
    assert str(RunFolder(tmp_path / "experiments/tiny").root) in said.err
