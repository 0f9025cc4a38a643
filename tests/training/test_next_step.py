"""After a training the one command is that which proves it, with the names that are known."""

import shlex
from pathlib import Path

import pytest

from realesrgan_arch.commands import data, evaluate
from realesrgan_arch.commands.evaluate import _parser
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import train
from realesrgan_arch.training.next_step import proof_command
from tests.tiny_run import tiny_options, write_pictures

WEIGHTS = Path("experiments/tiny/models/net_g_latest.pth")


@pytest.fixture
def mapping(in_tmp_path) -> dict:
    write_pictures(Path("photos"), scenes=9)
    assert data.main(["split", "photos", "--val", "0.3", "--test", "0.3"]) == 0
    mapping = tiny_options(Path("photos"), Path())
    for part in ("train", "val"):
        mapping["datasets"][part] |= {"manifest": f"data_split/photos/{part}.csv"}
    return mapping


def test_a_run_ends_with_the_command_that_judges_its_weights_on_the_test_part(mapping, capsys) -> None:
    last = train(parse_options(mapping)).summary().splitlines()[-1]
    best = WEIGHTS.with_name("net_g_best_composite.pth")  # what the verdict above it speaks of
    command = f"evaluate {best} --data data_split/photos/test"
    assert last == f"next     realesrgan-arch {command}"
    assert evaluate.main([*shlex.split(command)[1:], "--metrics", "psnr", "--no-pictures"]) == 0
    assert "model" in capsys.readouterr().out


def test_a_tuned_model_is_judged_against_what_it_started_from(mapping) -> None:
    mapping["path"]["pretrain_network_g"] = "my base.pth"
    words = shlex.split(proof_command(parse_options(mapping), WEIGHTS))
    known = _parser().parse_args(words[2:])
    assert (known.base, known.tuned, known.data) == ("my base.pth", str(WEIGHTS), "data_split/photos/test")


def test_a_frozen_validation_set_is_followed_by_the_frozen_test_set(mapping) -> None:
    assert data.main(["freeze", "data_split/photos", "--preset", "bicubic", "--out", "frozen/photos"]) == 0
    mapping["datasets"]["val"] = {"name": "val", "type": "FrozenPairs", "dataroot_gt": "frozen/photos/val"}
    assert proof_command(parse_options(mapping), WEIGHTS).endswith(" --data frozen/photos/test")


def test_where_no_test_part_is_known_its_place_is_held(mapping) -> None:
    Path("data_split/photos/test.csv").unlink()
    assert proof_command(parse_options(mapping), WEIGHTS).endswith(" --data TEST_SET")
