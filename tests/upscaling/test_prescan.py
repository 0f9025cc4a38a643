"""Headers of many pictures: sizes, times, and a sentence for each that cannot be read."""

import os

import pytest
from PIL import Image

from realesrgan_arch.images import read_facts, read_picture
from realesrgan_arch.upscaling import prescan
from realesrgan_arch.upscaling.prescan import has_alpha, scan
from tests.upscaling.planning import photo


def test_sizes_and_facts_come_in_the_order_of_the_paths(tmp_path):
    paths = [photo(tmp_path / f"{number}.png", (number, 20)) for number in range(30, 0, -1)]
    found = scan(paths)
    assert [item.path for item in found] == paths
    assert [item.size for item in found] == [(20, number) for number in range(30, 0, -1)]
    assert [(item.num_bytes, item.mtime_ns) for item in found] == [
        (path.stat().st_size, path.stat().st_mtime_ns) for path in paths
    ]


def _saved(path, mode, **how):
    Image.new("RGBA", (4, 4), (200, 100, 50, 100)).convert(mode).save(path, **how)
    return path


@pytest.mark.parametrize(
    ("name", "mode", "how"),
    [
        ("a.png", "RGBA", {}), ("a.png", "LA", {}), ("a.png", "P", {}), ("a.png", "P", {"transparency": 0}),
        ("a.png", "RGB", {}), ("a.png", "RGB", {"transparency": (1, 2, 3)}), ("a.png", "L", {"transparency": 9}),
        ("a.png", "I;16", {"transparency": 9}), ("a.webp", "RGBA", {}), ("a.webp", "RGB", {}), ("a.tif", "RGBA", {}),
        ("a.tif", "RGB", {}), ("a.gif", "P", {}), ("a.gif", "RGB", {"transparency": 5}), ("a.bmp", "RGB", {}),
    ],
)  # fmt: skip
def test_the_header_knows_whether_transparency_will_come_out(tmp_path, name, mode, how):
    path = _saved(tmp_path / name, mode, **how)
    assert has_alpha(path) == scan([path])[0].has_alpha == (read_picture(path).alpha is not None)


def test_what_cannot_be_read_has_no_transparency(tmp_path):
    assert not has_alpha(tmp_path / "absent.png")


def test_only_the_header_is_read(tmp_path):
    path = photo(tmp_path / "a.png", (50, 60))
    path.write_bytes(path.read_bytes()[:100])
    assert scan([path])[0].size == (60, 50)


def test_what_cannot_be_read_has_a_sentence_and_stops_nothing(tmp_path):
    good = photo(tmp_path / "a.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "text.png").write_text("words")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:30])
    paths = [tmp_path / name for name in ("empty.png", "absent.png", "folder.png", "text.png", "cut.png")]
    *bad, last = scan([*paths, good])
    assert last.fault == ""
    said = ("is empty (0 bytes)", "No such file", "is a folder", "a text file", "is a truncated PNG image")
    for item, words in zip(bad, said, strict=True):
        assert words in item.fault
        assert str(item.path) in item.fault


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert "is not a regular file" in scan([tmp_path / "a.png"])[0].fault


def test_a_picture_that_vanishes_between_header_and_facts_is_unreadable(tmp_path, monkeypatch):
    path = photo(tmp_path / "a.png")
    monkeypatch.setattr(prescan, "read_facts", lambda path: (read_facts(path), path.unlink())[0])
    assert scan([path])[0].fault == f"{path} cannot be read: No such file or directory."
