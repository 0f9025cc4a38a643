import json

import cv2
import numpy as np
import pytest
import yaml

from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from realesrgan_arch.images import write_image
from realesrgan_arch.options.load import load_options
from tests.data.pictures import write_noise, write_truncated
from tests.degradation.pictures import facets
from tests.tiny_run import tiny_options, write_options

QUICK = ["--images", "8", "--budget", "16", "--seed", "0"]


@pytest.fixture
def folders(in_tmp_path):
    """Clean small pictures, and clean large ones of other scenes."""
    for number in range(8):
        small = cv2.resize(facets(side=320, seed=50 + number), (80, 80), interpolation=cv2.INTER_AREA)
        for name, pixels in (("lq", np.asarray(small, np.uint8)), ("gt", facets(side=272, seed=number))):
            (in_tmp_path / name).mkdir(exist_ok=True)
            write_image(in_tmp_path / name / f"{number}.png", pixels)
    return in_tmp_path


def test_the_file_can_be_pasted_and_says_what_was_before(folders, capsys):
    assert data.main(["match", "lq", "--gt", "gt", "--out", "m.yml", *QUICK]) == 0
    said = capsys.readouterr().out
    assert "8 of your pictures, crops of 64 x 64 pixels" in said and "wrote m.yml" in said
    assert "your pictures have less noise than " in said
    assert "next: paste m.yml into your option file, then realesrgan-arch data preview" in said
    keys = yaml.safe_load((folders / "m.yml").read_text())
    mapping = tiny_options(folders / "gt", folders)
    mapping["datasets"]["train"] |= keys.pop("datasets")["train"]
    options = load_options(write_options(folders / "x.yml", mapping | keys)).options
    assert options.noise_range[1] < 10
    assert (
        f"noise_range: [{options.noise_range[0]:g}, {options.noise_range[1]:g}]  # [1, 30] -> "
        in (folders / "m.yml").read_text()
    )


def test_the_same_seed_gives_the_same_numbers_and_json_holds_them(folders, capsys):
    outcomes = []
    for name in ("a.yml", "b.yml"):
        assert data.main(["match", "lq", "--gt", "gt", "--out", name, "--json", *QUICK]) == 0
        outcomes.append(json.loads(capsys.readouterr().out))
    first, second = outcomes
    assert first["distances"] == second["distances"] and first["changes"] == second["changes"] != []
    assert first["made"] == ["a.yml"] and first["evaluations"] == 16


def test_the_quality_of_jpeg_files_is_told(folders, capsys):
    for path in list((folders / "lq").iterdir()):
        write_image(path.with_suffix(".jpg"), np.full((72, 72, 3), 90, np.uint8), quality=70)
        path.unlink()
    assert data.main(["match", "lq", "--gt", "gt", "--json", "--images", "4", "--budget", "1"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["jpeg_quality"] == [70, 70]


def test_unreadable_and_small_pictures_are_left_out_and_named(folders, capsys):
    write_truncated(folders / "lq/broken.png")
    write_noise(folders / "lq/small.png", seed=0, height=40, width=60)
    assert data.main(["match", "lq", "--gt", "gt", "--images", "8", "--budget", "1"]) == 0
    said = capsys.readouterr().out
    assert "left out 2 files:" in said and "broken.png is a truncated PNG" in said and "60 x 40" in said


def test_nothing_is_recommended_where_nothing_is_nearer(folders, capsys):
    # One try is the preset itself, which is never nearer than itself.
    assert data.main(["match", "lq", "--gt", "gt", "--images", "4", "--budget", "1"]) == 0
    said = capsys.readouterr().out
    assert "keep preset full" in said and "wrote" not in said
    assert not (folders / "matched.yml").exists()


def test_mistakes_are_one_sentence(folders):
    (folders / "few").mkdir()
    write_noise(folders / "few/a.png", seed=0, height=80, width=80)
    (folders / "mine.yml").write_text("name: mine\n")
    for arguments, words in (
        (["few", "--gt", "gt"], "Expected at least 5 low-quality pictures of 64 pixels or more"),
        (["none", "--gt", "gt"], "Expected a folder of images, but none does not exist"),
        (["lq", "--gt", "none"], "Expected a folder of images, but none does not exist"),
        (["lq", "--gt", "lq"], "Expected good pictures of at least 256 pixels a side"),
        (["lq", "--split", "none"], "Expected a folder that `data split` wrote"),
        (["lq", "--gt", "gt", "--out", "mine.yml"], "exists already and may hold your edits"),
        (["lq", "--gt", "gt", "--out", "mine.txt"], "Expected --out to name a YAML file"),
    ):
        with pytest.raises(DataError, match=words):
            data.main(["match", *arguments, *QUICK])
    assert (folders / "mine.yml").read_text() == "name: mine\n"
