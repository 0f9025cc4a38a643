"""Several option files are trained one after the other: each stage starts from the best weights of the one before."""

import copy
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from realesrgan_arch import session, stages
from realesrgan_arch import train as script
from realesrgan_arch.entry import run
from realesrgan_arch.errors import UserError
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.trainer import Trainer
from tests.tiny_run import tiny_options, write_options, write_pictures

ROOT = Path(__file__).parents[1]


@pytest.fixture
def chain(tmp_path) -> tuple[dict, dict]:
    """Options of a first stage without and a second one with a discriminator, of two steps each."""
    write_pictures(tmp_path / "photos")
    first, second = (tiny_options(tmp_path / "photos", tmp_path, gan=gan) for gan in (False, True))
    for mapping, name in ((first, "one"), (second, "two")):
        mapping["name"] = name
        mapping["val"]["val_freq"] = 1
        mapping["logger"]["use_tb_logger"] = False
    second["train"]["total_iter"] = 3
    second["path"]["pretrain_network_g"] = "experiments/one/models/net_g_best_psnr.pth"
    return first, second


def _files(tmp_path: Path, *mappings: dict) -> list[str]:
    return [str(write_options(tmp_path / f"stage{index}.yml", mapping)) for index, mapping in enumerate(mappings, 1)]


def _train(tmp_path: Path, mappings: tuple[dict, ...], *more: str) -> int:
    return run(script.main, ["-opt", *_files(tmp_path, *mappings), *more])


def _folder(tmp_path: Path, name: str) -> RunFolder:
    return RunFolder(tmp_path / "experiments" / name)


def _weights(folder: RunFolder, step: int | str | None = None) -> dict[str, torch.Tensor]:
    content = torch.load(folder.weights("net_g", step), weights_only=True)
    return {f"{entry} {name}": value for entry, state in content.items() for name, value in state.items()}


def _are_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(value, two[name]) for name, value in one.items())


def _steps(folder: RunFolder) -> list[int]:
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return [record["step"] for record in records if record["kind"] == "train"]


def _break_at(monkeypatch, step: int, *, of: str, error: BaseException | None = None) -> None:
    """Let the run `of` end before its `step`, as by a kill, once."""
    fit = Trainer._save_and_validate
    left = [error or KeyboardInterrupt()]

    def broken(self, now):
        if left and now == step and self._model.run_folder.root.name == of:
            raise left.pop()
        return fit(self, now)

    monkeypatch.setattr(Trainer, "_save_and_validate", broken)


def test_a_chain_leaves_what_its_stages_leave_when_they_are_run_one_by_one(chain, tmp_path, capsys) -> None:
    assert _train(tmp_path, chain) == 0
    first, second = copy.deepcopy(chain)
    first["name"], second["name"] = "alone one", "alone two"
    second["path"]["pretrain_network_g"] = str(_folder(tmp_path, "alone one").weights("net_g", "best_psnr"))
    for mapping in (first, second):
        session.train(parse_options(mapping))
    for name in ("one", "two"):
        assert _are_equal(_weights(_folder(tmp_path, name)), _weights(_folder(tmp_path, f"alone {name}")))
    base = _folder(tmp_path, "one").weights("net_g", "best_psnr")
    said = capsys.readouterr()
    assert (
        f"stage 2 of 2 (two) starts from {base} instead of experiments/one/models/net_g_best_psnr.pth\n" in said.err
    )
    assert said.out.count("weights  ") == 2


def test_the_composite_decides_unless_the_next_stage_names_a_metric_or_the_last_weights(chain, tmp_path) -> None:
    first = parse_options(chain[0])
    models = _folder(tmp_path, "one").models
    assert stages.best_weights_of(first) == models / "net_g_best_composite.pth"
    assert stages.best_weights_of(first, asked="elsewhere/net_g_best_psnr.pth") == models / "net_g_best_psnr.pth"
    assert stages.best_weights_of(first, asked="elsewhere/net_g_latest.pth") == models / "net_g_latest.pth"
    # A metric that the first stage does not measure, and a step, which may be gone.
    for name in ("net_g_best_niqe.pth", "net_g_5000.pth"):
        assert stages.best_weights_of(first, asked=name) == models / "net_g_best_composite.pth"
    del chain[0]["val"]
    assert stages.best_weights_of(parse_options(chain[0])) == models / "net_g_latest.pth"


