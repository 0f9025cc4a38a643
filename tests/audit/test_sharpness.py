"""Blur, enlargement, repeated pixels."""

import cv2
import numpy as np
import pytest

from realesrgan_arch.audit.sharpness import measure_repetition, measure_sharpness
from realesrgan_arch.audit.spectrum import measure_spectrum_fall
from realesrgan_arch.audit.windows import WINDOW, busiest_windows
from tests.audit.drawn import draw_scene, gray


def parts(pixels):
    levels = gray(pixels)
    return [levels[y : y + 256, x : x + 256] for y in range(0, 512, 256) for x in range(0, 512, 256)]


def enlarged(factor, interpolation):
    size = 512 // factor
    small = cv2.resize(draw_scene(1024, 1024), (size, size), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (512, 512), interpolation=interpolation)


def test_blur_lowers_sharpness_step_by_step():
    scene = draw_scene()
    values = [measure_sharpness(parts(cv2.GaussianBlur(scene, (0, 0), sigma))) for sigma in (0.01, 1, 2, 3)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8 and values[2] < 0.6


def test_a_shallow_depth_of_field_is_no_blur():
    scene = draw_scene()
    soft = cv2.GaussianBlur(scene, (0, 0), 4)
    soft[128:384, 128:384] = scene[128:384, 128:384]
    assert measure_sharpness(parts(soft)) == pytest.approx(measure_sharpness(parts(scene)), abs=0.05)


def test_contrast_does_not_count_as_sharpness():
    scene = draw_scene()
    assert measure_sharpness(parts(scene // 2 + 60)) == pytest.approx(measure_sharpness(parts(scene)), abs=0.02)


def test_nothing_is_said_where_nothing_has_contrast():
    assert measure_sharpness([np.full((256, 256), 90, np.uint8)]) is None
    assert measure_sharpness([]) is None


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("interpolation", [cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_LINEAR])
def test_the_spectrum_of_an_enlargement_breaks_off(factor, interpolation):
    plain = cv2.resize(draw_scene(1024, 1024), (512, 512), interpolation=cv2.INTER_AREA)
    assert measure_spectrum_fall(parts(plain)) < 8
    assert measure_spectrum_fall(parts(enlarged(factor, interpolation))) > 11


def test_motion_in_one_direction_is_no_enlargement():
    moved = cv2.GaussianBlur(draw_scene(), (0, 0), sigmaX=3, sigmaY=0.01)
    assert measure_spectrum_fall(parts(moved)) < 8


def test_a_picture_below_one_window_has_no_spectrum():
    assert measure_spectrum_fall([np.zeros((255, 256), np.uint8)]) is None
    assert measure_spectrum_fall([]) is None


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_repeated_pixels_are_found_and_interpolated_ones_are_not(factor):
    assert measure_repetition(parts(enlarged(factor, cv2.INTER_NEAREST))) > 0.9
    assert measure_repetition(parts(enlarged(factor, cv2.INTER_CUBIC))) < 0.5
    assert measure_repetition(parts(draw_scene())) < 0.1


def test_stripes_in_one_direction_are_no_repetition():
    stripes = np.repeat(draw_scene()[:, ::2], 2, axis=1)
    assert measure_repetition(parts(stripes)) < 0.1


def test_flat_windows_repeat_nothing():
    assert measure_repetition([np.full((256, 256), 90, np.uint8)]) == 0
    assert measure_repetition([]) == 0


def test_the_busiest_window_comes_first_and_lies_on_the_grid():
    picture = np.full((1024, 1280, 3), 200, np.uint8)
    picture[256:512, 512:768] = draw_scene(256, 256)
    found = busiest_windows(picture, gray(cv2.resize(picture, (512, 410), interpolation=cv2.INTER_AREA)))
    assert len(found) == 6
    assert np.array_equal(found[0], gray(picture[256:512, 512:768]))


@pytest.mark.parametrize("shape", [(100, 300, 3), (300, 40, 3), (32, 32, 3)])
def test_a_narrow_picture_is_one_narrow_window(shape):
    pixels = np.zeros(shape, np.uint8)
    assert busiest_windows(pixels, gray(pixels))[0].shape == (min(shape[0], WINDOW), min(shape[1], WINDOW))


def test_below_32_pixels_there_is_no_window():
    pixels = np.zeros((31, 400, 3), np.uint8)
    assert busiest_windows(pixels, gray(pixels)) == []
