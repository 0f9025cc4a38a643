"""Names of results: all different, known before the start, the same in every run."""

from pathlib import Path

import pytest

from realesrgan_arch.upscaling.names import result_names


def _named(names, **how):
    how = {"suffix": "out", "has_alpha": lambda _: False, **how}
    return [name.as_posix() for name in result_names([Path(name) for name in names], **how)]


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


def test_names_that_differ_in_their_composition_alone_clash():
    assert _named(["caf\u00e9.jpg", "cafe\u0301.tif"], ext="png") == ["caf\u00e9_jpg_out.png", "cafe\u0301_tif_out.png"]


def test_a_name_leaves_room_for_that_which_transparency_asks_for():
    assert _named(["a.jpg", "a.png", "b.jpg"], ext="auto", has_alpha=lambda path: path.suffix == ".jpg") == [
        "a_jpg_out.jpg", "a_out.png", "b_out.jpg",
    ]  # fmt: skip
    assert _named(["a.jpg", "a.jpeg"], ext="auto", has_alpha=lambda _: True) == ["a_jpg_out.jpg", "a_jpeg_out.jpeg"]
    assert _named(["a.jpg", "a.png", "a_jpg.png"], ext="auto", has_alpha=lambda _: True) == [
        "a_jpg_2_out.jpg", "a_out.png", "a_jpg_out.png",
    ]  # fmt: skip


def test_no_header_is_asked_for_where_the_name_does_not_depend_on_it():
    names, how = ["a.jpg", "b.jpg", "a.tif"], {"has_alpha": lambda _: pytest.fail("asked in vain")}
    assert _named(names, ext="auto", **how) == ["a_out.jpg", "b_out.jpg", "a_out.tif"]
    assert _named(names, ext="jpg", **how) == ["a_jpg_out.jpg", "b_out.jpg", "a_tif_out.jpg"]


@pytest.mark.parametrize(
    ("name", "target"),
    [("a.bmp", "a_out.png"), ("a.webp", "a_out.webp"), ("a.JPEG", "a_out.JPEG"), ("a.gif", "a_out.png")],
)
def test_auto_keeps_the_extension_where_it_can_be_written(name, target):
    assert _named([name], ext="auto") == [target]


@pytest.mark.parametrize("ext", ["jpg", "png", "webp", "tif"])
def test_every_asked_extension_is_given(ext):
    assert _named(["a.bmp"], ext=ext, suffix="") == [f"a.{ext}"]
