"""A whole run whose numbers break, or that breaks off: what it leaves and how it ends."""

import json
from pathlib import Path

import pytest
import torch

from realesrgan_arch.commands import data
from realesrgan_arch.entry import run
from realesrgan_arch.losses.pixel import PixelLoss
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import train
from realesrgan_arch.train import main
from realesrgan_arch.training.checkpoint import load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import TrainingError
from realesrgan_arch.training.run_folder import RunFolder
from tests.tiny_run import tiny_options, write_options, write_pictures


def _mapping(folder: Path) -> dict:
    write_pictures(folder / "photos")
    mapping = tiny_options(folder / "photos", folder, steps=6)
    del mapping["val"]
    mapping["logger"] |= {"save_checkpoint_freq": 2, "use_tb_logger": False}
    return mapping


def test_a_run_that_diverges_for_good_leaves_a_report_whose_batch_can_be_made_again(in_tmp_path, monkeypatch) -> None:
    mapping = _mapping(in_tmp_path)
    mapping["train"]["bad_steps"] = 2
    mapping["logger"]["save_checkpoint_freq"] = 1
    monkeypatch.setattr(PixelLoss, "__call__", lambda self, prediction, target: (prediction * float("nan")).mean())
    with pytest.raises(TrainingError, match=r"2 steps in a row, up to step 3.*see .*report_3\.json") as ended:
        train(parse_options(mapping))
    assert ended.value.exit_code != 0
    root = in_tmp_path / "experiments/tiny"
    report = json.loads((root / "crash/report_3.json").read_text())
    assert [step["step"] for step in report["steps"]] == [2, 3]
    assert report["learning_rates"] == [5e-4]
    last = report["steps"][-1]
    assert last["losses"] == {"l_g_pix": "nan"}
    assert last["gradient_norms"] == {"network_g": "nan"}
    assert [sample["file"] for sample in last["batch"]] == last["files"]
    assert all(Path(file).exists() for file in last["files"])
    assert report["replay"] == f"realesrgan-arch data replay 3 --run {root} --trained"
    assert data.main([*report["replay"].split()[2:], "--out", "again"]) == 0
    again = json.loads(Path("again/replay.json").read_text())
    assert (again["batch"], again["trained_on"]) == (last["batch"], last["trained_on"])


def test_a_run_that_breaks_off_saves_to_crash_exits_not_0_and_is_resumed_from_its_checkpoint(
    tmp_path, monkeypatch, capsys
) -> None:
    file = write_options(tmp_path / "x.yml", _mapping(tmp_path))
    optimize = FineTuneModel.optimize_parameters

    def broken(self: FineTuneModel, step: int) -> None:
        if step == 3:
            raise RuntimeError("boom")
        optimize(self, step)

    monkeypatch.setattr(FineTuneModel, "optimize_parameters", broken)
    with pytest.raises(RuntimeError, match="boom"):  # which the interpreter says, and exits with 1
        run(main, ["-opt", str(file)])
    run_folder = RunFolder(tmp_path / "experiments/tiny")
    folder = run_folder.crash / "step_2"
    assert f"the run broke off after step 2: its state is in {folder}" in capsys.readouterr().err
    assert "RuntimeError: boom" in (folder / "traceback.txt").read_text()
    assert "torch" in (folder / "environment.json").read_text()
    assert CheckpointStore(run_folder).newest_step() == 2
    newest = run_folder.state(2)
    crashed, checkpoint = load_state(folder / "2.state"), load_state(newest)
    for name, value in checkpoint["generator"].items():
        assert torch.equal(crashed["generator"][name], value)
