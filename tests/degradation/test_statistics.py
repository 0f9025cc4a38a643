import cv2
import numpy as np
import pytest
import torch

from realesrgan_arch.audit.file_facts import read_facts
from realesrgan_arch.degradation.jpeg import jpeg
from realesrgan_arch.degradation.statistics import (
    STATISTICS,
    measure_all,
    measure_blockiness,
    measure_chroma_noise,
    measure_edge_blur,
    measure_luma_noise,
)
from realesrgan_arch.image_header import parse_header
from realesrgan_arch.images import to_tensor, to_uint8, write_image
from tests.degradation.pictures import facets

CHANNEL_TO_LUMA = 0.668  # sqrt(0.299^2 + 0.587^2 + 0.114^2)


def with_noise(picture, sigma, *, is_gray, seed=1):
    generator = np.random.default_rng(seed)
    field = generator.normal(0, sigma, (*picture.shape[:2], 1 if is_gray else 3))
    return np.clip(np.rint(picture + field), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [4, 10, 20])
def test_the_sigma_of_known_noise_is_found_within_8_percent(sigma):
    gray = with_noise(facets(), sigma, is_gray=True)
    colored = with_noise(facets(), sigma, is_gray=False)
    assert measure_luma_noise(gray) == pytest.approx(sigma, rel=0.08)
    assert measure_luma_noise(colored) == pytest.approx(CHANNEL_TO_LUMA * sigma, rel=0.08)
    assert measure_chroma_noise(colored) == pytest.approx(sigma, rel=0.08)


def test_gray_noise_has_no_colour_and_a_clean_picture_no_noise():
    assert measure_chroma_noise(with_noise(facets(), 10, is_gray=True)) < 0.5
    assert measure_luma_noise(facets()) < 0.1 and measure_chroma_noise(facets()) < 0.1


def test_the_sigma_of_known_blur_is_found_within_12_percent_and_grows():
    found = [measure_edge_blur(cv2.GaussianBlur(facets(), (0, 0), sigma)) for sigma in (1, 1.5, 2, 3)]
    assert found == pytest.approx([1, 1.5, 2, 3], rel=0.12)
    assert measure_edge_blur(facets()) < 0.6 < found[0] < found[1] < found[2] < found[3]


def test_noise_does_not_hide_the_blur():
    blurred = cv2.GaussianBlur(facets(), (0, 0), 2)
    assert measure_edge_blur(with_noise(blurred, 4, is_gray=False)) == pytest.approx(2, rel=0.25)


def test_blocks_stand_out_more_the_lower_the_quality():
    picture = with_noise(facets(), 4, is_gray=True)
    batch = to_tensor(picture)[None]
    found = [measure_blockiness(to_uint8(jpeg(batch, torch.tensor([float(q)]))[0])) for q in (90, 70, 40)]
    assert measure_blockiness(picture) < 0.05
    assert found[0] < found[1] < found[2] and found[2] > 0.15


@pytest.mark.parametrize("quality", [30, 70, 95])
def test_the_quality_of_a_jpeg_file_is_read_exactly_from_its_tables(tmp_path, quality):
    path = tmp_path / "a.jpg"
    write_image(path, facets(), quality=quality)
    data = path.read_bytes()
    assert read_facts(data, parse_header(data, path)).jpeg_quality == quality


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_flat_colour_is_measured_without_a_fault(level):
    found = measure_all(np.full((64, 64, 3), level, np.uint8))
    assert set(found) == set(STATISTICS) and all(value == 0 for value in found.values())
