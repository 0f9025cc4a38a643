"""Small pictures are what averaging the whole picture gives, upright, for every kind of file."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from realesrgan_arch.image_header import ImageError, parse_header
from realesrgan_arch.image_small import decode_small
from realesrgan_arch.images import decode_rgb
from tests.data.pictures import noise


def smooth(height: int, width: int) -> np.ndarray:
    return cv2.resize(noise(0, 6, 8), (width, height), interpolation=cv2.INTER_CUBIC)


def saved(rgb: np.ndarray, kind: str, orientation: int = 1, mode: str = "RGB") -> bytes:
    exif, stream = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.fromarray(rgb).convert(mode).save(stream, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))
    return stream.getvalue()


def small(data: bytes, tmp_path, min_side: int) -> np.ndarray:
    return decode_small(data, parse_header(data, tmp_path), tmp_path, min_side=min_side)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_reduced_and_upright(tmp_path, orientation):
    data = saved(smooth(480, 640), "JPEG", orientation)
    whole, reduced = decode_rgb(data, tmp_path), small(data, tmp_path, 60)
    assert reduced.shape == (whole.shape[0] // 8, whole.shape[1] // 8, 3)
    expected = cv2.resize(whole, reduced.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(expected.astype(int) - reduced).mean() < 2


@pytest.mark.parametrize(("min_side", "expected"), [(60, 60), (61, 120), (121, 240), (241, 480), (900, 480)])
def test_no_side_falls_below_the_least(tmp_path, min_side, expected):
    assert small(saved(smooth(480, 640), "JPEG"), tmp_path, min_side).shape[0] == expected


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("WebP", "RGB"), ("JPEG", "CMYK")])
def test_other_files_are_decoded_whole(tmp_path, kind, mode):
    data = saved(smooth(200, 300), kind, mode=mode)
    assert np.array_equal(small(data, tmp_path, 16), decode_rgb(data, tmp_path))


def test_gray_jpegs_become_rgb(tmp_path):
    assert small(saved(smooth(480, 640), "JPEG", mode="L"), tmp_path, 60).shape == (60, 80, 3)


def test_damage_is_one_sentence(tmp_path):
    data = saved(smooth(480, 640), "JPEG")
    broken = data[: data.index(b"\xff\xdb")] + b"\xff\xd9"
    with pytest.raises(ImageError):
        small(broken, tmp_path, 60)
