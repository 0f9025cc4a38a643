"""Where tiles lie, what they are called and which are kept."""

import numpy as np
import pytest

from realesrgan_arch.data import tile_grid
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.tile_grid import TileSettings, base_names, choose_at_most, grid, kept_places, tile_name
from realesrgan_arch.images import Box
from tests.data.pictures import noise


def starts_of_upstream(length: int, size: int, step: int, thresh: int) -> list[int]:
    """BasicSR's `extract_subimages.py`."""
    starts = np.arange(0, length - size + 1, step)
    if length - (starts[-1] + size) > thresh:
        starts = np.append(starts, length - size)
    return starts.tolist()


@pytest.mark.parametrize("thresh", [0, 30, 200])
@pytest.mark.parametrize(("height", "width"), [(480, 480), (720, 1280), (1000, 481), (509, 511), (2000, 960)])
def test_the_grid_is_upstreams(height, width, thresh):
    boxes = grid(height, width, TileSettings(size=480, step=240, thresh=thresh))
    rows, columns = (starts_of_upstream(side, 480, 240, thresh) for side in (height, width))
    assert boxes == [Box(y, x, y + 480, x + 480) for y in rows for x in columns]


def test_the_last_tile_is_flush_with_the_border_and_a_small_rest_is_left():
    assert [box.left for box in grid(480, 1000, TileSettings())] == [0, 240, 480, 520]
    assert [box.left for box in grid(480, 1000, TileSettings(thresh=40))] == [0, 240, 480]


def test_a_side_that_is_shorter_than_a_tile_is_kept_whole():
    settings = TileSettings(size=480, smallest=256)
    assert grid(300, 400, settings) == [Box(0, 0, 300, 400)]
    assert grid(300, 720, settings) == [Box(0, 0, 300, 480), Box(0, 240, 300, 720)]
    assert grid(255, 2000, settings) == []


def test_pictures_that_share_a_stem_keep_their_suffix_in_the_name():
    paths = ["a.jpg", "a.png", "villa/a.jpg", "b.jpg", "B.jpg", "c.d.jpg", "a_jpg.webp"]
    assert base_names(paths) == {
        "a.jpg": "a_jpg_2", "a.png": "a_png", "villa/a.jpg": "villa/a", "b.jpg": "b_jpg_2", "B.jpg": "B_jpg",
        "c.d.jpg": "c.d", "a_jpg.webp": "a_jpg",
    }  # fmt: skip


def test_the_names_of_tiles_never_meet():
    assert tile_name("villa/a", 1, 1.0) == "villa/a_s001.png"
    bases = ["a", "a_s001", "a_s001x500", "ax500"]
    names = {tile_name(base, n, s) for base in bases for n in (1, 12, 1001) for s in (1.0, 0.5, 0.75)}
    assert len(names) == 4 * 3 * 3


def test_a_share_of_the_detailed_and_a_tenth_of_the_flat_places_are_kept():
    kept = [kept_places(40, detail=0.5, generator=np.random.default_rng(seed)) for seed in range(200)]
    assert all(places[:20] == tuple(range(20)) for places in kept)
    assert np.mean([len(places) - 20 for places in kept]) == pytest.approx(2, abs=0.3)
    assert kept_places(1, detail=0.5, generator=np.random.default_rng(0)) == (0,)
    assert kept_places(7, detail=1, generator=np.random.default_rng(0)) == tuple(range(7))


def test_places_are_those_of_the_most_detailed_tiles():
    rgb = np.full((40, 160, 3), 128, np.uint8)
    rgb[:, 80:120] = noise(0, 40, 40)
    rgb[:, 40:80, :] = np.arange(40, dtype=np.uint8)[:, None]
    boxes = [Box(0, left, 40, left + 40) for left in (0, 40, 80, 120)]
    assert tile_grid.tiles_at(boxes, rgb, (0,)) == [2]
    assert tile_grid.tiles_at(boxes, rgb, (0, 1)) == [1, 2]
    assert tile_grid.tiles_at(boxes, rgb, (0, 1, 2, 3)) == [0, 1, 2, 3]


def test_the_energy_of_a_ramp_is_the_square_of_its_slope():
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 2, 64, axis=0).repeat(3, axis=2)
    assert tile_grid.gradient_energy(ramp[:, 1:-1]) == pytest.approx(4, rel=0.05)
    assert tile_grid.gradient_energy(np.full((9, 9, 3), 7, np.uint8)) == 0


def test_at_most_so_many_are_drawn_from_all_pictures_of_a_scene():
    places = {("a", 1.0): tuple(range(30)), ("b", 1.0): tuple(range(10))}
    drawn = [choose_at_most(places, 8, np.random.default_rng(seed)) for seed in range(100)]
    assert all(sum(map(len, chosen.values())) == 8 for chosen in drawn)
    assert np.mean([len(chosen["a", 1.0]) for chosen in drawn]) == pytest.approx(6, abs=0.5)
    assert choose_at_most(places, 40, np.random.default_rng(0)) == places


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = tile_grid.shrink(stripes, 0.5)
    assert small.shape == (32, 32, 3) and abs(int(small[8:-8, 8:-8].mean()) - 127) < 3
    assert small[8:-8, 8:-8].std() < 3
    assert tile_grid.shrink(stripes, 1) is stripes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"step": 481}, "step 481"), ({"step": 0}, "step 0"), ({"size": 0}, "size 0"), ({"smallest": 481}, "481"),
        ({"detail": 1.5}, "got 1.5"), ({"scales": (2.0,)}, "scales"), ({"scales": (0.5, 0.5)}, "different scales"),
        ({"most_per_scene": 0}, "most per scene"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_one_sentence(values, said):
    with pytest.raises(DataError, match=said):
        TileSettings(**values)
