import json
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest
import yaml

from realesrgan_arch.commands import data
from realesrgan_arch.data.crop_sources import open_low_quality, take_halves
from realesrgan_arch.data.files import DataError, list_images
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.images import read_rgb, write_image
from realesrgan_arch.options.degradation_keys import lost_fields
from realesrgan_arch.options.load import load_options
from tests.data.pictures import write_noise, write_truncated
from tests.degradation.pictures import facets
from tests.tiny_run import tiny_options, write_options

QUICK = ["--images", "24", "--budget", "14", "--seed", "0"]


@pytest.fixture
def folders(in_tmp_path):
    """Small pictures full of noise, and clean large ones of other scenes."""
    generator = np.random.default_rng(0)
    for number in range(12):
        small = cv2.resize(facets(side=320, seed=50 + number), (80, 80), interpolation=cv2.INTER_AREA)
        noisy = np.clip(small + generator.normal(0, 20, small.shape), 0, 255).round().astype(np.uint8)
        for name, pixels in (("lq", noisy), ("gt", facets(side=272, seed=number))):
            (in_tmp_path / name).mkdir(exist_ok=True)
            write_image(in_tmp_path / name / f"{number}.png", pixels)
    return in_tmp_path


@pytest.mark.slow
def test_the_file_can_be_pasted_and_says_what_was_before(folders, capsys):
    assert data.main(["match", "lq", "--gt", "gt", "--out", "m.yml", *QUICK]) == 0
    said = capsys.readouterr().out
    assert "12 pictures of yours, crops of 64 x 64 pixels" in said and "wrote m.yml" in said
    assert "the preset's noise is too weak (see noise_range and poisson_scale_range)" in said
    assert "next: paste m.yml into your option file, then realesrgan-arch data preview" in said
    text = (folders / "m.yml").read_text()
    change = next(line for line in said.splitlines() if " -> " in line).removeprefix("datasets.train.")
    key, _, values = change.partition(": ")
    assert f"{key}: {values.split(' -> ')[1]}  # {values}" in text
    keys = yaml.safe_load(text)
    mapping = tiny_options(folders / "gt", folders)
    mapping["datasets"]["train"] |= keys.pop("datasets")["train"]
    options = load_options(write_options(folders / "x.yml", mapping | keys)).options
    assert list(options.noise_range) == keys["noise_range"]


def test_search_and_check_never_see_one_picture(folders):
    pictures = open_low_quality(folders / "lq", most=64)
    halves = take_halves(pictures, side=64, searched=30, checked=30, seed=0, unreadable=[])
    of = [{picture.tobytes() for picture in half} for half in (halves.search, halves.check)]
    assert not of[0] & of[1] and [len(half) for half in of] == [len(halves.search), len(halves.check)]
    wholes = [read_rgb(path) for path in list_images(folders / "lq")]
    for half, start in ((halves.search, 0), (halves.check, 1)):
        for crop in half[:6]:
            places = product(wholes[start::2], (0, 8, 16), (0, 8, 16))
            assert any(np.array_equal(crop, whole[y : y + 64, x : x + 64]) for whole, y, x in places)


def test_with_one_good_picture_nothing_could_be_checked_and_nothing_is_said(folders):
    for number in range(1, 12):
        (folders / f"gt/{number}.png").unlink()
    with pytest.raises(DataError, match="at least two pictures .* one to search with and another to check with, got 1"):
        data.main(["match", "lq", "--gt", "gt", *QUICK])


def test_what_an_option_file_cannot_say_is_named(folders, capsys):
    assert lost_fields(PRESETS["full"]) == ()
    data.main(["match", "lq", "--gt", "gt", "--preset", "camera-jpeg", "--images", "4", "--budget", "1"])
    assert "an option file cannot say all of preset camera-jpeg (" in capsys.readouterr().out
    assert "jpeg_last_prob" in lost_fields(replace(PRESETS["full"], jpeg_last_prob=1.0))


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
    assert data.main(["match", "lq", "--gt", "gt", "--images", "8", "--budget", "1"]) == 3
    said = capsys.readouterr().out
    assert "left out 2 files:" in said and "broken.png is a truncated PNG" in said and "60 x 40" in said


def test_a_picture_that_is_only_too_small_is_no_failure(folders):
    write_noise(folders / "lq/small.png", seed=0, height=40, width=60)
    assert data.main(["match", "lq", "--gt", "gt", "--images", "4", "--budget", "1"]) == 0


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
