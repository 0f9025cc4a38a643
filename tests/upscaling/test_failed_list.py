"""`failed.txt`: what it holds, when it goes, and that it is a list for the next run."""

import os
from pathlib import Path

import pytest

from realesrgan_arch.upscaling.failed_list import check_failed_list, failed_list_path, write_failed_list
from realesrgan_arch.upscaling.list_file import read_list
from realesrgan_arch.upscaling.output_place import OutputError


def test_it_is_a_list_for_the_next_run_whatever_the_names_are(tmp_path):
    names = ["plan, north.png", "two  blanks.png", os.fsdecode(b"caf\xe9.png"), "tab\there.png"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    failed = [(tmp_path / name, "is empty;\n download it\tagain.") for name in names]
    assert write_failed_list(tmp_path / "failed.txt", failed, made=())
    assert read_list(tmp_path / "failed.txt", tmp_path) == [tmp_path / name for name in names]
    assert b"caf\xe9.png\tis empty; download it again.\n" in (tmp_path / "failed.txt").read_bytes()


def test_a_relative_name_is_written_whole_so_that_the_list_works_from_anywhere(in_tmp_path):
    write_failed_list(Path("failed.txt"), [(Path("a.png"), "why")], made=())
    assert Path("failed.txt").read_text() == f"{in_tmp_path / 'a.png'}\twhy\n"


def test_a_name_with_a_line_end_stays_one_line(tmp_path):
    write_failed_list(tmp_path / "failed.txt", [(tmp_path / "a\nb.png", "why")], made=())
    assert len((tmp_path / "failed.txt").read_text().splitlines()) == 1


def test_shards_do_not_write_over_each_others_lists(tmp_path):
    assert failed_list_path(tmp_path).name == "failed.txt"
    assert failed_list_path(tmp_path, shard=(2, 8)).name == "failed-2-of-8.txt"


@pytest.fixture
def listed(tmp_path):
    """A list of three pictures that are there and of one that is gone, and the pictures."""
    pictures = [tmp_path / name for name in ("a.png", "b\tb.png", "c.png")]
    for picture in pictures:
        picture.write_bytes(b"x")
    write_failed_list(tmp_path / "failed.txt", [(path, "old") for path in (*pictures, tmp_path / "gone.png")], made=())
    return tmp_path / "failed.txt", pictures


def test_old_lines_stay_until_their_picture_is_made_or_fails_again_or_is_gone(listed):
    path, (a, b, c) = listed
    assert write_failed_list(path, [(c, "new")], made=[a])
    assert path.read_text() == f"{b}\told\n{c}\tnew\n"
    assert not write_failed_list(path, [], made=[b, c])
    assert not path.exists()


def test_lines_of_somebody_else_are_never_dropped(tmp_path):
    (tmp_path / "failed.txt").write_text("my notes about the roof\n")
    assert write_failed_list(tmp_path / "failed.txt", [], made=[])
    assert (tmp_path / "failed.txt").read_text() == "my notes about the roof\n"


def test_a_list_of_ours_and_none_pass_the_check(listed, tmp_path):
    check_failed_list(listed[0])
    check_failed_list(tmp_path / "none.txt")


@pytest.mark.parametrize("text", ["my notes about the roof", "relative.png\twhy", "/a.png\t", "/a.png"])
def test_a_file_of_somebody_else_is_refused_before_the_work(tmp_path, text):
    (tmp_path / "failed.txt").write_text(f"/x.png\twhy\n{text}\n")
    with pytest.raises(OutputError, match="failed.txt is the name of the list of failures, but"):
        check_failed_list(tmp_path / "failed.txt")


def test_a_folder_of_that_name_is_refused_before_the_work(tmp_path):
    (tmp_path / "failed.txt").mkdir()
    with pytest.raises(OutputError, match="cannot be read: Is a directory"):
        check_failed_list(tmp_path / "failed.txt")
