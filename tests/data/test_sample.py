import hashlib
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.data.files import DataError, list_images
from realesrgan_arch.data.sample import SCENES, DrawnSample, draw_sample, draw_scene
from realesrgan_arch.data.split import split_by_folder
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.images import read_rgb, write_image


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "new"
    return draw_sample(folder, seed=0)


def test_it_has_twelve_scenes_of_three_views_and_four_plans_named_like_photos(sample):
    assert sample == DrawnSample(sample.folder, num_scenes=12, num_photos=36, num_plans=4)
    paths = list_images(sample.folder)
    assert len(paths) == 40 and {path.parent.name for path in paths} == set(SCENES)
    assert all(path.name.startswith("view_") and read_rgb(path).shape == (384, 512, 3) for path in paths)


@pytest.mark.parametrize("name", ["white_villa", "tiled_hall"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(sample, tmp_path, name):
    written = list_images(sample.folder / name)
    again = draw_scene(list(SCENES).index(name), seed=0)
    other = draw_scene(list(SCENES).index(name), seed=1)
    assert len(written) == len(again) == len(other) == 4
    for path, same, different in zip(written, again, other, strict=True):
        write_image(tmp_path / "again.png", same)
        assert (tmp_path / "again.png").read_bytes() == path.read_bytes()
        assert not np.array_equal(different, same)


def test_no_two_pictures_are_alike(sample):
    assert len({hashlib.sha256(path.read_bytes()).digest() for path in list_images(sample.folder)}) == 40


def test_photos_have_fine_detail_and_plans_are_nearly_white(sample):
    for path in list_images(sample.folder):
        pixels = read_rgb(path).astype(np.float32)
        is_plan = np.mean(pixels.min(axis=2) > 240) > 0.5
        assert is_plan == (path.name == "view_4.png")
        # What is lost by going down by 4 and up again must be far above the sensor's noise (about 2 levels).
        small = pixels.reshape(96, 4, 128, 4, 3).mean((1, 3))
        assert np.std(pixels - small.repeat(4, 0).repeat(4, 1)) > 6


def test_a_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="Expected an empty or new folder for the sample, but .* holds files"):
        draw_sample(tmp_path)
    with pytest.raises(DataError, match="cannot be made"):
        draw_sample(tmp_path / "mine.txt")


def test_the_committed_split_is_that_of_the_sample(sample):
    # Not the bytes: another version of the encoder may write others.
    committed = open_split(Path(__file__).parents[2] / "data_split/sample")
    assert (committed.card.val, committed.card.test, committed.card.seed) == (0.1, 0.3, 0)
    rows = split_by_folder(sample.folder, seed=0, val_share=0.1, test_share=0.3)
    assert sorted((row.path, row.scene, row.split) for rows in committed.rows.values() for row in rows) == [
        (row.path, row.scene, row.split) for row in rows
    ]
