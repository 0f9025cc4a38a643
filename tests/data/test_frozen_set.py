"""A frozen set: made once, whole or absent, the same hash again, and no changed pixel is ever scored."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.data import freeze as freeze_module
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.freeze import UNFINISHED, UnreadablePicturesError
from realesrgan_arch.data.frozen_card import read_card
from realesrgan_arch.data.frozen_set import FrozenPairs, frozen_source
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.recipe import Recipe
from realesrgan_arch.images import read_rgb
from tests.data.frozen import freeze, freezer, row_of, rows_below, write_blocks

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_flushing(monkeypatch) -> None:
    """Nothing here is about power cuts, and flushing hundreds of small files takes longer than making them."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other are slower on pictures of this size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photos(tmp_path) -> Path:
    for number in range(4):
        write_blocks(tmp_path / "photos" / f"villa {number % 2}" / f"{number}.png", seed=number)
    return tmp_path / "photos"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Made on the first machine. Another hash means that old scores cannot be compared with new ones: think twice.
STORED = {
    "full": "194956efe594ecf8d6e60ca1c27672f6bd7f1868989ae0c5ace89313a359dcab",
    "camera-jpeg": "29a6318b853fe7cc7be37890edbf5e1c225bb1341f0405d55ad473e9d2a7af47",
}


@pytest.mark.parametrize("preset", STORED)
def test_the_hash_is_the_stored_one(photos, tmp_path, preset) -> None:
    assert freeze(photos, tmp_path / "set", preset=preset).hash == STORED[preset]


