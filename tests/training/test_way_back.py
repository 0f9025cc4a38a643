"""A run goes back to a checkpoint that is whole, and to a good one rather than to the newest."""

import pytest

from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.way_back import find_way_back
from tests.training.stored import Note, save_steps


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    return folder


def _save_with_streaks(folder: RunFolder, streaks: dict[int, int]) -> None:
    numbers = Note()
    for step, length in streaks.items():
        numbers.value = {"in_a_row": length}
        save_steps(folder, step, extras={"numbers": numbers})


def test_the_one_that_is_wanted_is_taken_where_it_is_whole(folder) -> None:
    save_steps(folder, 1, 2, 3)
    assert find_way_back(folder, wanted=2) == 2
    assert find_way_back(folder) == 3


def test_a_damaged_or_absent_one_leaves_the_newest_whole_one(folder) -> None:
    save_steps(folder, 1, 2, 3)
    folder.state(3).write_bytes(b"torn")
    assert find_way_back(folder, wanted=3) == 2
    assert find_way_back(folder, wanted=9) == 2


def test_one_that_was_saved_among_skipped_steps_is_taken_only_where_there_is_no_other(folder) -> None:
    _save_with_streaks(folder, {2: 0, 4: 0, 6: 2})
    assert find_way_back(folder) == 4
    for step in (2, 4):
        folder.state(step).unlink()
    assert find_way_back(folder) == 6


def test_without_checkpoints_there_is_no_way(folder) -> None:
    assert find_way_back(folder, wanted=2) is None
