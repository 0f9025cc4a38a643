import os
from pathlib import Path

import pytest

from realesrgan_arch.data.files import (
    DataError,
    NoPicturesError,
    is_below_root,
    list_folder,
    list_images,
    name_of,
    read_meta_info,
    read_paired_meta_info,
)
from realesrgan_arch.errors import EXIT_NOTHING_TO_DO
from tests.corpus.powers import permissions_hold


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


@pytest.mark.parametrize("listed", [("far", "a", "near"), ("near", "a", "far")])
def test_what_a_link_shows_again_is_listed_in_its_real_folder_in_any_order_of_the_disk(tmp_path, monkeypatch, listed):
    touch(tmp_path, "data/a/1.png", "data/far/deep/2.png", "elsewhere/3.png")
    (tmp_path / "data/a/link").symlink_to(tmp_path / "data/far/deep")
    (tmp_path / "data/x").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/y").symlink_to(tmp_path / "elsewhere")
    walk = os.walk

    def in_some_order(*arguments, **named):
        for parent, folders, names in walk(*arguments, **named):
            folders.sort(reverse=listed[0] == "far")
            yield parent, folders, names

    monkeypatch.setattr(os, "walk", in_some_order)
    assert names_of(list_images(tmp_path / "data"), tmp_path / "data") == ["a/1.png", "far/deep/2.png", "x/3.png"]


def test_a_folder_that_may_be_listed_but_not_entered_is_named_once(tmp_path):
    touch(tmp_path, "open/1.png", "closed/2.png", "closed/3.png", "closed/deep/4.png", "shut/5.png", "shut/in/6.png")
    (tmp_path / "open/link").symlink_to(tmp_path / "shut/in")
    (tmp_path / "open/loop").symlink_to(tmp_path / "open/loop")
    (tmp_path / "closed").chmod(0o444)
    (tmp_path / "shut").chmod(0o000)
    try:
        with permissions_hold():
            listing = list_folder(tmp_path)
            with pytest.raises(DataError, match=r"The folder .*closed cannot be read: Permission denied"):
                list_images(tmp_path / "closed")
            with pytest.raises(DataError, match=r"The folder .*shut/in cannot be read: Permission denied"):
                list_images(tmp_path / "shut/in")
    finally:
        (tmp_path / "closed").chmod(0o755)
        (tmp_path / "shut").chmod(0o755)
    assert names_of(list(listing.images), tmp_path) == ["open/1.png"]
    unreadable = {path.relative_to(tmp_path).as_posix(): reason for path, reason in listing.unreadable}
    assert unreadable == dict.fromkeys(["closed", "shut", "open/link"], "Permission denied")


def test_a_folder_that_goes_while_it_is_listed_does_not_stop_the_walk(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.png", "b/2.png")
    walk = os.walk

    def walk_and_remove(*arguments, **named):
        for parent, folders, names in walk(*arguments, **named):
            if Path(parent) == tmp_path:
                folders.append("gone")
            yield parent, folders, names

    monkeypatch.setattr(os, "walk", walk_and_remove)
    listing = list_folder(tmp_path)
    assert names_of(list(listing.images), tmp_path) == ["a/1.png", "b/2.png"]
    assert listing.unreadable == ((tmp_path / "gone", "No such file or directory"),)


@pytest.mark.parametrize("name", ["a.png", "a\\b.png", "a:b/c.png", "b..c/..d.png", "-rf/ x .png", "\udcff.png"])
def test_odd_names_stay_below_the_root(name):
    assert is_below_root(name)


@pytest.mark.parametrize(
    "name", ["/a", "../a", "a/..", "..\\a", "a\\..\\..\\b", "C:/a", "c:\\a", "\\a", "\\\\host\\a", "a\0"]
)
def test_names_that_would_leave_the_root_on_linux_or_windows_do_not(name):
    assert not is_below_root(name)


def test_names_that_are_not_utf8_are_listed(tmp_path):
    touch(tmp_path, os.fsdecode(b"\xff.png"))
    assert [os.fsencode(path.name) for path in list_images(tmp_path)] == [b"\xff.png"]


def test_a_missing_or_empty_folder_or_a_file_is_one_sentence(tmp_path):
    touch(tmp_path, "file.png", "empty/note.txt")
    with pytest.raises(DataError, match="Expected a folder of images, but .*none does not exist"):
        list_images(tmp_path / "none")
    with pytest.raises(DataError, match=r"file.png is a file"):
        list_images(tmp_path / "file.png")
    with pytest.raises(NoPicturesError, match="No image found in .*empty") as caught:
        list_images(tmp_path / "empty")
    assert caught.value.exit_code == EXIT_NOTHING_TO_DO


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


@pytest.mark.parametrize("name", ["../secret.png", "a/../../secret.png", "/etc/secret.png", "a\0.png", "C:/x.png"])
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


def test_a_listed_name_that_no_file_system_takes_does_not_exist(tmp_path):
    (tmp_path / "list.txt").write_text("n" * 300 + ".png")
    with pytest.raises(DataError, match="1 of 1 image of .*list.txt do not exist"):
        read_meta_info(tmp_path / "list.txt", tmp_path)


def test_a_folder_goes_by_the_name_that_the_user_gave_it(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "villas").symlink_to("photos")
    monkeypatch.chdir(tmp_path / "photos")
    names = [name_of(path) for path in (tmp_path / "villas", Path("../villas"), Path(), Path(".."))]
    assert names == ["villas", "villas", "photos", tmp_path.name]
