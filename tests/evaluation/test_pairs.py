"""Pairs to score: kept small, unreadable ones left out and listed, and files that do not overwrite each other."""

import pytest
import torch

from realesrgan_arch.evaluation.pairs import KeptPairs, ReadableSamples, picture_names

SAMPLE = {
    "gt": torch.full((3, 4, 4), 255, dtype=torch.uint8),
    "lq": torch.full((3, 2, 2), 51, dtype=torch.uint8),
    "gt_path": "x/a.png",
    "lq_path": "y/a.png",
    "failed_path": "",
    "padded": False,
}
FAILED = SAMPLE | {"failed_path": "x/bad.png"}


def test_kept_pairs_stay_uint8_and_become_float_when_they_are_asked_for():
    pairs = KeptPairs([SAMPLE])
    (pair,) = pairs
    assert pair.name == "y/a.png"
    assert torch.equal(pair.gt, torch.ones(3, 4, 4))
    assert torch.allclose(pair.lq, torch.tensor(0.2))
    assert pairs[0].gt is not pair.gt
    assert SAMPLE["gt"].dtype == torch.uint8


def test_unreadable_pictures_are_left_out_with_a_warning_and_listed(caplog):
    readable = ReadableSamples([FAILED, SAMPLE])
    assert [sample["gt_path"] for sample in readable] == ["x/a.png"]
    assert readable.left_out == ["x/bad.png"]
    assert "x/bad.png cannot be read and is not scored" in caplog.text
    assert KeptPairs([FAILED, SAMPLE]).note == "1 picture could not be read, not scored: x/bad.png"
    assert KeptPairs([SAMPLE]).note == ""


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/d/villa/1.png", "/d/barn/1.png"], ["villa_1", "barn_1"]),
        (["/d/a/north/1.png", "/d/b/north/1.png"], ["a_north_1", "b_north_1"]),
        (["/d/1.png", "/d/2.png"], ["1", "2"]),
        (["/d/1.png", "/d/1.jpg", "/d/1_2.png"], ["1", "1_3", "1_2"]),
        (["/d/a_b/c.png", "/d/a/b_c.png"], ["a_b_c", "a_b_c_2"]),
        (["1.png", "a/1.png"], ["1", "a_1"]),
        (["only/one.png"], ["one"]),
        ([], []),
    ],
)
def test_every_picture_has_a_file_name_of_its_own(paths, names):
    assert list(picture_names(paths).values()) == names
