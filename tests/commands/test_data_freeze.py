"""`data freeze`: from a split to sets with a hash, in words and in JSON."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.frozen_card import read_card
from realesrgan_arch.data.frozen_set import FrozenPairs
from tests.tiny_run import tiny_options, write_options, write_pictures

ROOT = Path(__file__).parents[2]


@pytest.fixture
def split(in_tmp_path) -> Path:
    """A split of six scenes of two pictures, in the working folder."""
    write_pictures(in_tmp_path / "photos", scenes=6)
    assert data.main(["split", "photos", "--val", "0.3", "--test", "0.2"]) == 0
    return in_tmp_path / "data_split/photos"


def freeze(*arguments: str) -> int:
    return data.main(["freeze", "data_split/photos", *arguments])


def test_val_and_test_are_frozen_and_the_next_step_is_what_the_options_take(split, capsys) -> None:
    capsys.readouterr()
    assert freeze() == 0
    said = capsys.readouterr().out.splitlines()
    card = read_card(Path("frozen/photos-full/val"))
    assert said[0].split() == ["val", str(len(card.pairs)), "pairs", "hash", card.short_hash, "made"]
    assert said[2] == "wrote frozen/photos-full/val, frozen/photos-full/test"
    section = yaml.safe_load(said[3].partition("datasets.val: ")[2].partition(" and ")[0])
    assert section == {"type": "FrozenPairs", "dataroot_gt": "frozen/photos-full/val"}
    assert (card.part, card.root, card.plan.scale, card.plan.max_size) == ("val", "photos", 4, 1024)
    assert len(FrozenPairs(Path("frozen/photos-full/test"), scale=4)) > 0


def test_a_second_run_checks_and_writes_nothing(split, capsys) -> None:
    freeze("--parts", "val")
    capsys.readouterr()
    assert freeze("--parts", "val") == 0
    said = capsys.readouterr().out
    assert "was there in frozen/photos-full/val; every pixel checked" in said and "wrote" not in said


def test_the_next_step_names_only_what_options_take(split, capsys) -> None:
    capsys.readouterr()
    assert freeze("--parts", "train", "--max-images", "1") == 0
    assert "next:" not in capsys.readouterr().out
    assert freeze("--parts", "train", "val", "--max-images", "1", "--out", "both") == 0
    said = capsys.readouterr().out
    assert "datasets.val: {" in said and "datasets.train" not in said


def test_json_has_the_whole_hash(split, capsys) -> None:
    capsys.readouterr()
    freeze("--preset", "bicubic", "--parts", "val", "--max-images", "1", "--json")
    told = json.loads(capsys.readouterr().out)
    card = read_card(Path("frozen/photos-bicubic/val"))
    assert told["sets"]["val"] == {
        "folder": "frozen/photos-bicubic/val", "hash": card.hash, "pairs": 1, "state": "made",
    }  # fmt: skip
    assert (told["preset"], told["made"], told["exit_code"]) == ("bicubic", ["frozen/photos-bicubic/val"], 0)


def test_the_script_and_a_root_that_has_moved_give_the_same_hash(split, in_tmp_path) -> None:
    freeze("--parts", "val")
    shutil.move("photos", "moved")
    script = [sys.executable, str(ROOT / "scripts/freeze_dataset.py"), "data_split/photos"]
    subprocess.run(
        [*script, "--parts", "val", "--root", "moved", "--out", "by_script"], check=True, capture_output=True
    )
    assert read_card(Path("by_script/val")).hash == read_card(Path("frozen/photos-full/val")).hash


def test_the_ranges_of_an_option_file_are_those_of_its_training(split, in_tmp_path) -> None:
    mapping = tiny_options(in_tmp_path / "photos", in_tmp_path) | {"scale": 4, "noise_range": [1, 2]}
    write_options(Path("mine.yml"), mapping)
    assert freeze("--option", "mine.yml", "--parts", "val") == 0
    plan = read_card(Path("frozen/photos-tiny/val")).plan
    assert (plan.preset, plan.settings["first"]["noise_sigma_255_range"]) == ("tiny", [1.0, 2.0])


def test_the_gate_of_an_option_file_chooses_for_each_picture(split, in_tmp_path) -> None:
    mapping = tiny_options(in_tmp_path / "photos", in_tmp_path) | {"gate": {"clean": 0.5, "two_orders": 0.5}}
    write_options(Path("mine.yml"), mapping)
    for out in ("once", "again"):
        assert freeze("--option", "mine.yml", "--parts", "val", "--per-image", "3", "--out", out) == 0
    first, second = (read_card(Path(out) / "val") for out in ("once", "again"))
    assert first.hash == second.hash
    recipes = [json.loads((Path("once/val") / pair.recipe).read_text())["recipe"] for pair in first.pairs]
    assert {recipe["gate"] for recipe in recipes} == {"clean", "two_orders"}


def test_a_gate_with_one_branch_freezes_the_set_of_its_preset(split, in_tmp_path) -> None:
    write_options(Path("mine.yml"), tiny_options(in_tmp_path / "photos", in_tmp_path) | {"gate": {"mild": 1}})
    assert freeze("--option", "mine.yml", "--parts", "val") == freeze("--preset", "mild", "--parts", "val") == 0
    assert read_card(Path("frozen/photos-tiny/val")).hash == read_card(Path("frozen/photos-mild/val")).hash


def test_whole_pictures_and_other_scales(split) -> None:
    freeze("--parts", "val", "--max-size", "0", "--scale", "2", "--per-image", "2", "--preset", "mild")
    card = read_card(Path("frozen/photos-mild/val"))
    sample = FrozenPairs(Path("frozen/photos-mild/val"), scale=2)[1]
    assert (card.plan.max_size, sample["gt"].shape, sample["lq"].shape) == (None, (3, 72, 80), (3, 36, 40))
    assert card.pairs[1].lq.endswith("view 0.png_r1.png")


def test_mistakes_are_refused(split, in_tmp_path) -> None:
    with pytest.raises(DataError, match="Expected a folder that `data split` wrote"):
        data.main(["freeze", "nowhere"])
    (split / "test.csv").unlink()
    with pytest.raises(DataError, match="Expected the parts test in"):
        freeze("--parts", "val", "test")
    with pytest.raises(SystemExit, match="2"):
        freeze("--preset", "harsh")
    with pytest.raises(SystemExit, match="2"):
        freeze("--per-image", "0")
    with pytest.raises(DataError, match="Expected a folder of images, but gone does not exist"):
        freeze("--root", "gone", "--parts", "val")
