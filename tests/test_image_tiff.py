"""Kinds of TIFF that OpenCV shows wrongly and without a word; each was seen with OpenCV 5.0."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from realesrgan_arch.images import ImageError, read_picture, read_rgb
from tests.image_makers import picture, saved

GRAY, ALPHA = picture()[..., 0], picture()[..., 1]
DEEP = picture().astype(np.uint16) * 257


def written(pixels: np.ndarray, **options) -> bytes:
    tifffile = pytest.importorskip("tifffile")
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_colours_under_transparency_are_not_multiplied_with_it(tmp_path, compression):
    (tmp_path / "a.tif").write_bytes(saved(np.dstack((picture(), ALPHA)), "TIFF", compression=compression))
    result = read_picture(tmp_path / "a.tif")
    assert np.array_equal(result.rgb, picture()) and np.array_equal(result.alpha, ALPHA)
    assert np.array_equal(read_rgb(tmp_path / "a.tif"), picture())


@pytest.mark.parametrize(
    ("pixels", "options", "expected"),
    [
        (picture(), {"tile": (16, 16)}, picture()),
        (np.moveaxis(picture(), 2, 0).copy(), {"photometric": "rgb", "planarconfig": "separate"}, picture()),
        (GRAY, {"photometric": "miniswhite"}, 255 - GRAY),
        (np.dstack((GRAY, ALPHA)), {"photometric": "minisblack", "planarconfig": "contig"}, GRAY),
        (DEEP, {"byteorder": ">"}, DEEP),
        (np.dstack((DEEP, DEEP[..., 1])), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, DEEP),
    ],
    ids=["tiles", "planes", "white is zero", "gray and alpha", "16 bits", "16 bits and alpha"],
)
def test_kinds_that_scanners_and_editors_write_are_read_exactly(tmp_path, pixels, options, expected):
    (tmp_path / "a.tif").write_bytes(written(pixels, **options))
    result = read_picture(tmp_path / "a.tif")
    assert result.rgb.dtype == expected.dtype and result.is_gray == (expected.ndim == 2)
    assert np.array_equal(result.rgb[..., 0] if result.is_gray else result.rgb, expected)


@pytest.mark.parametrize(
    ("pixels", "options", "said"),
    [
        (DEEP[..., 0], {"photometric": "miniswhite"}, "16-bit TIFF image whose white is zero"),
        (np.moveaxis(DEEP, 2, 0).copy(), {"photometric": "rgb", "planarconfig": "separate"}, "a plane for each colour"),
        (GRAY.astype(np.int8), {}, "a TIFF image of signed numbers"),
        (DEEP.astype(np.float32), {"photometric": "rgb"}, "pixels of a kind that is not read"),
        (np.full((8, 8), np.nan, np.float32), {}, "float32 pixels"),
        (DEEP[..., 0].astype(np.uint32), {}, "uint32 pixels"),
    ],
    ids=["white is zero", "planes", "signed", "float RGB", "NaN", "32 bits"],
)
def test_kinds_that_would_come_out_wrong_are_refused_in_one_sentence(tmp_path, pixels, options, said):
    (tmp_path / "a.tif").write_bytes(written(pixels, **options))
    for read in (read_rgb, read_picture):
        with pytest.raises(ImageError, match=said):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["1", "P", "YCbCr", "L"])
def test_other_modes_are_rgb_or_gray(tmp_path, mode):
    source = Image.fromarray(picture()).convert(mode)
    source.save(tmp_path / "a.tif")
    result = read_picture(tmp_path / "a.tif")
    assert result.is_gray == (mode in ("1", "L"))
    assert np.abs(result.rgb.astype(int) - np.asarray(source.convert("RGB"))).max() <= 1


def test_unknown_tags_and_missing_data_write_no_line(tmp_path, capfd):
    noise = np.random.default_rng(0).integers(0, 65536, (64, 64), dtype=np.uint16)
    data = saved(noise, "TIFF", tiffinfo={50000: "hello"})
    (tmp_path / "whole.tif").write_bytes(data)
    (tmp_path / "cut.tif").write_bytes(data[: len(data) * 9 // 10])
    assert np.array_equal(read_picture(tmp_path / "whole.tif").rgb[..., 0], noise)
    with pytest.raises(ImageError, match="cut.tif is a damaged TIFF"):
        read_picture(tmp_path / "cut.tif")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", [1, 5])
def test_sixteen_bits_of_colour_are_the_same_for_training_and_for_upscaling(tmp_path, compression):
    noise = np.random.default_rng(0).integers(0, 65535, (40, 60, 3), dtype=np.uint16, endpoint=True)
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression]
    (tmp_path / "a.tif").write_bytes(cv2.imencode(".tif", noise[..., ::-1], options)[1].tobytes())
    assert np.array_equal(read_picture(tmp_path / "a.tif").rgb, noise)
    assert np.array_equal(read_rgb(tmp_path / "a.tif"), np.round(noise / 257).astype(np.uint8))
