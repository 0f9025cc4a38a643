"""What is to be magnified: trees, junk, results of earlier runs, links, lists."""

import os

import pytest

from realesrgan_arch.data.files import DataError, FolderListing, NoPicturesError
from realesrgan_arch.errors import EXIT_NOTHING_TO_DO
from realesrgan_arch.upscaling import sources
from realesrgan_arch.upscaling.output_place import OutputError
from realesrgan_arch.upscaling.sources import find_sources


def _files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not read")
    return folder


def _names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_tree_is_found_in_natural_order_and_junk_is_counted(tmp_path):
    photos = _files(tmp_path / "photos", "10.png", "2.jpg", "sub/deep/3.TIF")
    _files(photos, "Thumbs.db", ".DS_Store", "desktop.ini", "._2.jpg", "notes.txt", "sub/plan.pdf")
    found = find_sources(photos, tmp_path / "out")
    assert _names(found.asked, photos) == ["2.jpg", "10.png", "sub/deep/3.TIF"]
    assert found.all == found.asked
    assert found.num_ignored == 6


def test_one_picture_is_found(tmp_path):
    photo = _files(tmp_path, "a.png") / "a.png"
    found = find_sources(photo, tmp_path)
    assert (found.root, found.asked) == (tmp_path, (photo,))


def test_results_inside_the_input_folder_are_not_taken_for_photographs(tmp_path):
    photos = _files(
        tmp_path / "photos", "a.png", "results/a_out.png", "results/sub/b_out.png", "results/manifest.jsonl"
    )
    found = find_sources(photos, photos / "results")
    assert _names(found.asked, photos) == ["a.png"]
    assert _names(found.skipped, photos) == ["results/a_out.png", "results/sub/b_out.png"]
    assert found.num_ignored == 0


def test_results_behind_a_link_are_not_taken_for_photographs(tmp_path):
    photos, output = _files(tmp_path / "photos", "a.png"), _files(tmp_path / "out", "a_out.png")
    (photos / "link").symlink_to(output)
    assert _names(find_sources(photos, output).asked, photos) == ["a.png"]


def test_an_output_folder_around_the_input_skips_nothing(tmp_path):
    photos = _files(tmp_path / "photos", "a.png")
    found = find_sources(photos, tmp_path)
    assert (_names(found.asked, photos), found.skipped) == (["a.png"], ())


def test_links_in_a_circle_and_pipes_end_the_search_all_the_same(tmp_path):
    photos = _files(tmp_path / "photos", "a.png")
    (photos / "again").symlink_to(photos)
    (photos / "x").symlink_to(photos / "y")
    (photos / "y").symlink_to(photos / "x")
    os.mkfifo(photos / "pipe.png")
    assert _names(find_sources(photos, tmp_path / "out").asked, photos) == ["a.png"]


def test_a_list_asks_for_some_and_all_decide_the_names(tmp_path):
    photos = _files(tmp_path / "photos", "a.jpg", "a.tif", "b.jpg", "out/c_out.jpg")
    (tmp_path / "list.txt").write_text("b.jpg\na.tif\nabsent.jpg\nout/c_out.jpg\n")
    found = find_sources(photos, photos / "out", from_list=tmp_path / "list.txt")
    assert _names(found.asked, photos) == ["b.jpg", "a.tif", "absent.jpg"]
    assert _names(found.all, photos) == ["a.jpg", "a.tif", "b.jpg", "absent.jpg"]
    assert _names(found.skipped, photos) == ["out/c_out.jpg"]


def test_a_folder_that_may_not_be_read_is_named_and_stops_nothing(tmp_path, monkeypatch):
    photos = _files(tmp_path / "photos", "a.png")
    listing = FolderListing((photos / "a.png",), (), ((photos / "closed", "Permission denied"),), 0)
    monkeypatch.setattr(sources, "list_folder", lambda _: listing)
    found = find_sources(photos, tmp_path / "out")
    assert _names(found.asked, photos) == ["a.png"]
    sentence = f"The folder {photos / 'closed'} cannot be read: Permission denied."
    assert found.unreadable == ((photos / "closed", sentence),)


def test_a_folder_without_pictures_says_what_was_found_and_has_an_exit_code_of_its_own(tmp_path):
    photos = _files(tmp_path / "photos", "a.pdf", "b.PDF", "c")
    with pytest.raises(
        NoPicturesError, match=r"No image found in .*photos or .*; found \.pdf, no extension\)\."
    ) as caught:
        find_sources(photos, tmp_path / "out")
    assert caught.value.exit_code == EXIT_NOTHING_TO_DO == 4
    _files(tmp_path / "only", "out/a.png")
    with pytest.raises(NoPicturesError, match="outside of the output folder"):
        find_sources(tmp_path / "only", tmp_path / "only" / "out")


def test_what_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(DataError, match="does not exist") as caught:
        find_sources(tmp_path / "absent", tmp_path / "out")
    assert caught.value.exit_code == 2
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="is neither"):
        find_sources(tmp_path / "pipe.png", tmp_path / "out")


def test_a_list_without_a_folder_is_refused(tmp_path):
    _files(tmp_path, "a.png", "list.txt")
    with pytest.raises(DataError, match="but the input .* is a file"):
        find_sources(tmp_path / "a.png", tmp_path / "out", from_list=tmp_path / "list.txt")


def test_the_input_folder_as_output_is_refused(tmp_path):
    _files(tmp_path, "a.png")
    (tmp_path / "link").symlink_to(tmp_path)
    for output in (tmp_path / "sub" / "..", tmp_path / "link"):
        with pytest.raises(OutputError, match="is the input folder"):
            find_sources(tmp_path, output)
