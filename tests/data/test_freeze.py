"""How a frozen set is made: stopped and gone on with, refused where it cannot be, and nothing of others touched."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.data import freeze as freeze_module
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.freeze import UNFINISHED, UnreadablePicturesError
from realesrgan_arch.data.frozen_set import FrozenPairs
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.images import write_image
from tests.data.frozen import files_of, freeze, freezer, row_of, rows_below, write_blocks, write_villas

pytestmark = pytest.mark.usefixtures("no_flushing", "one_thread")


@pytest.fixture
def photos(tmp_path) -> Path:
    return write_villas(tmp_path / "photos")


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


@pytest.mark.parametrize("content", ["", '{"pair": {', "{}", "[]", '{"pair": {"source": "x"}, "recipe": {}}'])
def test_a_damaged_recipe_is_made_again(photos, tmp_path, monkeypatch, content) -> None:
    stop_before_the_card(monkeypatch, photos, tmp_path / "set")
    (tmp_path / "set/recipes/villa 0/0.png.json").write_text(content)
    freeze(photos, tmp_path / "set")
    freeze(photos, tmp_path / "whole")
    assert files_of(tmp_path / "set") == files_of(tmp_path / "whole")


def change_recipe(path: Path) -> None:
    values = json.loads(path.read_text())
    values["recipe"]["crop_top"] += 0.5
    path.write_text(json.dumps(values))


def test_a_recipe_that_was_changed_is_made_again_or_refused(photos, tmp_path, monkeypatch) -> None:
    recipe = tmp_path / "set/recipes/villa 0/0.png.json"
    stop_before_the_card(monkeypatch, photos, tmp_path / "set")
    before = recipe.read_text()
    change_recipe(recipe)
    freeze(photos, tmp_path / "set")
    assert recipe.read_text() == before
    change_recipe(recipe)
    with pytest.raises(DataError, match="0.png.json is another recipe than was frozen"):
        FrozenPairs(tmp_path / "set", scale=4)[0]
    with pytest.raises(DataError, match="is another recipe"):
        freeze(photos, tmp_path / "set")


def test_a_kill_after_the_card_leaves_no_mark_behind(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "set")
    (tmp_path / "set" / UNFINISHED).write_text("{}")
    freeze(photos, tmp_path / "set")
    assert not (tmp_path / "set" / UNFINISHED).exists()


def test_names_that_differ_in_case_only_are_apart_on_every_disk(photos, tmp_path) -> None:
    (photos / "villa 0/0.png").rename(photos / "a.jpg.png")
    (photos / "villa 0/2.png").rename(photos / "A.jpg.png")
    card = freeze(photos, tmp_path / "set")
    names = {name.casefold() for pair in card.pairs for name in (pair.gt, pair.lq, pair.recipe)}
    assert len(names) == 12
    assert {pair.source: pair.gt for pair in card.pairs}["a.jpg.png"] == "gt/a.jpg.png_2.png"


def test_a_second_process_a_file_and_a_place_among_the_pictures_are_refused(photos, tmp_path) -> None:
    lock = file_lock(tmp_path / ".set.lock")
    with lock, pytest.raises(DataError, match="Another process is working in .*set; wait for it"):
        freeze(photos, tmp_path / "set")
    (tmp_path / "set").write_text("mine")
    for place in ("set", "set/val"):
        with pytest.raises(DataError, match="set.* cannot be used: (Not a directory|File exists)"):
            freeze(photos, tmp_path / place)
    with pytest.raises(DataError, match="photos/frozen lies inside of"):
        freeze(photos, photos / "frozen")
    assert (tmp_path / "set").read_text() == "mine" and not (photos / "frozen").exists()


def test_sizes_without_an_lq_are_all_named_before_the_first_file(photos, tmp_path) -> None:
    with pytest.raises(DataError, match="Expected a max size of at least the scale 4, got 3"):
        freeze(photos, tmp_path / "set", max_size=3)
    for name in ("x.png", "y.png"):
        write_image(photos / name, np.zeros((3, 9, 3), np.uint8))
    with pytest.raises(DataError, match=r"2 of 6 pictures are smaller than 4 pixels: x.png \(9 x 3\), y.png"):
        freeze(photos, tmp_path / "set")
    assert not (tmp_path / "set").exists()


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
    facts = hashlib.sha256(path.read_bytes()).hexdigest()
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
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DataError, match="the disk of .*set has 1 kB left"):
        freeze(photos, tmp_path / "set")
    assert not (tmp_path / "set").exists()
