"""A card that is damaged is one sentence: which file, where in it, and what makes it anew."""

import json
from pathlib import Path

import pytest

from realesrgan_arch.data import frozen_card, split_folder
from realesrgan_arch.data.damage import damaged
from realesrgan_arch.data.files import DataError

SPLIT = {"root": "photos", "by": "folder", "seed": 0, "val": 0.1, "test": 0.1}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{torn", "JSON: Invalid JSON"),
        (json.dumps({**SPLIT, "seed": "many"}), "seed: Input should be a valid integer"),
        (json.dumps({"root": "photos"}), "by: Field required"),
    ],
)
def test_of_a_split(in_tmp_path, text, fault):
    Path("split.json").write_text(text)
    with pytest.raises(DataError, match=rf"^split\.json is damaged \({fault}.*\); run `data split` again\.$"):
        split_folder.read_card(Path())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{torn", "Expecting property name"),
        ("[]", "list indices"),
        ("{}", "'format'"),
        (json.dumps({"format": 1, "hash": "", "plan": None, "root": "", "part": "", "pairs": []}), "plan: "),
        (json.dumps({"format": 1, "plan": None}), "plan: "),
    ],
)
def test_of_a_frozen_set(in_tmp_path, text, fault):
    Path("frozen.json").write_text(text)
    with pytest.raises(DataError, match=rf"^frozen\.json is damaged \({fault}.*\); run `data freeze` again\.$"):
        frozen_card.read_card(Path())


def test_a_name_that_cannot_be_printed_is_shown_as_one():
    assert str(damaged(Path("a\n.json"), KeyError("pair"), "freeze")).startswith("a\\n.json is damaged ('pair')")