def test_a_set_holds_pairs_recipes_and_the_facts_of_their_sources(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    assert set(files_of(tmp_path / "set")) == {
        "frozen.json",
        *(f"{kind}/villa {n % 2}/{n}.png.png" for kind in ("gt", "lq") for n in range(4)),
        *(f"recipes/villa {n % 2}/{n}.png.json" for n in range(4)),
    }
    assert read_card(tmp_path / "set") == card
    pair, row = card.pairs[0], rows_below(photos)[0]
    assert (pair.source, pair.scene, pair.tags, pair.sha256) == ("villa 0/0.png", "villa 0", "exterior", row.sha256)
    assert frozen_source(tmp_path / "set") == (photos, card.pairs)
    assert read_rgb(tmp_path / "set" / pair.gt).shape == (56, 64, 3)


def test_the_lq_is_what_the_stored_recipe_makes_of_the_gt(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    dataset = FrozenPairs(tmp_path / "set", scale=4)
    assert (len(dataset), dataset.set_hash) == (4, card.hash[:8])
    for sample, pair in zip([dataset[index] for index in range(4)], card.pairs, strict=True):
        record = json.loads((tmp_path / "set" / pair.recipe).read_text())
        recipe = Recipe.from_dict(record["recipe"])
        assert (record["preset"], recipe.seed) == ("full", 0)
        made = degrade(sample["gt"][None].double() / 255, recipe, scale=4)[0] * 255
        assert np.array_equal(made.round().numpy().astype(np.uint8), sample["lq"].numpy())
        assert sample["lq"].shape == (3, 14, 16)


def test_names_and_other_pictures_change_no_pair(photos, tmp_path) -> None:
    before = {pair.source: pair.lq_sha256 for pair in freeze(photos, tmp_path / "before").pairs}
    write_blocks(photos / "another/0.png", seed=9)
    (photos / "villa 0/0.png").rename(photos / "villa 0/zero.png")
    after = {pair.source: pair.lq_sha256 for pair in freeze(photos, tmp_path / "after").pairs}
    assert after["villa 0/zero.png"] == before["villa 0/0.png"]
    assert after["villa 1/3.png"] == before["villa 1/3.png"]
    assert len(set(after.values())) == 5


def test_several_lq_of_one_picture_differ_and_the_first_is_that_of_a_single_one(photos, tmp_path) -> None:
    single = freeze(photos, tmp_path / "single")
    card = freeze(photos, tmp_path / "double", per_image=2)
    assert [pair.lq for pair in card.pairs[:2]] == ["lq/villa 0/0.png_r0.png", "lq/villa 0/0.png_r1.png"]
    assert card.pairs[0].lq_sha256 == single.pairs[0].lq_sha256 != card.pairs[1].lq_sha256
    assert card.pairs[0].gt_sha256 == card.pairs[1].gt_sha256


def test_another_seed_preset_or_size_is_another_set(photos, tmp_path) -> None:
    plans = [{}, {"seed": 1}, {"preset": "medium"}, {"max_size": 48}]
    hashes = {freeze(photos, tmp_path / str(number), **plan).hash for number, plan in enumerate(plans)}
    assert len(hashes) == 4


def test_files_that_differ_in_their_suffix_only_are_two_pairs(tmp_path) -> None:
    for number, name in enumerate(("a.png", "a.jpg")):
        write_blocks(tmp_path / "photos" / name, seed=number)
    card = freeze(tmp_path / "photos", tmp_path / "set")
    assert [pair.gt for pair in card.pairs] == ["gt/a.jpg.png", "gt/a.png.png"]


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_files(photos, tmp_path, monkeypatch) -> None:
    freeze(photos, tmp_path / "whole")
    written: list[str] = []
    real = freeze_module.write_json

    def die_at_the_third(path, values):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path.name)
        real(path, values)

    monkeypatch.setattr(freeze_module, "write_json", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        freeze(photos, tmp_path / "set")
    assert (tmp_path / "set" / UNFINISHED).exists()
    with pytest.raises(DataError, match=r"set holds no frozen\.json"):
        FrozenPairs(tmp_path / "set", scale=4)
    monkeypatch.setattr(freeze_module, "write_json", real)
    kept = tmp_path / "set/gt/villa 0/0.png.png"
    before = kept.stat().st_mtime_ns
    freeze(photos, tmp_path / "set")
    assert kept.stat().st_mtime_ns == before
    assert files_of(tmp_path / "set") == files_of(tmp_path / "whole")


def stop_before_the_card(monkeypatch, photos, folder) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(freeze_module, "write_card", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            freeze(photos, folder)


def test_what_changed_or_left_since_the_stop_is_made_again_or_removed(photos, tmp_path, monkeypatch) -> None:
    stop_before_the_card(monkeypatch, photos, tmp_path / "set")
    write_blocks(tmp_path / "set/lq/villa 0/0.png.png", seed=99, width=16, height=16)
    (tmp_path / "set/gt/villa 0/2.png.png").unlink()
    (photos / "villa 1/3.png").unlink()
    freeze(photos, tmp_path / "set")
    freeze(photos, tmp_path / "whole")
    assert files_of(tmp_path / "set") == files_of(tmp_path / "whole")


def test_an_unfinished_set_of_other_settings_is_refused(photos, tmp_path, monkeypatch) -> None:
    stop_before_the_card(monkeypatch, photos, tmp_path / "set")
    with pytest.raises(DataError, match="was begun with other settings"):
        freeze(photos, tmp_path / "set", seed=1)


def test_a_complete_set_is_looked_at_and_left(photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*")}
    again, state = freezer(photos, tmp_path / "set").freeze(rows_below(photos), part="val", origin=photos.as_posix())
    assert (again, state) == (card, "kept")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*")} == before
    write_blocks(tmp_path / "set" / card.pairs[0].lq, seed=5, width=16, height=16)
    with pytest.raises(DataError, match="other pixels than were frozen"):
        freeze(photos, tmp_path / "set")


@pytest.mark.parametrize("change", [{"seed": 1}, {"preset": "mild"}, {"per_image": 2}])
def test_a_complete_set_of_other_settings_is_refused(photos, tmp_path, change) -> None:
    freeze(photos, tmp_path / "set")
    before = files_of(tmp_path / "set")
    with pytest.raises(DataError, match="a frozen set never changes"):
        freeze(photos, tmp_path / "set", **change)
    assert files_of(tmp_path / "set") == before


def test_a_complete_set_of_other_pictures_is_refused(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "set")
    write_blocks(photos / "another/0.png", seed=9)
    with pytest.raises(DataError, match="a frozen set never changes"):
        freeze(photos, tmp_path / "set")


def test_a_folder_with_something_else_is_left_alone(photos, tmp_path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        freeze(photos, tmp_path / "set")
    assert files_of(tmp_path / "set") == {"mine.txt": b"mine"}


def test_unreadable_pictures_are_all_named_and_there_is_no_set(photos, tmp_path) -> None:
    rows = rows_below(photos)
    for number in (0, 2):
        path = photos / rows[number].path
        path.write_bytes(path.read_bytes()[:200])
        rows[number] = replace(row_of(photos / rows[1].path, photos), **broken_facts(path, photos))
    with pytest.raises(UnreadablePicturesError, match="2 of 4 pictures cannot be frozen") as caught:
        freeze(photos, tmp_path / "set", rows=rows)
    assert caught.value.exit_code == 3
    assert "0.png" in str(caught.value) and "1.png" in str(caught.value)
    assert not (tmp_path / "set/frozen.json").exists()


def broken_facts(path: Path, root: Path) -> dict:
    """Return what a manifest that was made of broken files would say."""
    facts = freeze_module._hash_file(path)
    return {"path": path.relative_to(root).as_posix(), "bytes": path.stat().st_size, "sha256": facts}


def test_a_picture_that_changed_is_refused(photos, tmp_path) -> None:
    rows = rows_below(photos)
    data = bytearray((photos / rows[1].path).read_bytes())
    data[-1] ^= 1
    (photos / rows[1].path).write_bytes(data)
    with pytest.raises(DataError, match="changed since the manifest"):
        freeze(photos, tmp_path / "set", rows=rows)


def test_a_disk_without_room_is_said_before_the_first_file(photos, tmp_path, monkeypatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(freeze_module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DataError, match="the disk of .*set has 0.0 GiB left"):
        freeze(photos, tmp_path / "set")
    assert not (tmp_path / "set").exists()
