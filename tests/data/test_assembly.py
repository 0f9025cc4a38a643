"""The `datasets` section finds its files: folder, list or manifest, single images or pairs."""

from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.data.assembly import (
    build_training_set,
    build_whole_images,
    find_images,
    find_pairs,
    named_sets,
    spread,
)
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.lmdb_store import write_lmdb
from realesrgan_arch.data.manifest import read_manifest, write_manifest, write_split
from realesrgan_arch.data.sampler import SampleRequest
from realesrgan_arch.data.split import split_by_folder
from realesrgan_arch.data.tile_grid import TileSettings
from realesrgan_arch.data.tiles import make_tiles
from realesrgan_arch.data.validation_set import SyntheticPairs
from realesrgan_arch.degradation.plain import PlainSettings
from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings
from realesrgan_arch.images import read_rgb, write_image
from realesrgan_arch.options.datasets import TrainDataset, ValDataset
from tests.data.frozen import freeze
from tests.data.pictures import rows_of
from tests.tiny_run import write_pictures


@pytest.fixture
def photos(tmp_path) -> Path:
    write_pictures(tmp_path / "photos")
    return tmp_path / "photos"


def _train(**values: object) -> TrainDataset:
    return TrainDataset.model_validate({"type": "GtDataset", "batch_size_per_gpu": 1, **values})


def test_a_folder_is_a_data_set(photos) -> None:
    assert len(find_images(_train(dataroot_gt=str(photos)))) == 6


def test_a_list_with_spaces_in_its_names_is_a_data_set(photos, tmp_path) -> None:
    (tmp_path / "meta.txt").write_text("scene 0/view 1.png\nscene 2/view 0.png (72,80,3)\n")
    found = find_images(_train(dataroot_gt=str(photos), meta_info=str(tmp_path / "meta.txt")))
    assert [path.relative_to(photos).as_posix() for path in found] == ["scene 0/view 1.png", "scene 2/view 0.png"]


def test_a_manifest_is_a_data_set_and_a_changed_file_is_said(photos, tmp_path) -> None:
    write_split(split_by_folder(photos, seed=0, val_share=0.3, test_share=0.3), tmp_path / "split")
    options = _train(dataroot_gt=str(photos), manifest=str(tmp_path / "split" / "train.csv"))
    found = find_images(options)
    assert len(found) == 2
    found[0].write_bytes(found[0].read_bytes() + b"more")
    with pytest.raises(DataError, match="changed since the manifest .* or set allow_changed: true"):
        find_images(options)
    assert find_images(options.model_copy(update={"allow_changed": True})) == found


def test_pairs_have_the_same_name_or_that_of_the_template(photos, tmp_path) -> None:
    options = {"type": "PairedImageDataset", "dataroot_gt": str(photos), "dataroot_lq": str(tmp_path / "lq")}
    for path in photos.rglob("*.png"):
        target = tmp_path / "lq" / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_name(f"{path.stem}x4.jpg").write_bytes(b"")
    pairs = find_pairs(_train(**options, filename_tmpl="{}x4"))
    assert len(pairs) == 6
    assert all(lq.stem == f"{gt.stem}x4" and lq.parent.name == gt.parent.name for gt, lq in pairs)
    with pytest.raises(DataError, match="6 of 6 have none, among them scene 0/view 0"):
        find_pairs(_train(**options))


def test_upstream_paired_lists_name_both_files(photos, tmp_path) -> None:
    (tmp_path / "pairs.txt").write_text("scene 0/view 0.png, scene 1/view 1.png\n")
    both = {"dataroot_gt": str(photos), "dataroot_lq": str(photos), "meta_info": str(tmp_path / "pairs.txt")}
    dataset = build_training_set(_train(type="RealESRGANPairedDataset", **both), scale=1, gt_size=16, seed=0)
    assert Path(dataset[0]["lq_path"]).parts[-2:] == ("scene 1", "view 1.png")
    assert dataset[0]["gt"].shape == dataset[0]["lq"].shape == (3, 16, 16)


def test_a_missing_root_names_the_key() -> None:
    with pytest.raises(DataError, match="dataroot_gt"):
        find_images(_train())


