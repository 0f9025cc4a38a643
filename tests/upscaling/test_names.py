"""Names of results: all different, known before the start, the same in every run."""

from pathlib import Path

import pytest

from realesrgan_arch.upscaling.names import result_names


def _named(names, **how):
    return [name.as_posix() for name in result_names([Path(name) for name in names], **{"suffix": "out", **how})]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "a.tif", "b.jpg"], ["a_jpg_out.png", "a_tif_out.png", "b_out.png"]),
        (["A.jpg", "a.tif"], ["A_jpg_out.png", "a_tif_out.png"]),
        (["a.jpg", "a.tif", "a_jpg.webp"], ["a_jpg_2_out.png", "a_tif_out.png", "a_jpg_out.png"]),
        (["x/a.jpg", "y/a.jpg"], ["x/a_out.png", "y/a_out.png"]),
    ],
)
def test_names_that_clash_are_told_apart(names, expected):
    assert _named(names, ext="png") == expected


@pytest.mark.parametrize(
    ("name", "target"),
    [("a.bmp", "a_out.png"), ("a.webp", "a_out.webp"), ("a.JPEG", "a_out.JPEG"), ("a.gif", "a_out.png")],
)
def test_auto_keeps_the_extension_where_it_can_be_written(name, target):
    assert _named([name], ext="auto") == [target]


@pytest.mark.parametrize("ext", ["jpg", "png", "webp", "tif"])
def test_every_asked_extension_is_given(ext):
    assert _named(["a.bmp"], ext=ext, suffix="") == [f"a.{ext}"]
