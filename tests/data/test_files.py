import os
from pathlib import Path

import pytest

from realesrgan_arch.data.files import DataError, list_images, read_meta_info, read_paired_meta_info


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def names_of(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_images_are_listed_recursively_in_natural_order(tmp_path):
    touch(
        tmp_path,
        "b/10.png",
        "b/2.PNG",
        "b/1.jpeg",
        "a/deep/er/x.webp",
        "10.tif",
        "9.tif",
        "no.txt",
        "B/3.jpg",
        "²3.png",
    )
    listed = names_of(list_images(tmp_path), tmp_path)
    assert listed == ["9.tif", "10.tif", "a/deep/er/x.webp", "b/1.jpeg", "b/2.PNG", "B/3.jpg", "b/10.png", "²3.png"]


def test_junk_is_left_out(tmp_path):
    touch(
        tmp_path,
        "a.jpg",
        "._a.jpg",
        ".hidden.png",
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        ".git/b.png",
        "__MACOSX/c.png",
    )
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert names_of(list_images(tmp_path), tmp_path) == ["a.jpg"]


def test_a_loop_of_links_ends_and_linked_folders_are_walked_once(tmp_path):
    touch(tmp_path, "data/a/1.png", "elsewhere/2.png")
    (tmp_path / "data/a/loop").symlink_to(tmp_path / "data")
    (tmp_path / "data/far").symlink_to(tmp_path / "elsewhere")
    assert names_of(list_images(tmp_path / "data"), tmp_path) == ["data/a/1.png", "data/far/2.png"]


def test_names_that_are_not_utf8_are_listed(tmp_path):
    touch(tmp_path, os.fsdecode(b"\xff.png"))
    assert [os.fsencode(path.name) for path in list_images(tmp_path)] == [b"\xff.png"]


def test_a_missing_or_empty_folder_or_a_file_is_one_sentence(tmp_path):
    touch(tmp_path, "file.png", "empty/note.txt")
    with pytest.raises(DataError, match="Expected a folder of images, but .*none does not exist"):
        list_images(tmp_path / "none")
    with pytest.raises(DataError, match=r"file.png is a file"):
        list_images(tmp_path / "file.png")
    with pytest.raises(DataError, match="No image found in .*empty"):
        list_images(tmp_path / "empty")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("a.png", "a.png"),
        ("a.png (480,480,3)", "a.png"),
        ("a.png (480,480,3) 1", "a.png"),
        ("sub folder/my photo 2.png", "sub folder/my photo 2.png"),
        ("my photo (1).png (480, 480, 3)", "my photo (1).png"),
        ("villa, north.png", "villa, north.png"),
        ("a.png, lq/a.png", "a.png"),
    ],
)
def test_every_upstream_line_is_understood(tmp_path, line, name):
    touch(tmp_path, name)
    (tmp_path / "meta.txt").write_text(f"\ufeff{line}\r\n\n")
    assert read_meta_info(tmp_path / "meta.txt", tmp_path) == [tmp_path / name]


def test_pairs_are_read_from_two_roots_and_commas_in_names_are_no_separator(tmp_path):
    touch(tmp_path, "gt/villa, north.png", "lq/villa, north x4.png")
    (tmp_path / "meta.txt").write_text("villa, north.png, villa, north x4.png\n")
    pairs = read_paired_meta_info(tmp_path / "meta.txt", gt_root=tmp_path / "gt", lq_root=tmp_path / "lq")
    assert pairs == [(tmp_path / "gt/villa, north.png", tmp_path / "lq/villa, north x4.png")]
    (tmp_path / "meta.txt").write_text("villa.png\n")
    with pytest.raises(DataError, match=r"Expected 'gt.png, lq.png' in .*meta.txt, got 'villa.png'"):
        read_paired_meta_info(tmp_path / "meta.txt", gt_root=tmp_path, lq_root=tmp_path)


@pytest.mark.parametrize("name", ["../secret.png", "a/../../secret.png", "/etc/secret.png"])
def test_names_that_leave_the_root_are_refused(tmp_path, name):
    (tmp_path / "meta.txt").write_text(name)
    with pytest.raises(DataError, match="lies outside of"):
        read_meta_info(tmp_path / "meta.txt", tmp_path / "root")


def test_missing_images_are_named_and_counted(tmp_path):
    touch(tmp_path, "3.png")
    (tmp_path / "meta.txt").write_text("\n".join(f"{i}.png" for i in range(6)))
    with pytest.raises(DataError, match=r"5 of 6 images of .*0.png, .*1.png, .*2.png and 2 more"):
        read_meta_info(tmp_path / "meta.txt", tmp_path)


def test_a_missing_or_empty_list_is_one_sentence(tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(DataError, match="empty.txt is empty"):
        read_meta_info(tmp_path / "empty.txt", tmp_path)
    with pytest.raises(DataError, match="none.txt cannot be read: No such file"):
        read_meta_info(tmp_path / "none.txt", tmp_path)


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "a\0.png"])
def test_a_listed_name_that_no_file_system_takes_does_not_exist(tmp_path, name):
    (tmp_path / "list.txt").write_text(name)
    with pytest.raises(DataError, match="1 of 1 images of .*list.txt do not exist"):
        read_meta_info(tmp_path / "list.txt", tmp_path)
