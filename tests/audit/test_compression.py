"""JPEG quality from the tables, and the 8x8 grid in the pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from realesrgan_arch.audit.compression import ijg_quality, measure_block_grid
from tests.audit.drawn import draw_scene, encode, gray


def luminance_table(data):
    return Image.open(io.BytesIO(data)).quantization[0]


def windows(pixels):
    return [gray(pixels)[:256, :256], gray(pixels)[256:, 256:]]


@pytest.mark.parametrize("quality", [5, 20, 49, 50, 75, 90, 95, 99, 100])
def test_a_file_of_libjpeg_has_the_quality_it_was_saved_with(quality):
    assert ijg_quality(luminance_table(encode(draw_scene(64, 64), "JPEG", quality=quality))) == quality


def test_a_table_of_another_maker_has_the_nearest_quality():
    table = np.array(luminance_table(encode(draw_scene(64, 64), "JPEG", quality=80)))
    assert 78 <= ijg_quality((table + 1).tolist()) <= 80


def test_the_grid_grows_as_quality_falls_and_a_clean_picture_has_none():
    scene = draw_scene()
    grids = [
        measure_block_grid(windows(np.asarray(Image.open(io.BytesIO(encode(scene, "JPEG", quality=quality))))))
        for quality in (90, 50, 20, 5)
    ]
    assert measure_block_grid(windows(scene)) == pytest.approx(0, abs=0.1)
    assert grids == sorted(grids)
    assert grids[0] < 0.35 and grids[3] > 0.67


def test_stripes_of_eight_pixels_in_one_direction_are_no_grid():
    stripes = draw_scene()
    stripes[:, ::8] //= 2
    assert measure_block_grid(windows(stripes)) == pytest.approx(0, abs=0.1)


def test_the_strength_is_one_minus_the_mean_of_the_others_over_the_largest_share():
    levels = np.zeros((256, 256), np.uint8)
    levels[np.arange(256)[:, None] // 8 % 2 != np.arange(256) // 8 % 2] = 40
    half = levels.copy()
    half[:, 4:] += levels[:, :-4] // 2
    half[4:, :] += levels[:-4, :] // 2
    # Every eighth step is a peak, and every eighth between them: of the seven other phases one has as many.
    assert measure_block_grid([levels]) == pytest.approx(1 - 0.01 / 1.01)
    assert measure_block_grid([half]) == pytest.approx(1 - (1 / 7 + 0.01) / 1.01, rel=0.02)


def test_no_window_no_grid():
    assert measure_block_grid([]) == 0
