"""Several option files are trained one after the other: each stage starts from the best weights of the one before."""

import io
import json
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch

from realesrgan_arch import session, stages
from realesrgan_arch import train as script
from realesrgan_arch.entry import run
from realesrgan_arch.errors import UserError
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.torchrun import Place
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.results_table import read_scores
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.trainer import Trainer
from tests.tiny_run import tiny_options, write_options, write_pictures
from tests.warm import WarmServer, open_warm_server

TRAIN = "tests.training.rank_jobs:train_as_asked"


def _chain(root: Path) -> tuple[dict, dict]:
    """Options of a first stage without and a second one with a discriminator; two steps, then three."""
    first, second = (tiny_options(root / "photos", root, gan=gan) for gan in (False, True))
    for mapping, name in ((first, "one"), (second, "two")):
        mapping |= {"name": name, "gt_size": 16, "queue_size": 0}
        mapping["datasets"]["train"] |= {"degradation": "bicubic", "crop_size": 32}
        mapping["datasets"]["val"] |= {"degradation": "bicubic", "max_size": 32}
        mapping["val"]["val_freq"] = 1
        mapping["logger"]["use_tb_logger"] = False
    second["train"]["total_iter"] = 3
    second["path"]["pretrain_network_g"] = "experiments/one/models/net_g_best_psnr.pth"
    return first, second


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with open_warm_server("tests.training.rank_jobs") as server:
        yield server


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, str]:
    """A folder with a chain that was trained without a stop, and what it said."""
    root = tmp_path_factory.mktemp("whole")
    write_pictures(root / "photos")
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        assert _train(root, _chain(root)) == 0
    return root, said.getvalue()


@pytest.fixture
def chain(tmp_path) -> tuple[dict, dict]:
    write_pictures(tmp_path / "photos")
    return _chain(tmp_path)


@pytest.fixture
def finished(whole, chain, tmp_path) -> tuple[dict, dict]:
    """A chain that was trained, in a folder that this test may change."""
    shutil.copytree(whole[0] / "experiments", tmp_path / "experiments")
    return chain


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


def _stop_in_step_2(monkeypatch, *, of: str) -> None:
    """Let the run `of` end before it saves step 2, as by a kill, once."""
    save = Trainer._save_and_validate
    left = [KeyboardInterrupt()]

    def stopped(self, step):
        if left and step == 2 and self._model.run_folder.root.name == of:
            raise left.pop()
        return save(self, step)

    monkeypatch.setattr(Trainer, "_save_and_validate", stopped)


def test_a_chain_leaves_what_its_stages_leave_when_they_are_run_one_by_one(whole, chain, tmp_path) -> None:
    first, second = chain
    second["path"]["pretrain_network_g"] = str(_folder(tmp_path, "one").weights("net_g", "best_psnr"))
    for mapping in (first, second):
        session.train(parse_options(mapping))
        name = mapping["name"]
        assert _are_equal(_weights(_folder(whole[0], name)), _weights(_folder(tmp_path, name)))


def test_a_chain_says_where_a_stage_starts_and_sums_up_each(whole) -> None:
    root, said = whole
    base = _folder(root, "one").weights("net_g", "best_psnr")
    told = "experiments/one/models/net_g_best_psnr.pth"
    assert f"stage 2 of 2 (two) starts from {base} instead of {told}\n" in said
    assert said.count("weights  ") == 2
    assert f"pretrain_network_g: {base}\n" in (_folder(root, "two").root / "options.yml").read_text()


def test_a_chain_from_pretrained_weights_is_compared_with_them_at_its_end(whole, chain, tmp_path, capsys) -> None:
    """Each stage is compared with the one before, so that a little may be lost each time."""
    released = _folder(whole[0], "one").weights("net_g", None)
    chain[0]["path"]["pretrain_network_g"] = str(released)
    assert _train(tmp_path, chain) == 0
    first, last = (_folder(tmp_path, name) for name in ("one", "two"))
    best = json.loads(last.best.read_text())["files"]["composite"]
    before = read_scores(first.results, step=0, name="val")["psnr"]
    after = read_scores(last.results, step=best, name="val")["psnr"]
    said = capsys.readouterr().out
    assert f"all stages: PSNR {before:.2f} -> {after:.2f} dB on val, from the weights that the first" in said
    assert said.count("base     what stage 1 left\n") == 1
    assert "all stages" not in whole[1]
    assert _train(tmp_path, chain, "--resume", "auto", "--set", "2:datasets.val.max_images=1") == 0
    assert "all stages: no comparison with the first base, as the first and" in capsys.readouterr().out


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


