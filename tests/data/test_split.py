"""Splits are seeded and stable, keep groups whole, meet their shares, and leave no part empty."""

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.data.assembly import find_images
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.leaks import LeakReport, find_leaks
from realesrgan_arch.data.manifest import check_manifest, read_manifest, write_split
from realesrgan_arch.data.scan import FolderScan
from realesrgan_arch.data.scenes import SceneGroups
from realesrgan_arch.data.split import (
    Assignment,
    MadeSplit,
    SplitSettings,
    assign_groups,
    make_split,
    proving_settings,
    split_by_folder,
)
from realesrgan_arch.data.split_folder import SplitCard, open_split, write_card
from realesrgan_arch.images import write_image
from realesrgan_arch.options.datasets import TrainDataset
from tests.data.pictures import noise, write_noise
from tests.data.test_manifest import STRANGE_NAMES

names = st.lists(st.text(max_size=6), min_size=3, max_size=40, unique=True)


def many(number: int) -> list[str]:
    return [f"scene {index}" for index in range(number)]


def parts_of(groups: list[str], seed: int = 0, val: float = 0.2, test: float = 0.3) -> dict:
    return dict(assign_groups(groups, seed=seed, val_share=val, test_share=test).part_by_group)


@given(st.integers(10, 60), st.integers(0, 50))
def test_shares_that_prove_something_leave_training_half_of_the_scenes_and_are_no_wider_than_needed(number, seed):
    scenes = {name: name for name in many(number)}
    made = MadeSplit((), FolderScan((), (), 0), SceneGroups(scenes, ()), Assignment({}, {}))
    asked = SplitSettings(0.05, 0.05, seed)
    enough = [
        share
        for share in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
        if (counts := Counter(parts_of(list(scenes), seed, share, share).values()))["train"] >= number / 2
        and min(counts["val"], counts["test"]) >= 5
    ]
    found = proving_settings(made, asked, fewest=5)
    assert (found and found.judging_shares) == ({"val": enough[0], "test": enough[0]} if enough else None)


def test_the_part_of_a_name_never_changes_between_versions():
    # The first 48 bits of SHA-256("0:scene 15") over 2^48 are 0.0455, "0:scene 24" 0.0887, "0:scene 34" 0.0325.
    parts = parts_of(many(200), val=0.05, test=0.05)
    assert [name for name in many(40) if parts[name] == "val"] == ["scene 24"]
    assert [name for name in many(40) if parts[name] == "test"] == ["scene 15", "scene 34"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("val", "test"), [(0.05, 0.05), (0.1, 0.2), (0.3, 0.0), (0.0, 0.5)])
def test_shares_are_met_within_one_percent_for_many_groups(seed, val, test):
    counts = Counter(parts_of(many(20_000), seed, val, test).values())
    assert abs(counts["val"] / 20_000 - val) < 0.01 and abs(counts["test"] / 20_000 - test) < 0.01


def test_shares_of_images_are_met_for_groups_of_uneven_sizes():
    sizes = dict(zip(many(20_000), np.random.default_rng(0).geometric(0.2, 20_000), strict=True))
    images = Counter()
    for name, part in parts_of(list(sizes), val=0.05, test=0.05).items():
        images[part] += int(sizes[name])
    assert all(abs(images[part] / images.total() - 0.05) < 0.01 for part in ("val", "test"))


@given(names, names, st.integers(0, 5))
def test_groups_that_are_added_move_no_other(first, more, seed):
    before = assign_groups(first, seed=seed, val_share=0.2, test_share=0.3)
    after = assign_groups([*first, *more], seed=seed, val_share=0.2, test_share=0.3)
    borrowed = before.borrowed.keys() | after.borrowed.keys()
    assert all(after.part_by_group[name] == before.part_by_group[name] for name in set(first) - borrowed)


