import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch import session
from realesrgan_arch.commands import data
from realesrgan_arch.images import read_rgb
from realesrgan_arch.options.load import load_options
from realesrgan_arch.torchrun import Place, RanksError, read_place
from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.ranks import Ranks
from tests.tiny_run import tiny_options, write_options, write_pictures
from tests.training.rank_jobs import CASES
from tests.warm import WarmProcess, WarmServer, open_warm_server

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
JOB, TRAIN = "tests.training.rank_jobs:perform", "tests.training.rank_jobs:train_as_asked"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with open_warm_server("tests.training.rank_jobs") as server:
        yield server


def start_pair(server: WarmServer, target: str, *arguments: str) -> list[WarmProcess]:
    """Two ranks without torchrun, which would end the second one as soon as the first has died."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [server.start(target, *arguments, RANK=str(rank), LOCAL_RANK=str(rank), **meeting) for rank in range(2)]


def read_both(ranks: list[WarmProcess]) -> tuple[list[int], list[str]]:
    """Return how the ranks end, and what each of them has said."""
    return [rank.wait() for rank in ranks], [rank.errors() for rank in ranks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    write_pictures(folder / "pictures")
    mapping = tiny_options(folder / "pictures", folder, gan=True, steps=8)
    mapping["logger"]["save_checkpoint_freq"] = 2
    mapping["val"]["val_freq"] = 4
    write_options(folder / "options.yml", mapping)
    return folder


@pytest.fixture(scope="module")
def met(server, folder) -> dict:
    codes, errors = read_both(start_pair(server, JOB, "meet", str(folder)))
    assert codes == [0, 0], errors
    return torch.load(folder / "results.pt", weights_only=True)


def test_ranks_meet_again_though_one_of_them_is_late(server, folder) -> None:
    launched = server.start("tests.warm:launch", JOB, "meet_again", str(folder))
    assert launched.wait() == 0, launched.errors()
    heard = torch.load(folder / "again.pt", weights_only=True)
    assert heard == [[f"rank {rank} in meeting {number}" for rank in range(2)] for number in range(3)]


@pytest.fixture(scope="module")
def straight(server, folder) -> tuple[Path, str]:
    """A run of two ranks and its console."""
    codes, errors = read_both(start_pair(server, TRAIN, *asked(folder, "--set", "name=straight")))
    assert codes == [0, 0], errors
    return folder / "experiments" / "straight", "".join(errors)


@pytest.mark.parametrize("case", CASES)
def test_two_ranks_see_and_learn_what_one_with_the_double_batch_does(met, case) -> None:
    alone, together = met["steps"][case]["alone"], met["steps"][case]["together"]
    assert alone["gradients"].keys() == together[0]["gradients"].keys()
    for network in {name[0] for name in alone["gradients"]}:
        one, two = (flat(gradients, network) for gradients in (alone["gradients"], together[0]["gradients"]))
        largest = float(one.abs().max())
        assert largest > 1e-3
        assert float((two - one).abs().max()) <= 1e-5 * max(1, largest)
        assert float((two - one).norm() / one.norm()) <= 1e-4
    assert together[0]["log"] == pytest.approx(alone["log"], rel=1e-5, abs=1e-5)


def flat(gradients: dict[str, torch.Tensor], network: str) -> torch.Tensor:
    return torch.cat([value.flatten() for name, value in sorted(gradients.items()) if name.startswith(network)])


@pytest.mark.parametrize("case", CASES)
def test_the_weights_of_all_ranks_stay_equal_to_the_bit(met, case) -> None:
    first, second = (left["weights"] for left in met["steps"][case]["together"])
    assert first.keys() == {"net_g params", "net_g params_ema", "net_d params"}
    for network, state in first.items():
        assert all(torch.equal(value, second[network][name]) for name, value in state.items()), network


def test_only_what_trains_is_averaged(met) -> None:
    trains = {name.split(".")[0] for name in met["steps"]["accumulated"]["alone"]["gradients"]}
    assert trains == {"g"}


def test_a_divided_validation_equals_that_of_one_process(met) -> None:
    for left in met["validations"]["of ranks"]:
        alone, together = left["alone"], left["together"]
        assert together["base"] == alone["base"]
        assert together["now"] == alone["now"]
        assert together["table"] == alone["table"]
        assert torch.equal(together["grid"], alone["grid"])
        assert alone["upscaled"] == 6
    assert [left["together"]["upscaled"] for left in met["validations"]["of ranks"]] == [4, 2]


def test_only_the_first_rank_writes_pictures(met, folder) -> None:
    written = {path.name for path in (folder / "together" / "rank 0").rglob("*.png")}
    assert written == {path.name for path in (folder / "alone" / "rank 0").rglob("*.png")}
    assert len(written) == 3
    assert not (folder / "together" / "rank 1").exists()


def test_ranks_speak(met) -> None:
    assert met["words"] == {
        "unequal": ["rank 1 has other weights than rank 0; mend it", "silent, 2"],
        "highest": 15,
        "mean": {"a": 0.5, "b": 4.0},
        "from first": "said by 0",
        "scattered": ["for 0", "for 1"],
        "gathered": [0, 1],
        "flag": [[True, False], [True, False]],
        "buffers": [0.0, 0.0],
        "checksums differ": True,
    }


def test_the_console_is_that_of_one_process(straight) -> None:
    assert straight[1].count("4 of 2 ranks, each 2 of") == 1
    assert straight[1].count("step 8/8") == 1


def test_one_rank_killed_ends_the_other_and_a_resume_ends_as_if_nothing_had_happened(server, straight, folder) -> None:
    codes, errors = read_both(start_pair(server, JOB, "die", str(folder)))
    assert codes == [1, -signal.SIGKILL]
    assert "error: another rank has ended or does not answer" in errors[0]
    assert "Traceback" not in errors[0]
    run = folder / "experiments" / "killed"
    assert (run / "training_states" / "4.state").exists()
    assert not (run / "training_states" / "6.state").exists()

    codes, errors = read_both(start_pair(server, TRAIN, *asked(folder, "--auto_resume", "--set", "name=killed")))
    assert codes == [0, 0], errors
    assert "at step 4" in errors[0]
    assert_same_states(run, straight[0], step=8)


def test_ranks_with_other_options_are_refused_in_one_sentence(server, folder) -> None:
    codes, errors = read_both(start_pair(server, JOB, "learn_faster", str(folder)))
    assert codes == [2, 2], errors
    assert errors[0].splitlines()[-1] == "error: rank 1 has other options than rank 0; give every rank the same files"
    assert "error" not in errors[1]
    assert not (folder / "experiments" / "unequal").exists()


def test_ranks_may_have_their_pictures_in_other_places(server, folder) -> None:
    shutil.copytree(folder / "pictures", folder / "copy")
    codes, errors = read_both(start_pair(server, JOB, "look_elsewhere", str(folder)))
    assert codes == [0, 0], errors
    assert (folder / "experiments" / "elsewhere" / "models" / "net_g_latest.pth").exists()


def test_a_replay_makes_the_pairs_of_all_ranks_bit_for_bit_also_through_their_pools(
    server, folder, monkeypatch
) -> None:
    codes, errors = read_both(start_pair(server, JOB, "watch_pairs", str(folder)))
    assert codes == [0, 0], errors
    monkeypatch.chdir(folder)
    assert data.main(["replay", "8", "--run", "experiments/watched", "--trained"]) == 0
    again = folder / "replay" / "watched-8"
    seen = [torch.load(folder / f"seen_{rank}.pt", weights_only=True)[8] for rank in range(2)]
    for index, name in enumerate(("lq", "gt")):
        dealt = np.stack([read_rgb(path) for path in sorted(again.glob(f"trained_*_{name}.png"))])
        assert np.array_equal(dealt, torch.cat([pair[index] for pair in seen]).permute(0, 2, 3, 1).numpy())
    facts = json.loads((again / "replay.json").read_text())
    assert facts["ranks"] == 2
    assert [(sample["rank"], sample["place"]) for sample in facts["batch"]] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert facts["exchanged_with_the_pool"]
    assert "step 8, place 2 of the batch of rank 1" in (again / "replay.html").read_text()


def test_a_step_that_the_second_rank_spoils_is_not_laid_at_the_firsts_door(server, folder, monkeypatch) -> None:
    _, errors = read_both(start_pair(server, JOB, "spoil", str(folder)))
    said = next(line for line in errors[0].splitlines() if "step 1 is skipped" in line)
    assert "this rank's losses are finite: another rank's part of the batch may be the cause" in said
    assert "view" not in said
    run = folder / "experiments" / "spoilt"
    report = json.loads((run / "crash" / "report_2.json").read_text())
    told = report["steps"]
    assert [(step["step"], step["rank"]) for step in told] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert isinstance(told[2]["losses"]["l_g_pix"], float)
    assert told[3]["losses"]["l_g_pix"] == "nan"
    assert all([sample["file"] for sample in step["batch"]] == step["files"] for step in told)
    monkeypatch.chdir(folder)
    assert data.main([*report["replay"].split()[2:], "--out", "again"]) == 0
    again = json.loads(Path("again/replay.json").read_text())
    assert again["batch"] == told[2]["batch"] + told[3]["batch"]
    assert again["trained_on"] == told[2]["trained_on"] + told[3]["trained_on"]


def test_another_number_of_ranks_is_refused(straight, folder) -> None:
    options = load_options(folder / "options.yml", overrides=["name=straight", "train.total_iter=9"]).options
    with pytest.raises(CheckpointError, match="what the run means: ranks: 2 -> 1"):
        session.train(options, auto_resume=True)


def test_torchrun_asked_to_end_saves_once_and_ends(folder) -> None:
    overrides = ["name=asked", "train.total_iter=5000", "val.val_freq=5000", "logger.save_checkpoint_freq=5000"]
    overrides.append("datasets.train.num_worker_per_gpu=1")
    with subprocess.Popen(
        [sys.executable, *TORCHRUN, "realesrgan_arch/train.py", *asked(folder, "--set", *overrides)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("step 3/"):
                process.send_signal(signal.SIGTERM)
    said = [line for line in lines if line.startswith("stopped at step")]
    assert len(said) == 1, "".join(lines)
    states = list((folder / "experiments" / "asked" / "training_states").glob("*.state"))
    assert [f"stopped at step {state.stem} and saved" for state in states] == [said[0].split(";")[0]]
    assert process.returncode != 0


def asked(folder: Path, *arguments: str) -> list[str]:
    return ["-opt", str(folder / "options.yml"), *arguments]


def assert_same_states(run: Path, other: Path, *, step: int) -> None:
    found, expected = (
        torch.load(path / "training_states" / f"{step}.state", weights_only=True) for path in (run, other)
    )
    assert len(expected["pools_of_other_ranks"]) == 1
    for state in (found, expected):
        del state["record"]["name"], state["record"]["resume"]
    assert_equal(found, expected, "state")


def assert_equal(found: object, expected: object, name: str) -> None:
    if isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected), name
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), name
        for key, value in expected.items():
            assert_equal(found[key], value, f"{name}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), name
        for index, value in enumerate(expected):
            assert_equal(found[index], value, f"{name}[{index}]")
    else:
        assert found == expected, name


def test_a_process_alone_needs_no_words() -> None:
    ranks = Ranks.single()
    assert ranks.is_first
    assert ranks.gather(3) == [3]
    assert list(ranks.share_out("ab", lambda index, item: f"{index}{item}")) == ["0a", "1b"]
    assert not torch.distributed.is_initialized()


def test_the_place_is_read_from_torchruns_environment() -> None:
    assert read_place({}) == Place()
    assert read_place({"WORLD_SIZE": "1", "RANK": "0"}) == Place()
    whole = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    assert read_place(whole) == Place(rank=3, world_size=4, local_rank=1)
    assert read_place(whole | {"LOCAL_WORLD_SIZE": "2"}).local_world_size == 2
    with pytest.raises(RanksError, match="WORLD_SIZE is 4 but LOCAL_RANK not set: start several"):
        read_place({name: value for name, value in whole.items() if name != "LOCAL_RANK"})
    with pytest.raises(RanksError, match="expected a RANK from 0 to 3, got 4"):
        read_place(whole | {"RANK": "4"})
