"""Training, validation and test share no scene, no image and no folder, wherever the program is started."""

from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import read_manifest, write_manifest, write_split
from realesrgan_arch.data.split import split_by_folder
from realesrgan_arch.data.split_folder import SplitCard, write_card
from realesrgan_arch.options.datasets import Datasets
from tests.data.frozen import freeze
from tests.tiny_run import write_pictures


@pytest.fixture
def photos(tmp_path) -> Path:
    write_pictures(tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def manifests(photos, tmp_path) -> dict:
    write_split(split_by_folder(photos, seed=0, val_share=0.3, test_share=0.3), tmp_path)
    kinds = {
        "train": {"type": "GtDataset", "batch_size_per_gpu": 1},
        "val": {"type": "SyntheticPairs"},
        "test": {"type": "SyntheticPairs"},
    }
    return {
        part: {**kind, "dataroot_gt": str(photos), "manifest": str(tmp_path / f"{part}.csv")}
        for part, kind in kinds.items()
    }


def test_manifests_of_one_split_are_apart_and_training_needs_none_of_the_test(manifests) -> None:
    check_manifests_apart(Datasets.model_validate(manifests))
    Path(manifests["test"]["manifest"]).unlink()
    check_manifests_apart(Datasets.model_validate(manifests))


def test_manifests_that_share_a_scene_are_a_leak(manifests) -> None:
    manifests["val_1"] = {**manifests["val"], "manifest": manifests["train"]["manifest"]}
    with pytest.raises(DataError, match=r"1 scene is in two splits: scene \d in .*photos \(train and val\)"):
        check_manifests_apart(Datasets.model_validate(manifests))


def test_scenes_of_one_name_in_two_roots_are_two_but_the_same_bytes_are_a_leak(manifests, tmp_path) -> None:
    rows = read_manifest(Path(manifests["train"]["manifest"]))
    write_manifest([replace(row, sha256=f"{index:064}") for index, row in enumerate(rows)], tmp_path / "other.csv")
    manifests["test"] |= {"dataroot_gt": str(tmp_path / "elsewhere"), "manifest": str(tmp_path / "other.csv")}
    check_manifests_apart(Datasets.model_validate(manifests))
    write_manifest(rows, tmp_path / "other.csv")
    with pytest.raises(DataError, match="identical image"):
        check_manifests_apart(Datasets.model_validate(manifests))


def test_tiles_and_the_whole_pictures_of_a_scene_are_a_leak(manifests, tmp_path, monkeypatch) -> None:
    rows = read_manifest(Path(manifests["train"]["manifest"]))
    tiles = [replace(row, path=f"{row.path}_0.png", sha256=f"{index:064}") for index, row in enumerate(rows)]
    write_manifest(tiles, tmp_path / "tiles/train.csv")
    monkeypatch.chdir(tmp_path)
    write_card(SplitCard("tiles", "folder", 0, 0.3, 0.3, origin="photos"), tmp_path / "tiles")
    section = {"dataroot_gt": str(tmp_path / "tiles"), "manifest": str(tmp_path / "tiles/train.csv")}
    check_manifests_apart(Datasets.model_validate({**manifests, "train": {**manifests["train"], **section}}))
    manifests["val"] |= section
    with pytest.raises(DataError, match=r"[12] scenes? (is|are) in two splits: scene \d in .*photos \(train and val\)"):
        check_manifests_apart(Datasets.model_validate(manifests))
    (tmp_path / "elsewhere").mkdir()
    write_card(SplitCard("tiles", "folder", 0, 0.3, 0.3, origin="elsewhere"), tmp_path / "tiles")
    check_manifests_apart(Datasets.model_validate(manifests))


def test_a_frozen_set_shares_no_scene_with_training(photos, manifests, tmp_path) -> None:
    rows = read_manifest(Path(manifests["val"]["manifest"]))
    freeze(photos, tmp_path / "frozen", rows=rows)
    section = {"type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    check_manifests_apart(Datasets.model_validate({"train": manifests["train"], "val": section}))
    check_manifests_apart(
        Datasets.model_validate({"train": manifests["train"], "test": {**section, "dataroot_gt": "no"}})
    )
    manifests["train"]["manifest"] = manifests["val"]["manifest"]
    with pytest.raises(
        DataError, match=r"scenes? (is|are) in two splits: scene \d in .*photos \(train and val\); freeze the set again"
    ):
        check_manifests_apart(Datasets.model_validate({"train": manifests["train"], "val": section}))


def test_a_picture_of_a_frozen_set_that_is_in_training_under_another_root_is_a_leak(
    photos, manifests, tmp_path
) -> None:
    rows = read_manifest(Path(manifests["val"]["manifest"]))
    freeze(photos, tmp_path / "frozen", rows=rows)
    section = {"type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    train = {**manifests["train"], "dataroot_gt": str(tmp_path / "elsewhere"), "manifest": manifests["val"]["manifest"]}
    with pytest.raises(DataError, match="identical image.*; freeze the set again"):
        check_manifests_apart(Datasets.model_validate({"train": train, "val": section}))


def test_from_another_folder_scenes_are_compared_by_their_names(photos, manifests, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    freeze(Path("photos"), tmp_path / "frozen", rows=read_manifest(Path(manifests["val"]["manifest"])))
    rows = read_manifest(Path(manifests["val"]["manifest"]))
    tiles = [replace(row, path=f"{row.path}_0.png", sha256=f"{index:064}") for index, row in enumerate(rows)]
    write_manifest(tiles, tmp_path / "tiles/train.csv")
    write_card(SplitCard("tiles", "folder", 0, 0.3, 0.3, origin="photos"), tmp_path / "tiles")
    section = {"dataroot_gt": str(tmp_path / "tiles"), "manifest": str(tmp_path / "tiles/train.csv")}
    frozen = {"type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    whole = {"dataroot_gt": str(photos), "manifest": str(tmp_path / "whole/train.csv")}
    write_manifest(tiles, tmp_path / "whole/train.csv")
    leaking = [{"train": {**manifests["train"], **other}, "val": frozen} for other in (section, whole)]
    fine = {"train": manifests["train"], "val": frozen}
    for folder in (tmp_path, photos):
        monkeypatch.chdir(folder)
        check_manifests_apart(Datasets.model_validate(fine))
        for datasets in leaking:
            with pytest.raises(DataError, match=r"[12] scenes? (is|are) in two splits: scene \d"):
                check_manifests_apart(Datasets.model_validate(datasets))


def test_training_on_the_whole_folder_of_a_held_out_manifest_is_a_leak(photos, manifests, tmp_path) -> None:
    del manifests["train"]["manifest"]
    said = r"\d of \d images of val lie in .*photos, which .*; set datasets.train.manifest: .*/train.csv"
    with pytest.raises(DataError, match=said):
        check_manifests_apart(Datasets.model_validate(manifests))
    names = [path.relative_to(photos).as_posix() for path in photos.rglob("*.png")]
    held_out = {row.path for part in ("val", "test") for row in read_manifest(Path(manifests[part]["manifest"]))}
    (tmp_path / "meta.txt").write_text("\n".join(name for name in names if name not in held_out))
    manifests["train"]["meta_info"] = str(tmp_path / "meta.txt")
    check_manifests_apart(Datasets.model_validate(manifests))
    (tmp_path / "meta.txt").write_text("\n".join(names))
    with pytest.raises(DataError, match=said):
        check_manifests_apart(Datasets.model_validate(manifests))
    del manifests["train"]["meta_info"]
    (tmp_path / "others").mkdir()
    manifests["train"]["dataroot_gt"] = str(tmp_path / "others")
    check_manifests_apart(Datasets.model_validate(manifests))


def test_a_folder_for_both_is_not_judged(photos, manifests) -> None:
    for section in manifests.values():
        del section["manifest"]
    check_manifests_apart(Datasets.model_validate(manifests))


def test_training_on_the_whole_folder_of_a_frozen_set_is_a_leak(photos, manifests, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    freeze(Path("photos"), tmp_path / "frozen", rows=read_manifest(Path(manifests["test"]["manifest"])))
    del manifests["train"]["manifest"]
    section = {"type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    for folder in (tmp_path, photos):
        monkeypatch.chdir(folder)
        with pytest.raises(DataError, match=r"2 of 2 images of test lie in .*manifest: data_split/NAME/train.csv"):
            check_manifests_apart(Datasets.model_validate({"train": manifests["train"], "test": section}))
