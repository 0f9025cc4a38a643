"""A planted leak of each kind is found, and nothing is found where there is none."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from realesrgan_arch.data.leaks import LeakReport, find_leaks
from realesrgan_arch.data.manifest import ManifestRow, read_manifest, write_manifest, write_split
from realesrgan_arch.data.scan import scan_files
from realesrgan_arch.data.split import SplitSettings, make_split
from realesrgan_arch.data.split_folder import SplitCard, open_split, write_card
from realesrgan_arch.images import read_rgb, write_image
from tests.data.pictures import noise

PARTS = ("train", "val", "test")


def picture(seed: int) -> np.ndarray:
    return cv2.resize(noise(seed, 9, 12), (192, 144), interpolation=cv2.INTER_CUBIC)


class Split:
    """A split of nine scenes with two pictures each, and what is planted in it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.folder = folder / "photos", folder / "split"
        for index in range(9):
            for view in range(2):
                self.add(PARTS[index % 3], f"scene {index}/IMG_{view}.png", picture(10 * index + view))
        write_card(SplitCard(str(self.root), "folder", 0, 0.3, 0.3), self.folder)

    def add(self, part: str, name: str, rgb: np.ndarray) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(self.root / name, rgb, quality=60)
        (image,), _ = scan_files([name], self.root)
        scene = name.rpartition("/")[0] or name
        row = ManifestRow(name, scene, part, image.width, image.height, image.bytes, image.sha256)  # type: ignore[arg-type]
        path = self.folder / f"{part}.csv"
        write_manifest([*(read_manifest(path) if path.exists() else []), row], path)

    def leaks(self, **options: object) -> LeakReport:
        return find_leaks(open_split(self.folder), **options)  # type: ignore[arg-type]


@pytest.fixture
def split(tmp_path) -> Split:
    return Split(tmp_path)


def found(report: LeakReport) -> list[tuple[str, str, str]]:
    return [(leak.kind, leak.first.path, leak.second.path) for leak in report.leaks]


def test_a_clean_split_has_no_leak(split):
    assert split.leaks() == LeakReport((), (), ())


def test_a_scene_in_two_parts_is_a_leak(split):
    split.add("val", "scene 0/IMG_7.png", picture(99))
    assert found(split.leaks()) == [("scene", "scene 0/IMG_0.png", "scene 0/IMG_7.png")]
    assert split.leaks().leaks[0].what == "scene 0"


def test_the_same_bytes_in_two_parts_are_a_leak_and_not_told_twice(split):
    split.add("test", "other/IMG_7.png", picture(0))
    assert found(split.leaks()) == [("content", "scene 0/IMG_0.png", "other/IMG_7.png")]


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        (".jpg", lambda rgb: rgb),
        (".png", lambda rgb: cv2.resize(rgb, (96, 72), interpolation=cv2.INTER_AREA)),
        (".png", lambda rgb: (rgb * 0.8 + 20).astype(np.uint8)),
        (".png", lambda rgb: np.ascontiguousarray(rgb[1:-1, 1:-1])),
    ],
)
def test_a_picture_that_was_made_from_another_is_a_leak(split, suffix, change):
    split.add("test", f"other/IMG_7{suffix}", change(picture(0)))
    (leak,) = split.leaks().leaks
    assert found(split.leaks()) == [("near", "scene 0/IMG_0.png", f"other/IMG_7{suffix}")]
    assert leak.distance is not None and 0 <= leak.distance <= 8


def test_look_alikes_in_one_part_are_no_leak(split):
    split.add("train", "other/IMG_7.jpg", picture(0))
    assert split.leaks() == LeakReport((), (), ())


def test_a_title_in_two_parts_is_a_leak_and_the_name_of_a_camera_is_none(split):
    split.add("train", "a/Villa Savoye 1.png", picture(100))
    split.add("val", "b/villa-savoye-2.png", picture(101))
    assert found(split.leaks()) == [("stem", "a/Villa Savoye 1.png", "b/villa-savoye-2.png")]
    assert split.leaks().leaks[0].what == "villa savoye"


