"""From the pictures of a split to tiles: pixels, names, rows, choice, faults, and going on after a stop."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from realesrgan_arch import atomic
from realesrgan_arch.data import tiles
from realesrgan_arch.data.files import DataError, list_images
from realesrgan_arch.data.manifest import check_manifest
from realesrgan_arch.data.tile_grid import TileSettings
from realesrgan_arch.data.tiles import make_tiles, plan_tiles
from realesrgan_arch.images import read_rgb, write_image
from tests.data.pictures import noise, rows_of, write_noise

SMALL = TileSettings(size=32, step=16, smallest=16)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def photos(tmp_path) -> Path:
    root = tmp_path / "photos"
    for index in range(3):
        write_noise(root / f"villa/{index}.png", seed=index)
        write_noise(root / f"barn/{index}.png", seed=10 + index, height=32, width=32)
    return root


def test_tiles_are_the_pixels_of_their_picture_and_keep_its_scene(photos, tmp_path):
    result = make_tiles(rows_of(photos), photos, tmp_path / "out", SMALL)
    assert (result.num_pictures, len(result.rows), result.failed, result.too_small) == (6, 3 * 1 + 3 * 6, (), ())
    by_path = {row.path: row for row in result.rows}
    third = by_path["villa/0_s003.png"]
    assert (third.scene, third.split, third.width, third.height) == ("villa", "train", 32, 32)
    assert np.array_equal(read_rgb(tmp_path / "out/villa/0_s003.png"), noise(0)[0:32, 28:60])
    check_manifest(result.rows, tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix() for path in list_images(tmp_path / "out")} == set(by_path)


def test_a_16_bit_and_a_rotated_picture_are_cut_as_training_reads_them(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    write_image(root / "deep.png", noise(0).astype(np.uint16) * 200)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(noise(1)).save(root / "turned.png", exif=exif)
    make_tiles(rows_of(root), root, tmp_path / "out", SMALL)
    for name, last in (("deep", 6), ("turned", 6)):
        whole, tile = read_rgb(root / f"{name}.png"), cv2.imread(str(tmp_path / f"out/{name}_s00{last}.png"), -1)
        assert tile is not None and tile.dtype == np.uint8
        assert np.array_equal(tile[..., ::-1], whole[-32:, -32:])


def test_every_source_has_tiles_of_its_own_even_where_stems_are_equal(tmp_path):
    root = tmp_path / "photos"
    for name in ("x/a.png", "y/a.png", "x/a.bmp.png", "x/a_s001.png"):
        write_noise(root / name, seed=len(name) + ord(name[0]), height=32, width=32)
    Image.fromarray(noise(9, 32, 32)).save(root / "x/a.jpg")
    result = make_tiles(rows_of(root), root, tmp_path / "out", SMALL)
    assert len({row.path.casefold() for row in result.rows}) == len(result.rows) == 5
    assert {row.path for row in result.rows} >= {"y/a_s001.png", "x/a_jpg_s001.png", "x/a_png_s001.png"}


def test_smaller_copies_of_a_picture_are_cut_too(photos, tmp_path):
    settings = TileSettings(size=32, step=16, smallest=16, scales=(1, 0.5))
    result = make_tiles(rows_of(photos), photos, tmp_path / "out", settings)
    assert (tmp_path / "out/villa/0_s001x500.png").is_file() and (tmp_path / "out/barn/1_s001x500.png").is_file()
    halves = [row for row in result.rows if row.path.endswith("x500.png")]
    assert len(halves) == 6 and {(row.width, row.height) for row in halves} == {(30, 20), (16, 16)}


def test_the_cap_holds_for_each_scene_and_other_scenes_change_nothing(photos, tmp_path):
    settings = TileSettings(size=32, step=16, smallest=16, most_per_scene=4)
    alone = [row for row in rows_of(photos) if row.scene == "villa"]
    first = make_tiles(alone, photos, tmp_path / "alone", settings)
    both = make_tiles(rows_of(photos), photos, tmp_path / "both", settings)
    assert [row for row in both.rows if row.scene == "villa"] == list(first.rows) and len(first.rows) == 4
    assert len(both.rows) == 4 + 3
    other = make_tiles(alone, photos, tmp_path / "other", TileSettings(32, 16, 0, (1,), 1, 4, 16, seed=1))
    assert {row.path for row in other.rows} != {row.path for row in first.rows}


def test_detail_keeps_the_share_with_most_of_it(tmp_path):
    picture = np.full((32, 320, 3), 90, np.uint8)
    picture[:, 160:] = noise(0, 32, 160)
    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos/a.png", picture)
    rows = rows_of(tmp_path / "photos")
    settings = TileSettings(size=32, step=32, smallest=16, detail=0.5)
    kept = {row.path for row in make_tiles(rows, tmp_path / "photos", tmp_path / "out", settings).rows}
    assert {f"a_s{number:03d}.png" for number in range(6, 11)} <= kept and len(kept) < 8
    assert len(kept) == plan_tiles(rows, settings)[0].num_tiles


def test_an_unreadable_or_changed_picture_does_not_stop_the_others(photos, tmp_path):
    rows = rows_of(photos)
    (photos / "villa/1.png").write_bytes((photos / "villa/1.png").read_bytes()[:500])
    write_noise(photos / "barn/0.png", seed=99, height=32, width=32)
    (photos / "barn/2.png").unlink()
    result = make_tiles(rows, photos, tmp_path / "out", SMALL)
    assert [path for path, _ in result.failed] == ["barn/0.png", "barn/2.png", "villa/1.png"]
    assert "changed since the manifest" in result.failed[0][1] and "cannot be read" in result.failed[1][1]
    assert result.num_pictures == 3 and {row.path[:7] for row in result.rows} == {"villa/0", "villa/2", "barn/1_"}


def test_pictures_below_the_least_size_are_named(photos, tmp_path):
    write_noise(photos / "tiny.png", seed=5, height=15, width=200)
    result = make_tiles(rows_of(photos), photos, tmp_path / "out", SMALL)
    assert result.too_small == ("tiny.png",) and not result.failed


def test_no_tile_at_all_is_an_error_that_claims_nothing(photos, tmp_path):
    with pytest.raises(DataError, match="No picture in .* each of the 6 is smaller than 256"):
        make_tiles(rows_of(photos), photos, tmp_path / "out", TileSettings(size=480, smallest=256))
    assert not (tmp_path / "out").exists()


def test_a_run_that_made_no_tile_does_not_stand_in_the_way_of_the_corrected_one(photos, tmp_path, monkeypatch):
    rows = [replace(row, sha256="0" * 64) for row in rows_of(photos)]
    with pytest.raises(DataError, match="No picture in .* of 6; first: .* changed since the manifest"):
        make_tiles(rows, photos, tmp_path / "out", SMALL)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(DataError, match="has 0 bytes left"):
        make_tiles(rows_of(photos), photos, tmp_path / "out", SMALL)
    monkeypatch.undo()
    assert len(make_tiles(rows_of(photos), photos, tmp_path / "out", TileSettings(32, 32, smallest=16)).rows) > 0


@pytest.mark.parametrize("line", [b"\0" * 80, b'{"picture": "barn/1.png"}', b"[1]", b"\xff\xfe"])
def test_the_picture_of_a_damaged_line_of_the_journal_is_cut_again(photos, tmp_path, line):
    rows, out = rows_of(photos), tmp_path / "out"
    whole = make_tiles(rows, photos, out, SMALL)
    before = tree(out)
    lines = (out / "journal.jsonl").read_bytes().split(b"\n")
    (out / "journal.jsonl").write_bytes(b"\n".join([lines[0], line, *lines[2:]]))
    assert make_tiles(rows, photos, out, SMALL) == whole and tree(out) == before


def test_hidden_files_of_others_are_left_alone(photos, tmp_path):
    rows, out, kept = rows_of(photos), tmp_path / "out", b"of somebody else"
    strange = out / "sub/.download.partial"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(kept)
    with pytest.raises(DataError, match="holds something else"):
        make_tiles(rows, photos, out, SMALL)
    assert tree(out) == {"sub/.download.partial": kept}
    strange.unlink()
    strange.parent.rmdir()
    make_tiles(rows, photos, out, SMALL)
    for place in ("villa/.a.partial", ".b.partial", "mine/.c.partial"):
        (out / place).parent.mkdir(exist_ok=True)
        (out / place).write_bytes(kept)
    make_tiles(rows, photos, out, SMALL)
    assert [str(path.relative_to(out)) for path in out.rglob("*.partial")] == ["mine/.c.partial"]


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(photos, tmp_path, monkeypatch):
    rows, out = rows_of(photos), tmp_path / "out"
    make_tiles(rows, photos, tmp_path / "whole", SMALL)
    cut = tiles.cut_picture

    def dies(task, *rest):
        if task.row.path == "villa/1.png":
            raise KeyboardInterrupt
        return cut(task, *rest)

    for _ in range(2):
        monkeypatch.setattr(tiles, "cut_picture", dies)
        with pytest.raises(KeyboardInterrupt):
            make_tiles(rows, photos, out, SMALL)
        monkeypatch.undo()
        with (out / "journal.jsonl").open("a") as journal:
            journal.write('{"picture": "villa/2.p')
        (out / "barn/.x.partial").write_bytes(b"half a tile")
        (out / "barn/1_s001.png").unlink()

    seen: list[str] = []
    monkeypatch.setattr(tiles, "cut_picture", lambda task, *rest: seen.append(task.row.path) or cut(task, *rest))
    result = make_tiles(rows, photos, out, SMALL)
    assert tree(out) == tree(tmp_path / "whole") and len(result.rows) == 21
    assert "barn/1.png" in seen and "villa/1.png" in seen and "barn/0.png" not in seen
    seen.clear()
    make_tiles(rows, photos, out, SMALL)
    assert seen == []


def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(photos, tmp_path):
    out, rows = tmp_path / "out", rows_of(photos)
    (out / "mine").mkdir(parents=True)
    (out / "mine/a.txt").write_text("kept")
    with pytest.raises(DataError, match="holds something else"):
        make_tiles(rows, photos, out, SMALL)
    assert tree(out) == {"mine/a.txt": b"kept"}
    shutil.rmtree(out)
    make_tiles(rows, photos, out, SMALL)
    with pytest.raises(DataError, match="same split and settings"):
        make_tiles(rows, photos, out, TileSettings(size=32, step=8, smallest=16))
    with pytest.raises(DataError, match="same split and settings"):
        make_tiles(rows[1:], photos, out, SMALL)
    write_noise(out / "villa/holiday.png", seed=1)
    with pytest.raises(DataError, match=r"1 image that is no tile of this split: villa/holiday\.png"):
        make_tiles(rows, photos, out, SMALL)


def test_tiles_never_go_among_the_pictures(photos):
    with pytest.raises(DataError, match="lies inside of"):
        make_tiles(rows_of(photos), photos, photos / "tiles", SMALL)


def test_the_space_is_asked_for_before_the_first_tile(photos, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    needed = 21 * 32 * 32 * 2 * 2
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed - 1))
    with pytest.raises(DataError, match="21 tiles may take 86 kB, but the disk of .*out has 86 kB left"):
        make_tiles(rows_of(photos), photos, tmp_path / "out", SMALL, num_copies=2)
    assert not list(tmp_path.glob("out/**/*.png"))
    make_tiles(rows_of(photos), photos, tmp_path / "out", SMALL, num_copies=1)


def test_a_full_disk_stops_with_a_sentence_and_the_next_run_goes_on(photos, tmp_path, monkeypatch):
    write, out = atomic.write_bytes, tmp_path / "out"

    def full(path, data):
        if path.name == "1_s002.png":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(atomic, "write_bytes", full)
    with pytest.raises(DataError, match=r"1_s002\.png cannot be written: No space left"):
        make_tiles(rows_of(photos), photos, out, SMALL)
    monkeypatch.undo()
    assert len(make_tiles(rows_of(photos), photos, out, SMALL).rows) == 21
