"""`failed.txt`: what it holds, when it goes, and that it is a list for the next run."""

import os
from pathlib import Path

from realesrgan_arch.upscaling.failed_list import failed_list_path, write_failed_list
from realesrgan_arch.upscaling.list_file import read_list


def test_it_is_a_list_for_the_next_run_whatever_the_names_are(tmp_path):
    names = ["plan, north.png", "two  blanks.png", os.fsdecode(b"caf\xe9.png"), "tab\there.png"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    failed = [(tmp_path / name, "is empty;\n download it\tagain.") for name in names]
    assert write_failed_list(tmp_path / "failed.txt", failed, untried=())
    assert read_list(tmp_path / "failed.txt", tmp_path) == [tmp_path / name for name in names]
    assert b"caf\xe9.png\tis empty; download it again.\n" in (tmp_path / "failed.txt").read_bytes()


def test_a_relative_name_is_written_whole_so_that_the_list_works_from_anywhere(in_tmp_path):
    write_failed_list(Path("failed.txt"), [(Path("a.png"), "why")], untried=())
    assert Path("failed.txt").read_text() == f"{in_tmp_path / 'a.png'}\twhy\n"


def test_a_name_with_a_line_end_stays_one_line(tmp_path):
    write_failed_list(tmp_path / "failed.txt", [(tmp_path / "a\nb.png", "why")], untried=())
    assert len((tmp_path / "failed.txt").read_text().splitlines()) == 1


def test_shards_do_not_write_over_each_others_lists(tmp_path):
    assert failed_list_path(tmp_path).name == "failed.txt"
    assert failed_list_path(tmp_path, shard=(2, 8)).name == "failed-2-of-8.txt"