def test_titles_in_a_flat_folder_are_a_leak(split):
    for index in range(6):
        split.add(PARTS[index % 3], f"villa-savoye-{index}.png", picture(100 + index))
    assert [leak.kind for leak in split.leaks().leaks] == ["stem", "stem"]


def test_a_title_in_many_folders_is_a_category_and_only_noted(split):
    for index in range(4):
        split.add(PARTS[index % 3], f"f{index}/brick house {index}.png", picture(100 + index))
    assert split.leaks() == LeakReport((), (), ("brick house",))


def test_kinds_can_be_ignored(split):
    split.add("test", "a/Villa Savoye 1.jpg", picture(0))
    split.add("val", "a/Villa Savoye 2.png", picture(2))
    assert {leak.kind for leak in split.leaks().leaks} == {"scene", "near"}
    assert {leak.kind for leak in split.leaks(ignore=["near"]).leaks} == {"scene"}
    assert split.leaks(ignore=["near", "scene"]).leaks == ()


def test_a_file_that_changed_or_is_gone_is_found(split):
    path = split.root / "scene 3/IMG_0.png"
    data = path.read_bytes()
    path.write_bytes(data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])
    (split.root / "scene 4/IMG_0.png").unlink()
    reasons = {item.path: item.reason for item in split.leaks(ignore=["near"]).changed}
    assert set(reasons) == {"scene 3/IMG_0.png", "scene 4/IMG_0.png"}
    assert "changed since the split was made" in reasons["scene 3/IMG_0.png"]
    assert [item.path for item in split.leaks(quick=True).changed] == ["scene 4/IMG_0.png"]
    path.write_bytes(data + b"more")
    assert {item.path for item in split.leaks(quick=True).changed} == set(reasons)


def test_a_file_that_became_another_is_compared_as_it_is_now(split):
    (split.root / "scene 1/IMG_0.png").write_bytes((split.root / "scene 0/IMG_0.png").read_bytes())
    assert ("content", "scene 0/IMG_0.png", "scene 1/IMG_0.png") in found(split.leaks())


def test_quick_reads_no_file_and_finds_what_the_manifests_show(split, monkeypatch):
    split.add("test", "other/IMG_7.png", picture(0))
    split.add("test", "scene 0/IMG_8.jpg", picture(0))
    monkeypatch.setattr("realesrgan_arch.data.leaks.scan_files", None)
    assert {leak.kind for leak in split.leaks(quick=True).leaks} == {"content", "scene"}


def test_tiles_of_a_scene_are_compared_by_the_scene_that_they_keep(split):
    rows = read_manifest(split.folder / "train.csv")
    tiles = [replace(row, path=f"tiles/{row.path}_x0_y0.png", sha256=f"{i:064}") for i, row in enumerate(rows)]
    write_manifest(tiles, split.folder / "val.csv")
    assert {leak.what for leak in split.leaks(quick=True).leaks if leak.kind == "scene"} == {
        "scene 0", "scene 3", "scene 6",
    }  # fmt: skip


@pytest.mark.shared_data
def test_photographs_split_by_folder_have_no_leak(shared_data, tmp_path):
    root = shared_data("data/photos/pexels")
    made = make_split(root, SplitSettings(0.2, 0.2))
    write_split(made.rows, tmp_path)
    write_card(SplitCard(str(root), "folder", 0, 0.2, 0.2), tmp_path)
    report = find_leaks(open_split(tmp_path))
    assert (report.leaks, report.changed) == ((), ())
    assert report.categories == ("brick buildings", "glass steel", "mixed materials", "stone facades")


@pytest.mark.shared_data
def test_smaller_copies_of_photographs_are_found(shared_data, split):
    paths = sorted(shared_data("data/photos/pexels").rglob("*.jpg"))[:10]
    for index, path in enumerate(paths):
        rgb = read_rgb(path)
        split.add("train", f"{path.parent.name}/IMG_{index}.png", rgb)
        split.add("val", f"copies/IMG_{index}.jpg", cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    found_copies = {leak.second.path for leak in split.leaks().leaks if leak.kind == "near"}
    assert found_copies == {f"copies/IMG_{index}.jpg" for index in range(10)}