def test_the_second_stage_starts_from_the_best_weights_and_not_from_the_last(chain, tmp_path, monkeypatch) -> None:
    chain[0]["train"]["total_iter"] = 3
    chain[0]["train"]["optim_g"]["lr"] = 0.3  # so that the first step is the best one
    assert _train(tmp_path, chain) == 0
    one = _folder(tmp_path, "one")
    assert json.loads(one.best.read_text())["files"]["psnr"] < 3
    best, latest = _weights(one, "best_psnr"), _weights(one)
    assert not _are_equal(best, latest)
    start = session.load_base_generator(
        stages.link_stages([parse_options(mapping) for mapping in chain])[1]
    ).state_dict()
    assert all(torch.equal(value, best[f"params_ema {name}"]) for name, value in start.items())


def test_a_key_of_another_programs_file_does_not_follow_to_ours(chain) -> None:
    chain[1]["path"]["param_key_g"] = "state_dict"
    assert stages.link_stages([parse_options(mapping) for mapping in chain])[1].path.param_key_g is None
    chain[1]["path"]["param_key_g"] = "params"
    assert stages.link_stages([parse_options(mapping) for mapping in chain])[1].path.param_key_g == "params"


@pytest.mark.parametrize(("name", "step"), [("one", 2), ("two", 2)])
def test_a_chain_that_was_stopped_goes_on_in_its_stage_to_the_same_weights(
    chain, tmp_path, monkeypatch, capsys, name: str, step: int
) -> None:
    straight = copy.deepcopy(chain)
    for mapping in straight:
        mapping["path"]["experiments_root"] = str(tmp_path / "straight")
    assert _train(tmp_path, straight) == 0
    _break_at(monkeypatch, step, of=name)
    assert _train(tmp_path, chain) == 130
    assert _folder(tmp_path, "two").metrics.exists() == (name == "two")
    before = capsys.readouterr()
    assert "stage 1 of 2 (one) is finished" not in before.err
    assert _train(tmp_path, chain, "--resume", "auto") == 0
    assert ("stage 1 of 2 (one) is finished\n" in capsys.readouterr().err) == (name == "two")
    for stage in ("one", "two"):
        expected = RunFolder(tmp_path / "straight" / stage)
        assert _are_equal(_weights(_folder(tmp_path, stage)), _weights(expected))
        assert _are_equal(_weights(_folder(tmp_path, stage), "best_psnr"), _weights(expected, "best_psnr"))
    assert not list((tmp_path / "experiments").glob("*archived*"))


def test_a_finished_chain_changes_nothing(chain, tmp_path, capsys) -> None:
    assert _train(tmp_path, chain) == 0
    files = [path for name in ("one", "two") for path in _folder(tmp_path, name).models.iterdir()]
    before = {path: path.read_bytes() for path in files}
    assert _train(tmp_path, chain, "--resume", "auto") == 0
    assert "nothing is left to do: the run is finished at step 3" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in files} == before


def test_an_older_second_stage_of_other_weights_is_moved_aside_and_not_gone_on_with(
    chain, tmp_path, monkeypatch, capsys
) -> None:
    assert _train(tmp_path, chain) == 0
    chain[0]["manual_seed"] = 1
    _break_at(monkeypatch, 1, of="two")
    assert _train(tmp_path, chain[:1]) == 0
    assert _train(tmp_path, chain, "--resume", "auto") == 130
    said = capsys.readouterr().err
    assert "the older run two began from other weights: it is moved aside" in said
    assert len(list((tmp_path / "experiments").glob("two_archived_*"))) == 1
    # Now it has no checkpoint yet, and begins from these weights.
    assert _train(tmp_path, chain, "--resume", "auto") == 0
    assert "moved aside" not in capsys.readouterr().err


def test_a_first_stage_that_goes_on_longer_makes_the_second_one_anew(chain, tmp_path, capsys) -> None:
    assert _train(tmp_path, chain) == 0
    chain[0]["train"]["total_iter"] = 4
    assert _train(tmp_path, chain, "--resume", "auto") == 0
    assert _steps(_folder(tmp_path, "one")) == [1, 2, 3, 4]
    assert _steps(_folder(tmp_path, "two")) == [1, 2, 3]
    assert len(list((tmp_path / "experiments").glob("two_archived_*"))) == 1


@pytest.mark.slow
def test_ctrl_c_in_the_first_stage_ends_the_chain(chain, tmp_path) -> None:
    chain[0]["train"]["total_iter"] = 5000
    chain[0]["val"]["val_freq"] = 5000
    chain[0]["logger"]["save_checkpoint_freq"] = 5000
    command = [sys.executable, str(ROOT / "realesrgan_arch/train.py"), "-opt", *_files(tmp_path, *chain)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    one = _folder(tmp_path, "one")
    while process.poll() is None and '"train"' not in (one.metrics.read_text() if one.metrics.exists() else ""):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1].endswith("and saved; go on with --resume auto")
    assert "stage 2" not in errors and "Traceback" not in errors
    assert not _folder(tmp_path, "two").root.exists()


