"""Groups: what the set says of itself, or a table."""

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.evaluation.chosen_set import build_choice
from realesrgan_arch.evaluation.group_choice import choose_groups
from tests.evaluation.small_sets import CountedReads, names_of, small_choice

NAMES = names_of(6)
CHOICE = small_choice(CountedReads(NAMES), NAMES)


def test_by_default_the_set_says_it() -> None:
    assert set(choose_groups(CHOICE, None)["folder"].values()) == {"north", "south"}


def test_more_groups_than_anybody_reads_are_left_out_unless_they_are_asked_for() -> None:
    names = [f"{number}/{scene}/a.png" for number in range(21) for scene in range(2)]
    choice = build_choice("many", names, CountedReads(names), "")
    assert choose_groups(choice, None) == {}
    assert len(set(choose_groups(choice, ["folder"])["folder"].values())) == 21
    assert choose_groups(build_choice("fewer", names[:40], CountedReads(names), ""), None)


def test_groups_of_one_scene_each_say_nothing_and_are_left_out() -> None:
    names = [f"{number}/{view}.png" for number in range(3) for view in range(2)]
    assert choose_groups(build_choice("three", names, CountedReads(names), ""), None) == {}


def test_a_table_gives_its_name_to_the_kind(tmp_path) -> None:
    table = tmp_path / "rooms.csv"
    table.write_text(f"path,tags\n{NAMES[0]},interior\n{NAMES[1]},exterior\nelse/where.png,interior\n{NAMES[2]},\n")
    assert choose_groups(CHOICE, [str(table)]) == {"rooms": {NAMES[0]: "interior", NAMES[1]: "exterior"}}


def test_a_kind_takes_no_name_of_a_column(tmp_path) -> None:
    table = tmp_path / "scene.csv"
    table.write_text(f"path,group\n{NAMES[0]},interior\n")
    assert list(choose_groups(CHOICE, [str(table)])) == ["scene_"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,colour\na,red\n", "must have the columns path and tags, got 'path,colour'"),
        ("path,tags\nnowhere.png,interior\n", "names no picture of small, whose pictures are called north"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(tmp_path, text, sentence) -> None:
    (tmp_path / "rooms.csv").write_text(text)
    with pytest.raises(DataError, match=sentence):
        choose_groups(CHOICE, [str(tmp_path / "rooms.csv")])


def test_unknown_groups_are_one_sentence() -> None:
    with pytest.raises(DataError, match=r"groups that small has \(folder\) or a CSV file .* got tags"):
        choose_groups(CHOICE, ["tags"])
