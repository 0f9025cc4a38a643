import hashlib
import shutil
from collections import Counter
from pathlib import PurePosixPath

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import check_manifest
from realesrgan_arch.data.split import ScannedImage, assign_splits, scan_folder, scene_of, split_by_folder
from tests.data.pictures import write_noise, write_truncated


def images(**num_by_scene: int) -> list[ScannedImage]:
    paths = [f"{scene}/{i}.png" for scene, num in num_by_scene.items() for i in range(num)]
    return [
        ScannedImage(path, scene_of(PurePosixPath(path)), 8, 8, 100, hashlib.sha256(path.encode()).hexdigest())
        for path in paths
    ]


def many(num_scenes: int, num_images: int) -> list[ScannedImage]:
    return images(**{f"s{i}": num_images for i in range(num_scenes)})


def test_a_scene_is_the_folder_that_holds_the_image_and_a_file_in_the_root_is_its_own():
    assert scene_of(PurePosixPath("villa/north/1.jpg")) == "villa/north"
    assert scene_of(PurePosixPath("villa/1.jpg")) == "villa"
    assert scene_of(PurePosixPath("1.jpg")) == "1.jpg"


@pytest.mark.parametrize("seed", range(20))
def test_scenes_stay_whole_and_shares_are_met(seed):
    rows = assign_splits(many(200, 5), seed=seed, val_share=0.05, test_share=0.1)
    counts = Counter(row.split for row in rows)
    assert counts == {"train": 850, "val": 50, "test": 100}
    splits_by_scene: dict[str, set] = {}
    for row in rows:
        splits_by_scene.setdefault(row.scene, set()).add(row.split)
    assert all(len(splits) == 1 for splits in splits_by_scene.values())


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 1, 50), (50, 1, 50), (7, 9, 8, 30), (2, 2, 2, 2, 2, 2, 2)])
@pytest.mark.parametrize("shares", [(0.05, 0.05), (0.45, 0.45), (0.9, 0.05), (0.05, 0.0), (0.0, 0.3)])
@pytest.mark.parametrize("seed", range(5))
def test_every_share_above_zero_gets_a_scene_and_so_does_training(sizes, shares, seed):
    scenes = images(**{f"s{i}": size for i, size in enumerate(sizes)})
    rows = assign_splits(scenes, seed=seed, val_share=shares[0], test_share=shares[1])
    expected = {"train"} | ({"val"} if shares[0] else set()) | ({"test"} if shares[1] else set())
    assert {row.split for row in rows} == expected
    assert len(rows) == sum(sizes)


def test_the_split_depends_on_the_seed_and_not_on_the_order():
    scenes = many(30, 3)
    first = assign_splits(scenes, seed=0, val_share=0.1, test_share=0.1)
    assert first == assign_splits(reversed(scenes), seed=0, val_share=0.1, test_share=0.1)
    assert first != assign_splits(scenes, seed=1, val_share=0.1, test_share=0.1)
    assert [row.path for row in first] == sorted(row.path for row in first)


@pytest.mark.parametrize("seed", range(8))
def test_scenes_that_share_an_identical_file_stay_together(seed):
    scenes = many(6, 2)
    copies = [
        ScannedImage("s4/copy.png", "s4", 8, 8, 100, scenes[0].sha256),
        ScannedImage("s2/copy.png", "s2", 8, 8, 100, scenes[9].sha256),
    ]
    rows = assign_splits([*scenes, *copies], seed=seed, val_share=0.3, test_share=0.3)
    assert len({row.split for row in rows if row.scene in ("s0", "s2", "s4")}) == 1


def test_too_few_scenes_or_impossible_shares_are_one_sentence():
    with pytest.raises(DataError, match=r"Expected at least 3 scenes .* got 2; add sub-folders"):
        assign_splits(images(a=5, b=5), seed=0, val_share=0.1, test_share=0.1)
    assert assign_splits(images(a=5), seed=0, val_share=0, test_share=0)[0].split == "train"
    with pytest.raises(DataError, match=r"leave some for training, got val 0.5, test 0.5"):
        assign_splits(many(5, 1), seed=0, val_share=0.5, test_share=0.5)
    with pytest.raises(DataError, match=r"got val -0.1"):
        assign_splits(many(5, 1), seed=0, val_share=-0.1, test_share=0.5)


def test_a_folder_is_scanned_and_split_and_passes_its_own_check(tmp_path):
    for i in range(8):
        write_noise(tmp_path / f"scene {i % 4}" / f"{i}.png", seed=i, height=20 + i, width=30)
    shutil.copy(tmp_path / "scene 0/0.png", tmp_path / "loose.png")
    rows = split_by_folder(tmp_path, seed=0, val_share=0.2, test_share=0.2)
    check_manifest(rows, tmp_path)
    by_path = {row.path: row for row in rows}
    assert (by_path["scene 3/7.png"].width, by_path["scene 3/7.png"].height) == (30, 27)
    assert by_path["scene 3/7.png"].bytes == (tmp_path / "scene 3/7.png").stat().st_size
    assert by_path["loose.png"].scene == "loose.png"
    assert by_path["loose.png"].split == by_path["scene 0/0.png"].split


def test_unreadable_images_are_left_out_and_listed(tmp_path):
    write_noise(tmp_path / "a/1.png", seed=1)
    write_truncated(tmp_path / "a/2.png")
    (tmp_path / "a/3.jpg").write_text("words")
    scan = scan_folder(tmp_path)
    assert [image.path for image in scan.images] == ["a/1.png"]
    assert [item.path for item in scan.left_out] == ["a/2.png", "a/3.jpg"]
    assert "truncated PNG" in scan.left_out[0].reason and "a text file" in scan.left_out[1].reason
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(DataError, match=r"None of the 2 images in .* can be read; first: .*truncated"):
        scan_folder(tmp_path)