def test_the_guards_exit_code_ends_the_chain_and_a_resume_says_it_again(chain, tmp_path, capsys) -> None:
    chain[0]["train"] |= {"total_iter": 6}
    chain[0]["train"]["optim_g"]["lr"] = 5.0
    chain[0]["val"] |= {"guard": "stop", "patience": 1}
    for more in ([], ["--resume", "auto"]):
        assert _train(tmp_path, chain, *more) == 4
        said = capsys.readouterr()
        assert said.err.endswith("stage 1 of 2 (one) ended with exit code 4: stage 2 is left\n")
        assert "ended    " in said.out or more
        assert not _folder(tmp_path, "two").root.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"datasets.train.dataroot_gt": "nowhere"}, r"stage 2 \(two\): .*nowhere"),
        ({"datasets.val.dataroot_gt": "nowhere"}, r"stage 2 \(two\): .*nowhere"),
        ({"path.pretrain_network_d": "nowhere.pth"}, r"stage 2 \(two\): .*nowhere"),
        ({"train.trainable": {"network_g": ["conv_lst"]}}, r"stage 2 \(two\): .*matches nothing"),
        ({"train.perceptual_opt": {"type": "PerceptualLoss", "weights": "no_vgg.pth"}}, r"stage 2 \(two\): .*no_vgg"),
    ],
)
def test_what_a_later_stage_lacks_is_said_before_the_first_step(
    chain, tmp_path, capsys, change: dict, sentence: str
) -> None:
    for dotted, value in change.items():
        *parents, last = dotted.split(".")
        section = chain[1]
        for parent in parents:
            section = section[parent]
        section[last] = value
    assert _train(tmp_path, chain) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    import re

    assert re.match(f"error: {sentence}", error), error
    assert not (tmp_path / "experiments").exists()


def test_weights_that_a_stage_did_not_leave_are_one_sentence(chain, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(stages, "best_weights_of", lambda options, asked: tmp_path / "net_g_best_psnr.pth")
    assert _train(tmp_path, chain) == 2
    assert "stage 1 has left no " in capsys.readouterr().err.splitlines()[-1]


def test_a_second_stage_alone_names_both_ways_to_its_weights(chain, tmp_path, capsys) -> None:
    for more in ([], ["--dry-run"]):
        assert _train(tmp_path, chain[1:], *more) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: path.pretrain_network_g: expected the weights of the run one, got no file ")
        assert "train.py -opt <file of one>.yml" in error and "--set path.pretrain_network_g=FILE" in error


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"type": "RRDBNet", "num_feat": 8, "num_block": 1, "num_grow_ch": 4}, "These weights are a SRVGGNetCompact"),
        ({"num_conv": 3}, "num_conv 2; the options say num_conv 3"),
        ({"upscale": 2}, "upscale 4; the options say upscale 2"),
    ],
)
def test_a_base_of_another_architecture_or_scale_is_one_sentence(chain, tmp_path, network: dict, words: str) -> None:
    first, second = chain
    session.train(parse_options(first))
    second["network_g"] = network if "type" in network else {**second["network_g"], **network}
    second["scale"] = network.get("upscale", 4)
    second["path"]["pretrain_network_g"] = str(_folder(tmp_path, "one").weights("net_g", "best_psnr"))
    with pytest.raises(UserError) as caught:
        session.train(parse_options(second))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dry_run_is_made_of_each_stage_and_leaves_nothing(chain, tmp_path, capsys) -> None:
    assert _train(tmp_path, chain, "--dry-run") == 0
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if line.startswith("stage ")] == [
        "stage 1 of 2 (one)", "stage 2 of 2 (two)",
    ]  # fmt: skip
    base = _folder(tmp_path, "one").weights("net_g", "best_psnr")
    assert f"stage 2 will start from {base}, which is not there yet: its dry run draws weights\n" in said.err
    assert not (tmp_path / "experiments").exists() or not list((tmp_path / "experiments").iterdir())


def test_a_dry_run_of_stages_as_json_is_a_list(chain, tmp_path, capsys) -> None:
    assert _train(tmp_path, chain[:1]) == 0
    capsys.readouterr()
    assert _train(tmp_path, chain, "--dry-run", "--json", "--set", "2:train.total_iter=7") == 0
    said = capsys.readouterr()
    assert [report["steps"] for report in json.loads(said.out)] == [2, 7]
    assert "not there yet" not in said.err
