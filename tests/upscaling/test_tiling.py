"""The plan of tiles: every pixel once, windows inside the picture, one shape, and cut then paste changes nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.upscaling.tiling import TileGrid

SIDES = st.integers(1, 40)


@settings(deadline=None, max_examples=60)
@given(height=SIDES, width=SIDES, size=st.integers(0, 45), pad=st.integers(0, 12), multiple=st.sampled_from([1, 2, 4]))
def test_cut_and_paste_gives_the_picture_back(height, width, size, pad, multiple):
    height, width = height * multiple, width * multiple
    image = torch.rand(3, height, width)
    output = torch.full_like(image, torch.nan)
    for tile in TileGrid(height, width, pad=pad, multiple=multiple).tiles(size):
        window = tile.cut(image)
        assert min(window.shape) > 0
        tile.paste(window, output, scale=1)
    assert torch.equal(output, image)


@settings(deadline=None, max_examples=60)
@given(height=SIDES, width=SIDES, size=st.integers(1, 45), pad=st.integers(0, 12), multiple=st.sampled_from([1, 2, 4]))
def test_windows_have_one_shape_and_the_overlap_that_the_picture_allows(height, width, size, pad, multiple):
    height, width = height * multiple, width * multiple
    tiles = TileGrid(height, width, pad=pad, multiple=multiple).tiles(size)
    assert len({(len(tile.rows), len(tile.columns)) for tile in tiles}) == 1
    for tile in tiles:
        for core, window, length in ((tile.core_rows, tile.rows, height), (tile.core_columns, tile.columns, width)):
            assert 0 <= window.start <= max(core.start - pad, 0)
            assert min(core.stop + pad, length) <= window.stop <= length
            assert len(core) < size + multiple
            assert window.start % multiple == len(window) % multiple == 0


def test_cores_cover_every_pixel_once():
    counts = torch.zeros(1, 50, 37)
    for tile in TileGrid(50, 37, pad=5).tiles(16):
        counts[:, tile.core_rows.scaled(1), tile.core_columns.scaled(1)] += 1
    assert torch.equal(counts, torch.ones_like(counts))


def test_cores_are_balanced_instead_of_leaving_a_sliver():
    tiles = TileGrid(10, 130, pad=4).tiles(64)
    assert [len(tile.core_columns) for tile in tiles] == [44, 44, 42]


def test_size_zero_is_one_tile():
    (tile,) = TileGrid(9, 12, pad=10).tiles(0)
    assert tile.cut(torch.zeros(3, 9, 12)).shape == (3, 9, 12)


def test_smaller_cuts_cover_the_same_cores():
    grid = TileGrid(48, 80, pad=6, multiple=4)
    waiting = grid.tiles(32)[1:]
    before, after = torch.zeros(48, 80), torch.zeros(48, 80)
    for counts, tiles in ((before, waiting), (after, grid.smaller(waiting, 16))):
        for tile in tiles:
            counts[tile.core_rows.scaled(1), tile.core_columns.scaled(1)] += 1
    assert torch.equal(before, after)
    assert len(grid.smaller(waiting, 16)) > len(waiting)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"height": 0, "width": 5}, "at least 1"),
        ({"height": 5, "width": 5, "pad": -1}, "pad of at least 0"),
        ({"height": 6, "width": 8, "multiple": 4}, "multiples of 4, got 6x8"),
    ],
)
def test_impossible_grids_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TileGrid(**arguments)