def test_the_second_stage_starts_from_the_best_weights_and_not_from_the_last(chain, tmp_path) -> None:
    first, second = chain
    first["train"]["total_iter"] = 3
    first["train"]["optim_g"]["lr"] = 0.3  # so that the first step is the best one
    session.train(parse_options(first))
    one = _folder(tmp_path, "one")
    assert json.loads(one.best.read_text())["files"]["psnr"] < 3
    best = _weights(one, "best_psnr")
    assert not _are_equal(best, _weights(one))
    start = load_base_generator(stages.link_stages([parse_options(first), parse_options(second)])[1]).state_dict()
    assert all(torch.equal(value, best[f"params_ema {name}"]) for name, value in start.items())


def test_a_key_of_another_programs_file_does_not_follow_to_ours(chain) -> None:
    chain[1]["path"]["param_key_g"] = "state_dict"
    assert stages.link_stages([parse_options(mapping) for mapping in chain])[1].path.param_key_g is None
    chain[1]["path"]["param_key_g"] = "params"
    assert stages.link_stages([parse_options(mapping) for mapping in chain])[1].path.param_key_g == "params"


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_chain_that_was_stopped_goes_on_in_its_stage_to_the_same_weights(
    whole, chain, tmp_path, monkeypatch, capsys, name: str
) -> None:
    _stop_in_step_2(monkeypatch, of=name)
    assert _train(tmp_path, chain) == 130
    assert _folder(tmp_path, "two").metrics.exists() == (name == "two")
    assert "stage 1 of 2 (one) is finished" not in capsys.readouterr().err
    assert _train(tmp_path, chain, "--resume", "auto") == 0
    assert ("stage 1 of 2 (one) is finished\n" in capsys.readouterr().err) == (name == "two")
    for stage, steps in (("one", [1, 2]), ("two", [1, 2, 3])):
        found, expected = (_folder(root, stage) for root in (tmp_path, whole[0]))
        assert _are_equal(_weights(found), _weights(expected))
        assert _are_equal(_weights(found, "best_psnr"), _weights(expected, "best_psnr"))
        assert _steps(found) == steps
    assert not list((tmp_path / "experiments").glob("*archived*"))


def test_a_finished_chain_changes_nothing(finished, tmp_path, capsys) -> None:
    files = [path for name in ("one", "two") for path in _folder(tmp_path, name).models.iterdir()]
    before = {path: path.read_bytes() for path in files}
    assert _train(tmp_path, finished, "--resume", "auto") == 0
    said = capsys.readouterr().out
    assert said.count("nothing is left to do: the run is finished at step 3") == 1
    assert "is finished at step 2" not in said
    assert {path: path.read_bytes() for path in files} == before


def test_an_older_second_stage_of_other_weights_is_moved_aside_and_not_gone_on_with(
    finished, tmp_path, monkeypatch, capsys
) -> None:
    first, second = finished
    first["manual_seed"] = 1
    assert _train(tmp_path, (first,)) == 0
    _stop_in_step_2(monkeypatch, of="two")
    assert _train(tmp_path, (first, second), "--resume", "auto") == 130
    assert "the older run two began from other weights: it is moved aside\n" in capsys.readouterr().err
    assert len(list((tmp_path / "experiments").glob("two_archived_*"))) == 1
    assert _train(tmp_path, (first, second), "--resume", "auto") == 0
    assert "moved aside" not in capsys.readouterr().err
    assert _steps(_folder(tmp_path, "two")) == [1, 2, 3]


def test_a_first_stage_that_goes_on_longer_makes_the_second_one_anew(finished, tmp_path) -> None:
    assert _train(tmp_path, finished, "--resume", "auto", "--set", "1:train.total_iter=3") == 0
    assert _steps(_folder(tmp_path, "one")) == _steps(_folder(tmp_path, "two")) == [1, 2, 3]
    assert len(list((tmp_path / "experiments").glob("two_archived_*"))) == 1


def test_a_first_stage_that_goes_on_but_keeps_its_best_weights_leaves_the_second_one_as_it_is(
    chain, tmp_path, capsys
) -> None:
    chain[0]["train"]["optim_g"]["lr"] = 0.3  # so that the first step stays the best one
    assert _train(tmp_path, chain) == 0
    capsys.readouterr()
    assert _train(tmp_path, chain, "--resume", "auto", "--set", "1:train.total_iter=3") == 0
    assert _steps(_folder(tmp_path, "one")) == [1, 2, 3]
    assert "moved aside" not in capsys.readouterr().err
    assert not list((tmp_path / "experiments").glob("two_archived_*"))


