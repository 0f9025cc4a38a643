"""A model that is scored on pictures that its own run has used: it is said, by what lies beside the weights."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from realesrgan_arch.data.manifest import ManifestRow, write_manifest
from realesrgan_arch.data.split_folder import SplitCard, write_card
from realesrgan_arch.evaluation.data_choice import open_data
from realesrgan_arch.evaluation.real_pairs import open_real_pairs
from realesrgan_arch.evaluation.seen_pictures import Seen, find_seen
from tests.data.frozen import freeze, row_of, write_blocks
from tests.tiny_run import tiny_options

WEIGHTS = "experiments/tiny/models/net_g_latest.pth"
PARTS = {"train": (0, 1), "val": (2,), "test": (3,)}


def write_run(train: dict[str, object], val: dict[str, object] | None = None) -> None:
    """Write what a run leaves: its options beside the folder of its weights."""
    options = tiny_options(Path("photos"), Path())
    options["datasets"]["train"] |= train
    options["datasets"]["val"] |= val or {}
    Path(WEIGHTS).parent.mkdir(parents=True)
    Path(WEIGHTS).write_bytes(b"weights")
    Path("experiments/tiny/options.yml").write_text(yaml.safe_dump(options))


@pytest.fixture
def rows(in_tmp_path) -> dict[str, list[ManifestRow]]:
    """Four houses with two views each: two to train on, one for validation, one for the test."""
    for house in range(4):
        for view in range(2):
            write_blocks(Path(f"photos/house {house}/{view}.png"), seed=2 * house + view)
    found = {
        part: [
            replace(row_of(Path(f"photos/house {house}/{view}.png"), Path("photos")), split=part)
            for house in houses
            for view in range(2)
        ]
        for part, houses in PARTS.items()
    }
    for part, of_part in found.items():
        write_manifest(of_part, Path(f"data_split/houses/{part}.csv"))
    write_card(SplitCard("photos", "folder", 0, 0.25, 0.25), Path("data_split/houses"))
    return found


@pytest.fixture
def run(rows) -> None:
    parts = ({"manifest": f"data_split/houses/{part}.csv", "dataroot_gt": "photos"} for part in ("train", "val"))
    write_run(next(parts), {**next(parts), "max_images": None})


def seen(data: str) -> Seen:
    return find_seen(open_data(data), ["realesr-general-x4v3", WEIGHTS])


def test_the_pictures_of_the_training_are_counted_and_the_test_part_is_named(run) -> None:
    assert seen("data_split/houses/train").trained == (
        "4 of 4 pictures are ones that tiny was trained on: this says nothing about pictures that it has not seen; "
        "score data_split/houses/test",
    )
    assert seen("data_split/houses/test") == Seen()


def test_they_are_known_from_another_folder_than_that_of_the_run_too(run, in_tmp_path, monkeypatch) -> None:
    (in_tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(in_tmp_path / "elsewhere")
    found = find_seen(open_data(str(in_tmp_path / "photos")), [str(in_tmp_path / WEIGHTS)])
    assert found.trained[0].startswith("4 of 8 pictures are ones that tiny was trained on")


def test_a_whole_folder_holds_those_of_training_and_those_of_validation(run) -> None:
    found = seen("photos")
    assert found.trained[0].startswith("4 of 8 pictures are ones that tiny was trained on: ")
    assert found.validated[0].startswith("2 of 8 pictures are ones that tiny was validated on: ")
    assert found.validated == (found.validated[0],) and seen("data_split/houses/val").trained == ()


def test_only_as_many_pictures_as_the_validation_took_have_chosen(rows) -> None:
    write_run({"manifest": "data_split/houses/train.csv"}, {"manifest": "data_split/houses/val.csv", "max_images": 1})
    assert seen("data_split/houses/val").validated[0].startswith("1 of 2 pictures is one that tiny was validated on")


def test_copies_in_another_place_are_known_by_their_bytes(run) -> None:
    shutil.copytree("photos/house 0", "mine/a house")
    write_blocks(Path("mine/another/0.png"), seed=99)
    assert seen("mine").trained[0].startswith("2 of 3 pictures are ones that tiny was trained on")


def test_a_link_is_the_picture_that_it_leads_to(run) -> None:
    Path("mine").mkdir()
    Path("mine/0.png").symlink_to(Path("photos/house 1/0.png").resolve())
    Path("photos/house 1/0.png").write_bytes(Path("photos/house 3/0.png").read_bytes())
    assert seen("mine").trained[0].startswith("1 of 1 picture is one that tiny was trained on")


def test_another_view_of_a_scene_counts_apart_from_the_pictures(run, rows) -> None:
    write_manifest(rows["train"][:3], Path("data_split/houses/train.csv"))
    assert (
        seen("photos")
        .trained[0]
        .startswith(
            "3 of 8 pictures are ones that tiny was trained on, and 1 more is of a scene that tiny was trained on: "
        )
    )


def test_photographs_whose_tiles_were_trained_on_are_known_by_their_scene(rows) -> None:
    tile = replace(rows["train"][0], path="house 0/0_0.png", sha256="a" * 64, bytes=1)
    write_manifest([tile], Path("data_split/tiles/train.csv"))
    write_card(SplitCard("tiles", "folder", 0, 0, 0, origin="photos"), Path("data_split/tiles"))
    write_run({"manifest": "data_split/tiles/train.csv", "dataroot_gt": "tiles"})
    for data in ("data_split/houses/train", "photos"):
        total = 4 if "split" in data else 8
        assert seen(data).trained == (
            f"2 of {total} pictures are of scenes that tiny was trained on: this says nothing about pictures that it "
            "has not seen; score pictures that were kept from it",
        )
    Path("elsewhere").mkdir()
    shutil.copytree("photos/house 0", "elsewhere/house 0")
    assert seen("elsewhere") == Seen()


def test_frozen_pictures_are_known_by_those_that_they_were_made_of(run) -> None:
    freeze(Path("photos"), Path("cold/val"), max_size=32)
    assert seen("cold/val").trained[0].startswith("4 of 8 pictures are ones that tiny was trained on")


def test_training_on_a_folder_is_training_on_all_below_it(rows) -> None:
    write_run({"dataroot_gt": "photos/house 0"}, {"dataroot_gt": "photos/house 2"})
    assert seen("photos").trained[0].startswith("2 of 8 pictures are ones that tiny was trained on")


def test_real_pairs_are_known_by_their_truths(run) -> None:
    for view in range(2):
        write_blocks(Path(f"small/{view}.png"), seed=view, width=24, height=16)
        write_blocks(Path(f"photos/house 0/{view}.png"), seed=view, width=96, height=64)
    choice = open_real_pairs(Path("small"), Path("photos/house 0"), scale=4)
    assert find_seen(choice, [WEIGHTS]).trained[0].startswith("2 of 2 pictures are ones")


@pytest.mark.parametrize("spoil", ["absent", "damaged", "moved", "no list", "no folder of models"])
def test_where_no_record_can_be_read_nothing_is_said(run, spoil) -> None:
    record, weights = Path("experiments/tiny/options.yml"), WEIGHTS
    if spoil == "absent":
        record.unlink()
    elif spoil == "damaged":
        record.write_text("datasets: [")
    elif spoil == "moved":
        weights = shutil.move(WEIGHTS, "mine.pth")
    elif spoil == "no list":
        for part in ("train", "val"):
            Path(f"data_split/houses/{part}.csv").rename(f"{part}.csv")
    else:
        weights = str(Path("experiments/tiny/models").rename("experiments/tiny/weights") / "net_g_latest.pth")
    choice = open_data("photos")
    assert find_seen(choice, [weights, "nowhere.pth"]) == Seen()