@given(names, st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_order_and_repetitions_do_not_matter(groups, random, seed):
    shuffled = [*groups, *groups]
    random.shuffle(shuffled)
    assert parts_of(shuffled, seed) == parts_of(groups, seed)


def test_another_seed_draws_other_groups():
    assert parts_of(many(50), seed=0) != parts_of(many(50), seed=1)


@given(names, st.sampled_from([(0.05, 0.05), (0.45, 0.45), (0.9, 0.05), (0.05, 0.0), (0.0, 0.3)]), st.integers(0, 20))
def test_every_part_with_a_share_gets_a_group(groups, shares, seed):
    expected = {"train"} | ({"val"} if shares[0] else set()) | ({"test"} if shares[1] else set())
    assignment = assign_groups(groups, seed=seed, val_share=shares[0], test_share=shares[1])
    assert set(assignment.part_by_group.values()) == expected
    assert all(assignment.part_by_group[name] == part for name, part in assignment.borrowed.items())


@pytest.mark.parametrize(("val", "test"), [(0.0, 0.02), (0.02, 0.0), (0.02, 0.4)])
def test_a_part_that_would_be_empty_borrows_the_group_that_is_nearest(val, test):
    part, low, high = ("val", test, test + val) if val else ("test", 0.0, test)
    num_borrowed = 0
    for seed in range(20):
        places = {name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:12] for name in many(7)}
        distances = {
            name: max(low - int(place, 16) / 2**48, int(place, 16) / 2**48 - high) for name, place in places.items()
        }
        assignment = assign_groups(many(7), seed=seed, val_share=val, test_share=test)
        if part in assignment.borrowed.values() and len(assignment.borrowed) == 1:
            nearest = min(distances, key=lambda name: distances[name])
            assert dict(assignment.borrowed) == {nearest: part}
            num_borrowed += 1
    assert num_borrowed > 10


def test_too_few_groups_or_impossible_shares_are_one_sentence():
    with pytest.raises(
        DataError, match=r"at least 3 groups of scenes for test, val, train, got 2; split by another rule"
    ):
        parts_of(many(2))
    assert parts_of(["a"], val=0, test=0) == {"a": "train"}
    for val, test in ((0.5, 0.5), (-0.1, 0.5), (float("nan"), 0.1)):
        with pytest.raises(DataError, match=rf"leave some for training, got val {val}, test {test}"):
            parts_of(many(5), val=val, test=test)


def test_a_table_or_clusters_need_what_they_need(tmp_path):
    with pytest.raises(DataError, match="--by csv and --scenes FILE together"):
        make_split(tmp_path, SplitSettings(0.1, 0.1, by="csv"))
    with pytest.raises(DataError, match="--by csv and --scenes FILE together"):
        make_split(tmp_path, SplitSettings(0.1, 0.1, table=Path("t.csv")))
    with pytest.raises(DataError, match="--by cluster without --no-near"):
        make_split(tmp_path, SplitSettings(0.1, 0.1, by="cluster", near_distance=None))


def test_a_folder_is_scanned_and_split_and_passes_its_own_check(tmp_path):
    for i in range(8):
        write_noise(tmp_path / f"scene {i % 4}" / f"{i}.png", seed=i, height=20 + i, width=30)
    shutil.copy(tmp_path / "scene 0/0.png", tmp_path / "loose.png")
    rows = split_by_folder(tmp_path, seed=0, val_share=0.2, test_share=0.2)
    check_manifest(rows, tmp_path)
    assert [row.path for row in rows] == sorted(row.path for row in rows)
    by_path = {row.path: row for row in rows}
    assert (by_path["scene 3/7.png"].width, by_path["scene 3/7.png"].height) == (30, 27)
    assert by_path["scene 3/7.png"].bytes == (tmp_path / "scene 3/7.png").stat().st_size
    assert by_path["loose.png"].scene == "loose.png"
    assert by_path["loose.png"].split == by_path["scene 0/0.png"].split


