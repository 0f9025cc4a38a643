"""Drawings have one-sided lines on an even ground; photographs do not."""

import cv2
import numpy as np
import pytest

from realesrgan_arch.audit.line_art import (
    SHIPPED_MODEL,
    LineArtModel,
    LineArtStatistics,
    line_art_probability,
    measure_line_art,
    model_terms,
    shrink,
)
from tests.audit.drawn import draw_scene, draw_sheet, gray


def probability(pixels):
    return line_art_probability(measure_line_art(gray(shrink(pixels))))


def test_the_statistics_of_five_black_lines_on_white_paper():
    sheet = np.full((100, 100), 255, np.uint8)
    sheet[10:60:10, :] = 0
    sheet[11:61:10, :] = 0
    sheet[12:62:10, :] = 0
    found = measure_line_art(sheet)
    # Closing removes every line; opening joins them to one dark block, whose two sides are left of ten.
    steps = 10 * 255 / 100
    assert found.line_asymmetry == pytest.approx((2 * 255 / 100) / (steps + 0.5), rel=0.01)
    assert found.halftone_share < 0.05
    assert found.gray_entropy == pytest.approx(-0.15 * np.log2(0.15) - 0.85 * np.log2(0.85))


def test_a_gradient_has_no_lines_and_full_entropy():
    found = measure_line_art(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    assert found.line_asymmetry == pytest.approx(0, abs=0.01)
    assert found.gray_entropy == pytest.approx(8)


@pytest.mark.parametrize("seed", range(5))
def test_scenes_are_no_drawings_and_plans_are(seed):
    assert probability(draw_scene(seed=seed)) < 0.1
    assert probability(draw_sheet(seed=seed)) > 0.95


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: 255 - p,
        lambda p: (p * np.array([1, 0.95, 0.78])).astype(np.uint8),
        lambda p: (90 + p * 0.4).astype(np.uint8),
        lambda p: np.clip(p + np.random.default_rng(0).normal(0, 8, p.shape), 0, 255).astype(np.uint8),
        lambda p: cv2.resize(p, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA),
        lambda p: (p * np.linspace(0.7, 1, p.shape[1])[None, :, None]).astype(np.uint8),
    ],
    ids=["white on black", "yellow paper", "faint", "noisy", "small", "unevenly lit"],
)
def test_a_plan_stays_a_drawing(spoil):
    assert probability(spoil(draw_sheet())) > 0.85


def test_one_statistic_alone_is_capped():
    wall = LineArtStatistics(line_asymmetry=0.8, halftone_share=0.9, gray_entropy=5)
    assert model_terms(wall, SHIPPED_MODEL.caps) == (0.4, 0.3, 5)


def test_the_probability_is_the_logistic_function_of_the_weighted_sum():
    statistics = LineArtStatistics(line_asymmetry=0.2, halftone_share=0.1, gray_entropy=3)
    model = LineArtModel(1.0, (2.0, -4.0, -0.5), (1.0, 1.0, 8.0))
    assert line_art_probability(statistics, model) == pytest.approx(1 / (1 + np.exp(0.5)))


def test_the_copy_has_a_long_side_of_512_and_small_pictures_stay():
    assert shrink(np.zeros((1000, 2000, 3), np.uint8)).shape == (256, 512, 3)
    small = np.zeros((100, 300, 3), np.uint8)
    assert shrink(small) is small
    assert shrink(np.zeros((1, 5000, 3), np.uint8)).shape == (1, 512, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3)])
def test_tiny_pictures_are_measured(shape):
    assert 0 <= measure_line_art(np.full(shape, 7, np.uint8)).line_asymmetry <= 1
