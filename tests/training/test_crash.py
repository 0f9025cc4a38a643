"""A run that breaks off leaves the state of its last whole step; the error that broke it is the one that is told."""

import json

import pytest
import torch

from realesrgan_arch.training.checkpoint import load_state
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.crash import crash_saved
from realesrgan_arch.training.stopping import StoppedBySignal
from tests.training.builders import run_steps, small_model, tensors


@pytest.fixture
def model(tmp_path):
    model = small_model(tmp_path / "run")
    model.run_folder.prepare()
    run_steps(model, 1, 2)
    return model


def _crash(model, error: BaseException, *, environment=lambda: "{}") -> str:
    said: list[str] = []
    with pytest.raises(type(error)) as raised, crash_saved(model, environment=environment, write=said.append):
        raise error
    assert raised.value is error
    return "\n".join(said)


def test_the_state_of_the_last_whole_step_resumes_by_hand_bit_for_bit(model) -> None:
    expected = tensors(model)
    model.update_learning_rate(3)  # the third step has begun
    said = _crash(model, RuntimeError("boom"))
    folder = model.run_folder.crash / "step_2"
    assert sorted(path.name for path in folder.iterdir()) == [
        "2.state", "environment.json", "net_g.pth", "traceback.txt",
    ]  # fmt: skip
    assert f"the run broke off after step 2: its state is in {folder}; it is not resumed by itself" in said
    assert "RuntimeError: boom" in (folder / "traceback.txt").read_text()
    resumed = small_model(model.run_folder.root)
    resumed.resume_training(load_state(folder / "2.state"))
    assert resumed.step == 2
    found = tensors(resumed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_no_resume_looks_there_by_itself(model) -> None:
    _crash(model, RuntimeError("boom"))
    assert CheckpointStore(model.run_folder).newest_step() is None


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), StoppedBySignal(2, 15)])
def test_a_stop_by_a_signal_is_no_crash(model, stop) -> None:
    assert _crash(model, stop) == ""
    assert not model.run_folder.crash.exists()


def test_a_run_that_has_not_trained_leaves_nothing(tmp_path) -> None:
    model = small_model(tmp_path / "run")
    assert _crash(model, RuntimeError("boom")) == ""
    assert not model.run_folder.crash.exists()


def test_a_second_crash_does_not_replace_the_first(model) -> None:
    _crash(model, RuntimeError("one"))
    _crash(model, RuntimeError("two"))
    names = {path.name: (path / "traceback.txt").read_text() for path in model.run_folder.crash.iterdir()}
    assert "one" in names["step_2"]
    assert "two" in names["step_2_2"]


def test_a_part_that_cannot_be_saved_hides_neither_the_error_nor_the_others(model) -> None:
    with torch.no_grad():
        model.generator.network.body[0].bias.fill_(float("nan"))

    def broken() -> str:
        raise ZeroDivisionError("no facts")

    said = _crash(model, torch.OutOfMemoryError("CUDA out of memory"), environment=broken)
    assert "without net_g.pth (the weights are not finite any more" in said
    assert "environment.json (no facts)" in said
    folder = model.run_folder.crash / "step_2"
    assert sorted(path.name for path in folder.iterdir()) == ["2.state", "traceback.txt"]


def test_a_place_that_takes_nothing_is_said(model) -> None:
    model.run_folder.crash.write_text("a file stands where the folder should")
    assert "nothing could be saved" in _crash(model, RuntimeError("boom"))


def test_the_state_is_that_of_a_run_of_the_same_options(model) -> None:
    _crash(model, RuntimeError("boom"))
    state = load_state(model.run_folder.crash / "step_2/2.state")
    assert json.dumps(state["record"]) == json.dumps(model.state()["record"])
