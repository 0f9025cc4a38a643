"""Scenes are told by folders or titles, and two of them judge where there are enough."""

import csv
from pathlib import Path

import pytest

from realesrgan_arch.audit.keep_list import KEEP_LIST, build_keep_row, write_keep_list
from realesrgan_arch.data.manifest import read_manifest
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_split import SPLIT, scene_rule, share_for
from tests.guided.builders import build_work
from tests.tiny_run import write_pictures


def _prepare(root: Path, scenes: int, **changed):
    paths = write_pictures(root / "photos", scenes=scenes, views=2)
    work = build_work(root, [], **changed)
    names = [path.relative_to(root / "photos").as_posix() for path in paths]
    work.folder.audit.mkdir(parents=True)
    write_keep_list([build_keep_row(name, drops=(), notes=()) for name in names], work.folder.audit / KEEP_LIST)
    return work


@pytest.mark.parametrize("scenes", [8, 9, 12])
def test_validation_and_test_have_two_scenes_where_there_are_eight(tmp_path, scenes) -> None:
    work = _prepare(tmp_path, scenes)
    facts = SPLIT.make(work)
    parts = facts["parts"]
    assert min(parts["val"]["scenes"], parts["test"]["scenes"]) >= 2
    assert parts["train"]["scenes"] >= scenes / 2
    assert sum(part["images"] for part in parts.values()) == 2 * scenes
    rows = {part: read_manifest(work.folder.split / f"{part}.csv") for part in parts}
    scenes_of = [{row.scene for row in rows[part]} for part in parts]
    assert not scenes_of[0] & scenes_of[1] and not scenes_of[1] & scenes_of[2] and not scenes_of[0] & scenes_of[2]
    assert open_split(work.folder.split).root == work.request.data


def test_three_scenes_are_one_each(tmp_path) -> None:
    parts = SPLIT.make(_prepare(tmp_path, 3))["parts"]
    assert [part["scenes"] for part in parts.values()] == [1, 1, 1]


def test_two_scenes_are_too_few(tmp_path) -> None:
    with pytest.raises(GuidedError, match=r"at least 3 scenes, .*got 2 \(--by folder\) in 4 pictures"):
        SPLIT.make(_prepare(tmp_path, 2))


def test_what_the_keep_list_drops_is_in_no_part_and_an_edit_is_noticed(tmp_path) -> None:
    work = _prepare(tmp_path, 6)
    before, inputs = SPLIT.make(work), SPLIT.inputs(work)
    keep = work.folder.audit / KEEP_LIST
    rows = list(csv.reader(keep.read_text().splitlines()))
    rows[1][0] = "no"
    keep.write_text("\r\n".join(",".join(row) for row in rows) + "\r\n")
    assert SPLIT.inputs(work) != inputs
    after = SPLIT.make(work)
    assert sum(part["images"] for part in after["parts"].values()) == 11
    assert after["digest"] != before["digest"]
    assert SPLIT.holds(work, after)
    assert not SPLIT.holds(work, before)


def test_loose_pictures_go_by_their_titles() -> None:
    assert scene_rule(["villa 1.jpg", "villa 2.jpg", "a/b.jpg"]) == "stem"
    assert scene_rule(["villa/1.jpg", "villa/2.jpg", "b.jpg"]) == "folder"


def test_shares_fall_with_the_number_of_scenes() -> None:
    assert [share_for(count) for count in (3, 20, 40, 80, 10_000)] == [0.2, 0.2, 0.1, 0.05, 0.05]
