"""Pictures that nobody degraded: with their truths, or without."""

from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.evaluation.chosen_set import UnreadablePairError
from realesrgan_arch.evaluation.real_pairs import open_real_pairs, open_without_truth
from realesrgan_arch.images import write_image
from tests.data.frozen import write_blocks


def write_flat(path: Path, *, width: int, height: int) -> None:
    write_image(path, np.full((height, width, 3), 90, np.uint8))


@pytest.fixture
def folders(tmp_path):
    for number in range(3):
        write_blocks(tmp_path / "lq" / f"villa {number}" / "front.png", seed=number, width=24, height=16)
        write_blocks(tmp_path / "gt" / f"villa {number}" / "front.png", seed=number, width=96, height=64)
    return tmp_path / "lq", tmp_path / "gt"


def test_files_of_one_name_are_a_pair_and_folders_are_scenes(folders) -> None:
    choice = open_real_pairs(*folders, scale=4)
    assert choice.pairs[1].name == "villa 1/front.png" and choice.has_truth
    assert [tuple(picture.shape) for picture in (choice.pairs[1].lq, choice.pairs[1].gt)] == [(3, 16, 24), (3, 64, 96)]
    assert set(choice.scenes.values()) == {"villa 0", "villa 1", "villa 2"}


def test_a_truth_that_is_too_small_leaves_out_its_pair_alone(folders) -> None:
    write_blocks(folders[1] / "villa 1" / "front.png", seed=0, width=88, height=64)
    choice = open_real_pairs(*folders, scale=4)
    assert choice.pairs[0].gt.shape == (3, 64, 96)
    with pytest.raises(UnreadablePairError, match=r"at least 4 times as large as .*villa 1.front.png, got 88 x 64"):
        choice.pairs[1]


def test_truths_that_are_all_too_small_are_one_sentence(folders) -> None:
    with pytest.raises(
        DataError, match=r"96 x 64 for 24 x 16, but all 3 truths in .*lq are 24 x 16; is --gt the right"
    ):
        open_real_pairs(folders[0], folders[0], scale=4)
    write_blocks(folders[1] / "villa 1" / "front.png", seed=0, width=88, height=64)
    with pytest.raises(DataError, match="all 3 truths in .*gt are too small, the first 96 x 64"):
        open_real_pairs(*folders, scale=8)


def test_a_truth_that_is_larger_by_less_than_the_scale_is_cut_in_silence(folders, caplog) -> None:
    write_flat(folders[1] / "villa 1" / "front.png", width=99, height=67)
    choice = open_real_pairs(*folders, scale=4)
    assert choice.pairs[1].gt.shape == (3, 64, 96)
    assert not caplog.records and not choice.notes


@pytest.mark.parametrize(("width", "height"), [(100, 64), (96, 68), (192, 128)])
def test_a_truth_that_is_larger_by_more_is_one_sentence_with_both_sizes(folders, width, height) -> None:
    write_flat(folders[1] / "villa 1" / "front.png", width=width, height=height)
    with pytest.raises(DataError) as caught:
        open_real_pairs(*folders, scale=4)
    said = str(caught.value)
    assert "96 x 64 for " in said and "villa 1/front.png of 24 x 16 (up to 3 pixels more are cut off)" in said
    assert f"villa 1/front.png is {width} x {height}, as 1 of 3 truths is too large; " in said
    assert said.endswith("cut them to size.") and "\n" not in said


def test_truths_of_another_scale_are_counted(folders) -> None:
    with pytest.raises(DataError, match="as 3 of 3 truths are too large"):
        open_real_pairs(*folders, scale=2)


def test_lq_without_a_truth_are_named(folders) -> None:
    (folders[1] / "villa 2" / "front.png").unlink()
    with pytest.raises(DataError, match="1 of 3 pictures have none: .*villa 2.front.png"):
        open_real_pairs(*folders, scale=4)


def test_a_broken_file_is_named(folders) -> None:
    (folders[0] / "villa 0" / "front.png").write_bytes(b"broken")
    with pytest.raises(UnreadablePairError, match=r"lq.villa 0.front.png is not an image: it looks like a text file"):
        open_real_pairs(*folders, scale=4).pairs[0]


def test_without_a_truth_the_picture_is_as_it_is(folders) -> None:
    choice = open_without_truth(folders[0], scale=4)
    assert not choice.has_truth
    assert choice.pairs[0].lq.shape == (3, 16, 24) and choice.pairs[0].gt.numel() == 0
    middle = open_without_truth(folders[0], scale=4, max_size=32).pairs[0].lq
    assert torch.equal(middle, choice.pairs[0].lq[:, 4:12, 8:16])


def test_the_identity_changes_with_the_files(folders) -> None:
    before = open_real_pairs(*folders, scale=4).identity
    write_blocks(folders[1] / "villa 1" / "front.png", seed=5, width=96, height=64)
    assert open_real_pairs(*folders, scale=4).identity != before


@pytest.mark.parametrize("side", [0, 1])
def test_two_files_of_one_name_are_refused_as_nobody_knows_which_belongs_to_the_pair(folders, side) -> None:
    write_blocks(folders[side] / "villa 1" / "front.jpg", seed=3, width=96, height=64)
    with pytest.raises(DataError, match=r"each name once in .*front\.jpg and .*front\.png are called alike"):
        open_real_pairs(*folders, scale=4)