def test_whole_images_are_the_same_at_every_call_and_spread_over_the_set(photos) -> None:
    section = {"type": "SyntheticPairs", "dataroot_gt": str(photos), "degradation": "full", "max_images": 3}
    sets = [
        build_whole_images(ValDataset.model_validate(section), scale=4, degradation=DegradationSettings())
        for _ in range(2)
    ]
    first, second = ([dataset[index] for index in range(len(dataset))] for dataset in sets)
    assert [Path(sample["gt_path"]).parent.name for sample in first] == ["scene 0", "scene 1", "scene 2"]
    assert all((a["lq"] == b["lq"]).all() for a, b in zip(first, second, strict=True))
    assert first[0]["gt"].shape == (3, 72, 80)
    assert first[0]["lq"].shape == (3, 18, 20)


@pytest.mark.parametrize(("count", "most", "expected"), [(5, None, 5), (5, 9, 5), (10, 5, 5), (7, 3, 3)])
def test_spread_takes_at_most_so_many_and_starts_with_the_first(count: int, most: int | None, expected: int) -> None:
    paths = [Path(str(index)) for index in range(count)]
    chosen = spread(paths, most)
    assert len(chosen) == expected
    assert chosen[0] == paths[0]
    assert chosen == sorted(set(chosen), key=paths.index)


def test_paired_training_data_need_the_side_of_a_crop(photos) -> None:
    options = _train(type="PairedImageDataset", dataroot_gt=str(photos), dataroot_lq=str(photos))
    with pytest.raises(DataError, match="expected gt_size"):
        build_training_set(options, scale=1, gt_size=None, seed=0)


def test_pairs_are_spread_over_the_set_and_cut_to_the_largest_size(photos) -> None:
    section = {"type": "PairedImageDataset", "dataroot_gt": str(photos), "dataroot_lq": str(photos)}
    options = ValDataset.model_validate({**section, "max_images": 3, "max_size": 16})
    dataset = build_whole_images(options, scale=1, degradation=DegradationSettings())
    assert [Path(name).parent.name for name in dataset.names] == ["scene 0", "scene 1", "scene 2"]
    assert dataset[0]["gt"].shape == (3, 16, 16)


def test_blurred_validation_pictures_take_the_sigma_of_the_first_pass(photos) -> None:
    section = {"type": "SyntheticPairs", "dataroot_gt": str(photos), "degradation": "blur_bicubic"}
    passes = DegradationSettings(first=StageSettings(blur_sigma_range=(1.0, 1.5)))
    dataset = build_whole_images(ValDataset.model_validate(section), scale=4, degradation=passes)
    assert isinstance(dataset, SyntheticPairs)
    assert dataset.settings == PlainSettings((1.0, 1.5))


def test_sets_go_by_their_names_and_by_their_keys_where_names_are_absent_or_repeated() -> None:
    sections = {"val": "Set5", "val_1": None, "val_2": "mine", "val_3": "mine", "val_4": "val_1"}
    sets = {key: ValDataset(type="SyntheticPairs", name=name) for key, name in sections.items()}
    assert list(named_sets(sets)) == ["Set5", "val_1", "val_2", "val_3", "val_4"]


@pytest.fixture
def tiles(photos, tmp_path) -> dict[str, dict[str, object]]:
    """Options of one set of tiles from every kind of source."""
    rows = make_tiles(rows_of(photos), photos, tmp_path / "tiles", TileSettings(size=40, step=32, smallest=16)).rows
    write_manifest(rows, tmp_path / "split/train.csv")
    write_lmdb(rows, tmp_path / "tiles", tmp_path / "tiles.lmdb")
    on_disk = {"dataroot_gt": str(tmp_path / "tiles")}
    in_lmdb = {"dataroot_gt": str(tmp_path / "tiles.lmdb"), "io_backend": {"type": "lmdb"}}
    return {
        "folder": on_disk,
        "manifest": {**on_disk, "manifest": str(tmp_path / "split/train.csv")},
        "meta_info": {**on_disk, "meta_info": str(tmp_path / "tiles.lmdb/meta_info.txt")},
        "lmdb": in_lmdb,
        "lmdb with manifest": {**in_lmdb, "manifest": str(tmp_path / "split/train.csv")},
        "lmdb with meta_info": {**in_lmdb, "meta_info": str(tmp_path / "tiles.lmdb/meta_info.txt")},
    }


