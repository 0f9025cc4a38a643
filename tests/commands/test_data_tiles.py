"""`data tiles`: what it writes where, what it says, and that training reads it with two paths changed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.commands import data, data_tiles
from realesrgan_arch.data import tile_journal
from realesrgan_arch.data.assembly import build_training_set, find_images
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import read_manifest, write_split
from realesrgan_arch.data.split_folder import SplitCard, open_split, write_card
from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.options.datasets import TrainDataset
from tests.data.pictures import rows_of, write_noise

ROOT = Path(__file__).parents[2]
SMALL = ["--size", "32", "--step", "16"]


@pytest.fixture
def split(in_tmp_path):
    """`data_split/photos` in the working folder: three scenes for training, one for validation."""
    for scene in range(4):
        write_noise(Path(f"photos/scene {scene}/a.png"), seed=scene)
    rows = rows_of(Path("photos"))
    held_out = [type(row)(**{**vars(row), "split": "val"}) for row in rows[3:]]
    write_split([*rows[:3], *held_out], Path("data_split/photos"))
    write_card(SplitCard("photos", "folder", 0, 0.25, 0), Path("data_split/photos"))
    return Path("data_split/photos")


def test_tiles_of_the_train_part_and_their_manifest_are_read_by_training(split, capsys):
    assert data.main(["tiles", str(split), *SMALL]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("18 tiles of 3 pictures in 3 scenes, ")
    assert said[-2] == "wrote datasets/photos_tiles32, data_split/photos_tiles32/train.csv"
    assert said[-1] == (
        "next: set dataroot_gt: datasets/photos_tiles32 and manifest: data_split/photos_tiles32/train.csv "
        "under datasets.train in your options, then run train.py"
    )
    tiles = open_split(Path("data_split/photos_tiles32"))
    assert (tiles.root, tiles.card.origin, list(tiles.rows)) == (Path("datasets/photos_tiles32"), "photos", ["train"])
    options = TrainDataset.model_validate(
        {"type": "GtDataset", "batch_size_per_gpu": 1, "crop_size": 32, "dataroot_gt": "datasets/photos_tiles32",
         "manifest": "data_split/photos_tiles32/train.csv"}
    )  # fmt: skip
    assert len(find_images(options)) == 18
    assert build_training_set(options, scale=4, gt_size=None, seed=0)[5]["padded"] is False


def test_running_again_changes_no_byte_and_the_script_does_the_same(split):
    def tree() -> dict[str, bytes]:
        places = [path for name in ("datasets", "data_split") for path in Path(name).rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in places}

    assert data.main(["tiles", str(split), *SMALL]) == 0
    before = tree()
    assert data.main(["tiles", str(split), *SMALL]) == 0
    assert tree() == before
    command = [sys.executable, str(ROOT / "scripts/make_tiles.py"), str(split), *SMALL, "--out", "other/cut"]
    subprocess.run(command, check=True, capture_output=True)
    for path, content in before.items():
        if path.endswith(".png"):
            assert Path("other/cut", *Path(path).parts[2:]).read_bytes() == content
    assert Path("data_split/cut/train.csv").read_bytes() == before["data_split/photos_tiles32/train.csv"]


def test_an_lmdb_is_written_beside_and_named(split, capsys):
    assert data.main(["tiles", str(split), *SMALL, "--lmdb"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "next: set dataroot_gt: datasets/photos_tiles32.lmdb and manifest: data_split/photos_tiles32/train.csv, "
        "io_backend: {type: lmdb} under datasets.train in your options, then run train.py"
    )
    options = TrainDataset.model_validate(
        {"type": "GtDataset", "batch_size_per_gpu": 1, "dataroot_gt": "datasets/photos_tiles32.lmdb",
         "manifest": "data_split/photos_tiles32/train.csv", "io_backend": {"type": "lmdb"}}
    )  # fmt: skip
    assert len(find_images(options)) == 18


def test_parts_and_a_broken_picture_are_told_and_the_exit_code_is_3(split, capsys):
    Path("photos/scene 1/a.png").write_bytes(b"no more")
    assert data.main(["tiles", str(split), *SMALL, "--parts", "train", "val", "--json"]) == 3
    facts = json.loads(capsys.readouterr().out)
    assert (facts["tiles"], facts["pictures"], facts["exit_code"]) == (18, 3, 3)
    assert "scene 1/a.png changed since the manifest" in facts["failed"][0]
    assert {row.split for row in read_manifest(Path("data_split/photos_tiles32/val.csv"))} == {"val"}


def test_the_manifest_of_something_else_is_not_overwritten(split):
    with pytest.raises(DataError, match="data_split/photos to be free"):
        data.main(["tiles", str(split), *SMALL, "--out", "datasets/photos"])
    assert not Path("datasets").exists() and len(read_manifest(split / "train.csv")) == 3


def test_a_run_that_was_killed_between_the_manifest_and_its_card_goes_on(split, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    folder = Path("data_split/photos_tiles32")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(data_tiles, "write_card", killed)
        data.main(["tiles", str(split), *SMALL])
    (folder / ".split.json.abc.partial").write_text("{torn")
    before = (folder / "train.csv").read_bytes()
    assert data.main(["tiles", str(split), *SMALL]) == 0
    assert (folder / "train.csv").read_bytes() == before and len(open_split(folder).rows["train"]) == 18


def test_manifests_without_a_card_that_are_of_other_pictures_are_not_overwritten(split):
    folder = Path("data_split/photos_tiles32")
    write_split(rows_of(Path("photos")), folder)
    with pytest.raises(DataError, match="photos_tiles32 to be free"):
        data.main(["tiles", str(split), *SMALL])
    (folder / "train.csv").write_text("mine")
    with pytest.raises(DataError, match=r"train\.csv is no manifest and would be overwritten"):
        data.main(["tiles", str(split), *SMALL])
    assert (folder / "train.csv").read_text() == "mine" and not Path("datasets").exists()


def test_a_part_that_the_split_lacks_is_refused_before_anything_is_claimed(split):
    with pytest.raises(DataError, match="Expected the parts test in data_split/photos, got only train, val"):
        data.main(["tiles", str(split), *SMALL, "--parts", "test"])
    with pytest.raises(DataError, match="No picture in photos"):
        data.main(["tiles", str(split)])
    assert not Path("datasets/photos_tiles32").exists()
    assert data.main(["tiles", str(split), *SMALL]) == 0


def test_a_second_process_waits(split):
    lock = file_lock(Path("datasets/.photos_tiles32.lock"))
    with lock, pytest.raises(DataError, match="Another process is working in datasets/photos_tiles32; wait for it"):
        data.main(["tiles", str(split), *SMALL])
    assert not Path("datasets/photos_tiles32").exists()
    assert data.main(["tiles", str(split), *SMALL]) == 0
    assert [path.name for path in Path("datasets").iterdir()] == ["photos_tiles32"]


def test_files_in_the_place_of_folders_are_one_sentence(split):
    Path("data_split/x").write_text("mine")
    with pytest.raises(DataError, match="data_split/x to be free"):
        data.main(["tiles", str(split), *SMALL, "--out", "x"])
    Path("y").write_text("mine")
    for out in ("y", "y/z"):
        with pytest.raises(DataError, match="cannot be used: (File exists|Not a directory)"):
            data.main(["tiles", str(split), *SMALL, "--out", out])
    assert Path("y").read_text() == Path("data_split/x").read_text() == "mine"


def test_a_full_disk_under_the_journal_is_one_sentence(split, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "datasets/photos_tiles32/journal.jsonl")

    with monkeypatch.context() as patch:
        patch.setattr(tile_journal, "write_journal", full)
        with pytest.raises(DataError, match=r"journal\.jsonl cannot be used: No space left on device\. What is done"):
            data.main(["tiles", str(split), *SMALL])
    assert data.main(["tiles", str(split), *SMALL]) == 0


def test_bad_settings_and_a_missing_package_are_said_before_the_work(split, monkeypatch):
    with pytest.raises(DataError, match="step 64 and size 32"):
        data.main(["tiles", str(split), "--size", "32", "--step", "64"])
    with pytest.raises(DataError, match="smallest"):
        data.main(["tiles", str(split), *SMALL, "--smallest", "33"])
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingExtraError, match="Writing an LMDB needs lmdb"):
        data.main(["tiles", str(split), *SMALL, "--lmdb"])
    assert not Path("datasets").exists()


def test_pictures_elsewhere_are_found_with_root(split):
    Path("photos").rename("moved")
    with pytest.raises(DataError, match="photos does not exist"):
        data.main(["tiles", str(split), *SMALL])
    assert data.main(["tiles", str(split), *SMALL, "--root", "moved"]) == 0
