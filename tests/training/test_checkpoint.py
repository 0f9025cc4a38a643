"""Files are whole or absent, plain, and refuse code."""

import os
import pickle
import resource
import signal
from pathlib import Path

import pytest
import torch

from realesrgan_arch.atomic import atomic_file, write_text
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import RRDBNetSpec
from realesrgan_arch.training.checkpoint import CheckpointError, load_state, plain_state, save_state, save_weights
from realesrgan_arch.training.run_folder import RunFolder, RunFolderError


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="half way"), atomic_file(path) as file:
        file.write(b"ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path) -> None:
    write_text(tmp_path / "ours", "")
    (tmp_path / "theirs").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_saved_weights_are_plain_fp32_tensors_that_load_safely(tmp_path) -> None:
    network = build_generator(RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=4)).to(memory_format=torch.channels_last)
    save_weights(tmp_path / "g.pth", params=plain_state(network), params_ema=plain_state(network.half()))
    content = torch.load(tmp_path / "g.pth", weights_only=True)
    assert list(content) == ["params", "params_ema"]
    for state in content.values():
        assert {type(v) for v in state.values()} == {torch.Tensor}
        assert {v.dtype for v in state.values()} == {torch.float32}
        assert all(v.is_contiguous() and v.device.type == "cpu" for v in state.values())


def test_a_state_round_trips(tmp_path) -> None:
    state = {
        "iter": 3,
        "generator": {"w": torch.arange(3.0)},
        "optimizers": [{"state": {0: {"step": torch.tensor(1.0)}}}],
    }
    save_state(tmp_path / "3.state", state)
    found = load_state(tmp_path / "3.state")
    assert found["iter"] == 3
    assert torch.equal(found["generator"]["w"], torch.arange(3.0))


class _Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return (os.mkdir, (str(self.marker),))


@pytest.mark.parametrize("kind", ["absent", "truncated", "code", "basicsr", "older"])
def test_a_state_that_cannot_be_used_is_one_sentence(tmp_path, kind: str) -> None:
    path = tmp_path / "1.state"
    if kind == "truncated":
        save_state(path, {"iter": 1, "w": torch.zeros(1000)})
        path.write_bytes(path.read_bytes()[:1500])
    elif kind == "code":
        path.write_bytes(pickle.dumps(_Bomb(tmp_path / "marker")))
    elif kind == "basicsr":
        torch.save({"iter": 1, "epoch": 0, "optimizers": [], "schedulers": []}, path)
    elif kind == "older":
        torch.save({"iter": 1, "format": 1}, path)
    expected = {
        "older": "of format 1, which another version",
        "absent": "no file",
        "truncated": "which is none or is damaged",
        "code": "which is none or is damaged",
        "basicsr": "BasicSR's own",
    }
    with pytest.raises(CheckpointError, match=expected[kind]):
        load_state(path)
    assert not (tmp_path / "marker").exists()


def test_a_run_folder_that_cannot_be_written_to_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match=r"can be written to, got .*file/run"):
        RunFolder(tmp_path / "file" / "run").prepare()


def test_weights_that_are_not_finite_are_not_written(tmp_path) -> None:
    state = {"a": torch.zeros(2), "b": torch.tensor([1.0, float("nan")])}
    with pytest.raises(CheckpointError, match="not finite any more .b and 0 others"):
        save_weights(tmp_path / "g.pth", params=state)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path) -> None:
    path = tmp_path / "g.pth"
    save_weights(path, params={"a": torch.zeros(2)})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(CheckpointError, match=r"cannot write .*g\.pth"):
            save_weights(path, params={"a": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_older_run_is_moved_aside_and_an_empty_folder_is_not(tmp_path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    assert folder.move_older_run_aside() is None
    targets = []
    for text in ("first", "second"):
        folder.prepare()
        folder.metrics.write_text(text)
        targets.append(folder.move_older_run_aside())
    assert [(path / "metrics.jsonl").read_text() for path in targets] == ["first", "second"]
    assert not folder.root.exists()


def test_a_place_that_cannot_hold_a_run_is_said_before_anything_is_built(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="file is no folder"):
        RunFolder(tmp_path / "file" / "run").check_place()
    RunFolder(tmp_path / "a" / "b").check_place()
    assert not (tmp_path / "a").exists()