def test_every_source_of_the_same_pictures_gives_the_same_samples(tiles) -> None:
    sets = {
        kind: build_training_set(_train(crop_size=32, **options), scale=4, gt_size=None, seed=7)
        for kind, options in tiles.items()
    }
    assert {len(dataset) for dataset in sets.values()} == {6 * 2 * 3}
    requests = [SampleRequest(index, step=3, slot=index) for index in range(0, 36, 5)]
    for request in requests:
        expected = sets["folder"][request]
        assert not expected["failed_path"] and not expected["padded"]
        for kind, dataset in sets.items():
            assert dataset[request]["gt"].equal(expected["gt"]), kind


def test_pairs_and_whole_images_come_out_of_an_lmdb_too(photos, tmp_path) -> None:
    for path in photos.rglob("*.png"):
        target = tmp_path / "lq" / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_image(target, read_rgb(path)[::4, ::4].copy())
    for name in ("photos", "lq"):
        write_lmdb(rows_of(tmp_path / name), tmp_path / name, tmp_path / f"{name}.lmdb")
    disk = {"dataroot_gt": str(photos), "dataroot_lq": str(tmp_path / "lq")}
    lmdb = {key: f"{value}.lmdb" for key, value in disk.items()} | {"io_backend": {"type": "lmdb"}}
    mixed = lmdb | {"dataroot_lq": disk["dataroot_lq"]}
    pairs, whole = [], []
    for source in (disk, lmdb, mixed):
        options = {"type": "PairedImageDataset", "batch_size_per_gpu": 1, **source}
        dataset = build_training_set(TrainDataset.model_validate(options), scale=4, gt_size=32, seed=0)
        pairs.append(dataset[SampleRequest(4, 2, 1)])
        val = ValDataset.model_validate({"type": "PairedImageDataset", **source})
        whole.append(build_whole_images(val, scale=4, degradation=DegradationSettings())[2])
        single = ValDataset.model_validate({"type": "SyntheticPairs", **source, "dataroot_lq": None})
        whole.append(build_whole_images(single, scale=4, degradation=DegradationSettings())[2])
        with pytest.raises(DataError, match="6 of 6 truths are too large"):
            build_whole_images(val, scale=2, degradation=DegradationSettings())
        with pytest.raises(DataError, match=r"all 6 truths in .* are \d+ x \d+; is dataroot_gt the right folder"):
            build_whole_images(val, scale=8, degradation=DegradationSettings())
    for key in ("gt", "lq"):
        assert pairs[0][key].equal(pairs[1][key]) and pairs[0][key].equal(pairs[2][key])
        assert whole[0][key].equal(whole[2][key]) and whole[0][key].equal(whole[4][key])
        assert whole[1][key].equal(whole[3][key])


def test_a_manifest_that_does_not_fit_the_lmdb_is_said(tiles, tmp_path) -> None:
    rows = read_manifest(tmp_path / "split/train.csv")
    options = _train(**tiles["lmdb with manifest"])
    write_manifest([replace(rows[0], path="scene 0/other.png"), *rows[1:]], tmp_path / "split/train.csv")
    with pytest.raises(DataError, match="1 image of the manifest missing below .*tiles.lmdb"):
        find_images(options)
    write_manifest([replace(rows[0], sha256=rows[1].sha256), *rows[1:]], tmp_path / "split/train.csv")
    with pytest.raises(DataError, match="changed since the manifest"):
        build_training_set(options, scale=4, gt_size=None, seed=0)


def test_a_frozen_set_is_read_by_its_folder(photos, tmp_path) -> None:
    rows = rows_of(photos)
    card = freeze(photos, tmp_path / "frozen", rows=rows)
    section = {"type": "FrozenPairs", "dataroot_gt": str(tmp_path / "frozen")}
    dataset = build_whole_images(ValDataset.model_validate(section), scale=4, degradation=DegradationSettings())
    assert (len(dataset), dataset.set_hash) == (len(rows), card.short_hash)
