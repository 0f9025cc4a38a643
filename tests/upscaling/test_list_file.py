"""Lists of pictures: what `failed.txt` holds comes back, whatever bytes are in the names, and nothing else does."""

import os
from pathlib import Path

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.upscaling.list_file import read_list


def _read(tmp_path, data):
    (tmp_path / "list.txt").write_bytes(data)
    return [
        os.fsencode(path.relative_to(tmp_path / "photos"))
        for path in read_list(tmp_path / "list.txt", tmp_path / "photos")
    ]


def test_names_that_are_not_utf_8_survive(tmp_path):
    assert _read(tmp_path, b"sub/caf\xe9.jpg\nz\xff.png\n") == [b"sub/caf\xe9.jpg", b"z\xff.png"]


def test_the_reason_after_a_tab_is_left_out(tmp_path):
    assert _read(tmp_path, b"a.png\ta.png is empty (0 bytes).\r\n\n b.png\n") == [b"a.png", b" b.png"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no tabs in names")
def test_a_tab_in_a_name_that_exists_belongs_to_it(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a\tb.png").touch()
    assert _read(tmp_path, b"a\tb.png\twhy\nc\td\n") == [b"a\tb.png", b"c"]


def test_each_picture_comes_once_and_in_the_order_of_the_list(tmp_path):
    assert _read(tmp_path, b"\xef\xbb\xbfz.png\na.png\nz.png") == [b"z.png", b"a.png"]


def test_an_absolute_path_below_the_folder_is_understood(tmp_path):
    assert _read(tmp_path, os.fsencode(tmp_path / "photos" / "sub" / "a.png")) == [b"sub/a.png"]


@pytest.mark.parametrize(
    "name", ["../secret.png", "a/../../secret.png", "/etc/secret.png", "{}/secret.png", "..\\a.png"]
)
def test_a_path_out_of_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DataError, match=r"secret\.png'; names must stay below|a\.png'; names must stay below"):
        _read(tmp_path, name.format(tmp_path).encode())


@pytest.mark.parametrize(
    ("data", "message"), [(b"\n \r\n", "is empty"), ("a.png".encode("utf-16"), "UTF-16; save it as UTF-8")]
)
def test_a_list_that_holds_nothing_to_use_is_said(tmp_path, data, message):
    with pytest.raises(DataError, match=message):
        _read(tmp_path, data)


def test_a_list_that_is_no_file_is_said(tmp_path):
    for path in (tmp_path / "absent.txt", tmp_path, Path("/dev/null")):
        with pytest.raises(DataError, match="is no file"):
            read_list(path, tmp_path)