@pytest.mark.slow
def test_ctrl_c_in_the_first_stage_ends_the_chain(server, chain, tmp_path) -> None:
    chain[0]["train"]["total_iter"] = 5000
    chain[0]["val"]["val_freq"] = 5000
    chain[0]["logger"]["save_checkpoint_freq"] = 5000
    process = server.start(TRAIN, "-opt", *_files(tmp_path, *chain))
    metrics = _folder(tmp_path, "one").metrics
    process.wait_until(lambda: metrics.exists() and '"train"' in metrics.read_text())
    process.send_signal(signal.SIGINT)
    code, errors = process.wait(), process.errors()
    assert code == 130, errors
    assert errors.splitlines()[-1].endswith("and saved; go on with --resume auto")
    assert "stage 2" not in errors and "Traceback" not in errors
    assert not _folder(tmp_path, "two").root.exists()


def test_the_guards_exit_code_ends_the_chain_and_a_resume_says_it_again(chain, tmp_path, capsys) -> None:
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
    assert re.match(f"error: {sentence}", error), error
    assert not (tmp_path / "experiments").exists()


def test_weights_that_a_stage_did_not_leave_are_one_sentence(finished, tmp_path, capsys) -> None:
    _folder(tmp_path, "one").weights("net_g", "best_psnr").unlink()
    assert _train(tmp_path, finished, "--resume", "auto") == 2
    assert "stage 1 has left no " in capsys.readouterr().err.splitlines()[-1]


def test_of_several_ranks_the_first_one_says_that_a_stage_left_no_weights(finished, tmp_path) -> None:
    _folder(tmp_path, "one").weights("net_g", "best_psnr").unlink()
    linked = [parse_options(mapping).resuming("auto") for mapping in finished]
    heard: list[str] = []
    for rank in (0, 1):
        place = Place(rank, world_size=2, local_rank=rank, local_world_size=2)
        with pytest.MonkeyPatch.context() as patch, pytest.raises((UserError, SystemExit)) as caught:
            patch.setattr(stages, "train", lambda *_, **__: session.train(linked[0]))
            stages.train_stages(linked, place=place, say=heard.append, note=heard.append)
        assert isinstance(caught.value, UserError if rank == 0 else SystemExit)
        assert getattr(caught.value, "code", 2) == 2


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
def test_a_base_of_another_architecture_or_scale_is_one_sentence(
    whole, chain, tmp_path, network: dict, words: str
) -> None:
    second = chain[1]
    second["network_g"] = network if "type" in network else {**second["network_g"], **network}
    second["scale"] = network.get("upscale", 4)
    second["path"]["pretrain_network_g"] = str(_folder(whole[0], "one").weights("net_g", "best_psnr"))
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


@pytest.mark.parametrize("on", ["outputs", "weights"])
def test_a_distance_to_weights_that_are_not_there_yet_waits_for_them(chain, tmp_path, capsys, on: str) -> None:
    chain[1]["train"]["base_opt"] = {"on": on}
    assert _train(tmp_path, chain, "--dry-run") == 0
    assert "its dry run draws weights and leaves train.base_opt out" in capsys.readouterr().err
    assert _train(tmp_path, chain) == 0
    assert '"l_g_base"' in _folder(tmp_path, "two").metrics.read_text()


def test_a_dry_run_of_stages_as_json_is_a_list(finished, tmp_path, capsys) -> None:
    assert _train(tmp_path, finished, "--dry-run", "--json", "--set", "2:train.total_iter=7") == 0
    said = capsys.readouterr()
    assert [report["steps"] for report in json.loads(said.out)] == [2, 7]
    assert "not there yet" not in said.err


@pytest.mark.slow
def test_under_torchrun_the_ranks_meet_again_for_each_stage_and_a_resume_finds_the_right_one(
    server, chain, tmp_path
) -> None:
    for mapping in chain:
        mapping["datasets"]["train"]["batch_size_per_gpu"] = 1
        del mapping["val"]
    for more in ([], ["--resume", "auto", "--set", "2:train.total_iter=4"]):
        launched = server.start("tests.warm:launch", TRAIN, "-opt", *_files(tmp_path, *chain), *more)
        code, errors = launched.wait(), launched.errors()
        assert code == 0, errors
        assert errors.count("stage 2 of 2 (two) starts from ") == 1
        assert ("stage 1 of 2 (one) is finished\n" in errors) == bool(more)
    assert _steps(_folder(tmp_path, "two")) == [1, 2, 3, 4]
    assert json.loads((_folder(tmp_path, "two").root / "ranks.json").read_text()) == {"ranks": 2}