def smooth(seed: int) -> np.ndarray:
    """A picture that averages to what it is made of, so that a copy at half the size looks the same."""
    return np.kron(noise(seed, 9, 12), np.ones((16, 16, 1), np.uint8))


@pytest.mark.parametrize("seed", range(6))
def test_a_smaller_copy_in_another_scene_stays_with_the_first(tmp_path, seed):
    for i in range(6):
        (tmp_path / f"s{i}").mkdir()
        write_image(tmp_path / f"s{i}/1.png", smooth(i))
    write_image(tmp_path / "s5/copy.png", np.ascontiguousarray(smooth(0)[::2, ::2]))
    made = make_split(tmp_path, SplitSettings(0.3, 0.3, seed))
    parts = {row.scene: row.split for row in made.rows}
    assert parts["s0"] == parts["s5"]
    assert [(join.first, join.second) for join in made.groups.joins] == [("s0/1.png", "s5/copy.png")]
    apart = make_split(tmp_path, SplitSettings(0.3, 0.3, seed, near_distance=None))
    assert apart.groups.joins == ()


def test_files_that_are_added_move_no_other(tmp_path):
    for i in range(30):
        write_noise(tmp_path / f"s{i}" / "1.png", seed=i)
    before = {row.path: row.split for row in split_by_folder(tmp_path, seed=0, val_share=0.2, test_share=0.2)}
    for i in range(20, 50):
        write_noise(tmp_path / f"s{i}" / "2.png", seed=100 + i)
    after = {row.path: row.split for row in split_by_folder(tmp_path, seed=0, val_share=0.2, test_share=0.2)}
    assert {path: after[path] for path in before} == before


def test_strange_names_go_from_the_folder_to_the_training_set(tmp_path):
    root = tmp_path / "photos"
    for i, name in enumerate(STRANGE_NAMES):
        # A trailing space would hide the suffix from the search for images.
        file = root / f"s{i}" / name.strip()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(write_noise(tmp_path / "plain.png", seed=i).read_bytes())
    made = make_split(root, SplitSettings(0.2, 0.2, seed=0))
    write_split(made.rows, tmp_path / "split")
    found: set[Path] = set()
    for part in ("train", "val", "test"):
        assert read_manifest(tmp_path / f"split/{part}.csv") == [row for row in made.rows if row.split == part]
        section = {"dataroot_gt": str(root), "manifest": str(tmp_path / f"split/{part}.csv")}
        options = TrainDataset.model_validate({"type": "GtDataset", "batch_size_per_gpu": 1, **section})
        found |= set(find_images(options))
    assert found == {path for path in root.rglob("*") if path.is_file()}
    write_card(SplitCard(str(root), "folder", 0, 0.2, 0.2), tmp_path / "split")
    # `école/café` is one title however its accents are stored.
    assert [leak.what for leak in find_leaks(open_split(tmp_path / "split")).leaks] == ["café"]
    assert find_leaks(open_split(tmp_path / "split"), ignore=["stem"]) == LeakReport((), (), ())


scenes = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f/g"]), min_size=8, max_size=20)


@settings(max_examples=25, deadline=None)
@given(scenes, st.lists(st.integers(0, 6), min_size=20, max_size=20), st.integers(0, 9))
def test_no_group_is_divided_and_identical_bytes_stay_together(tmp_path_factory, folders, contents, seed):
    root = tmp_path_factory.mktemp("photos")
    for index, (folder, content) in enumerate(zip(folders, contents, strict=False)):
        write_noise(root / folder / f"{index}.png", seed=content if content < 4 else 100 + index, height=8, width=8)
    for index in range(3):
        write_noise(root / f"alone {index}" / "1.png", seed=1000 + index, height=8, width=8)
    rows = split_by_folder(root, seed=seed, val_share=0.3, test_share=0.3)
    for key in ("scene", "sha256"):
        assert all(
            len({row.split for row in rows if getattr(row, key) == value}) == 1
            for value in {getattr(row, key) for row in rows}
        )
