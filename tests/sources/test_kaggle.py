"""Kaggle's set comes through kagglehub; tests inject a module of that name, since they cannot reach Kaggle."""

import errno
import os
import shutil
import sys
import zipfile
from types import ModuleType, SimpleNamespace

import pytest

from realesrgan_arch.data.files import DataError, list_folder
from realesrgan_arch.downloading.web import DownloadError
from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.sources.get import get_source
from realesrgan_arch.sources.table import Source
from tests.sources.archives import content
from tests.sources.kaggle_tree import FOLDERS, draw_kaggle_tree

KAGGLE = Source("modern", "Modern", "https://k/modern", "see page", "https://k", "Tom", (), "tom/modern", min_images=24)


class UnauthenticatedError(Exception):
    pass


class KaggleApiHTTPError(OSError):
    def __init__(self, message, status_code):
        super().__init__(message)
        self.response = SimpleNamespace(status_code=status_code)


@pytest.fixture
def cache(tmp_path):
    folder = tmp_path / "cache/kagglehub/datasets/tom/modern/versions/1"
    draw_kaggle_tree(folder)
    (folder / "readme.md").write_text("about")
    return folder


@pytest.fixture
def kagglehub(monkeypatch, cache):
    """A kagglehub with the signature of the real one that gives `cache`, or raises `fault`."""
    fake, exceptions = ModuleType("kagglehub"), ModuleType("kagglehub.exceptions")
    fake.calls, fake.fault = [], None
    exceptions.UnauthenticatedError, exceptions.KaggleApiHTTPError = UnauthenticatedError, KaggleApiHTTPError

    def dataset_download(handle, path=None, *, force_download=False, output_dir=None):
        fake.calls.append((handle, path, force_download, output_dir))
        if fake.fault:
            raise fake.fault
        return str(cache)

    fake.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", fake)
    monkeypatch.setitem(sys.modules, "kagglehub.exceptions", exceptions)
    return fake


def get(tmp_path):
    told = []
    return get_source(KAGGLE, tmp_path / "datasets", tell=told.append), told


def test_the_tree_arrives_as_it_is_and_shares_no_file_with_the_cache(tmp_path, kagglehub, cache):
    got, told = get(tmp_path)
    folder = tmp_path / "datasets/modern"
    here = content(folder)
    assert here.pop(".receipt.json")
    assert here == content(cache)
    assert "licence: see page (https://k)" in told
    assert kagglehub.calls == [("tom/modern", None, False, None)]
    picture = next(folder.rglob("*.jpg"))
    assert not picture.samefile(cache / picture.relative_to(folder))
    assert sorted(amount.path for amount in got.parts["all"]) == sorted([*FOLDERS, "readme.md"])
    assert len(list_folder(folder).images) == 24


def test_a_second_run_does_not_ask_kaggle(tmp_path, kagglehub):
    get(tmp_path)
    got, told = get(tmp_path)
    assert len(kagglehub.calls) == 1
    assert (got.new_parts, told) == ((), [])


def test_a_lost_picture_comes_back_from_the_cache(tmp_path, kagglehub, cache):
    get(tmp_path)
    next((tmp_path / "datasets/modern").rglob("*.jpg")).unlink()
    _, told = get(tmp_path)
    assert "has lost files of all" in told[-1]
    assert len(content(tmp_path / "datasets/modern")) == 26


@pytest.mark.parametrize("fault", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP])
def test_file_systems_that_cannot_copy_by_themselves_are_read_and_written(
    tmp_path, kagglehub, cache, monkeypatch, fault
):
    def refuse(*_):
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    get(tmp_path)
    here = content(tmp_path / "datasets/modern")
    assert here.pop(".receipt.json")
    assert here == content(cache)


def test_a_full_disk_while_copying_leaves_no_half_set(tmp_path, kagglehub, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "copy_file_range", full)
        with pytest.raises(DataError, match="cannot bring modern from .*No space left on device; mend that and run"):
            get(tmp_path)
    assert content(tmp_path / "datasets") == {}
    get(tmp_path)


def test_files_of_the_user_stop_it(tmp_path, kagglehub):
    mine = tmp_path / "datasets/modern" / FOLDERS[0] / "mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"houses-01 holds what is not of the set \(mine\.jpg\)"):
        get(tmp_path)
    assert mine.read_bytes() == b"mine"


def test_a_folder_of_the_user_where_the_set_has_a_file_stops_it(tmp_path, kagglehub):
    mine = tmp_path / "datasets/modern/readme.md/mine.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"readme\.md holds what is not of the set \(mine\.jpg\)"):
        get(tmp_path)
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["readme.md", f"{FOLDERS[0]}/house-by-the-lake-studio-nord-01.jpg"])
def test_a_file_that_the_user_changed_is_moved_aside_and_comes_back_from_a_cache_that_is_as_it_was(
    tmp_path, kagglehub, cache, name
):
    before = content(cache)
    get(tmp_path)
    with (tmp_path / "datasets/modern" / name).open("r+b") as file:
        file.write(b"mine")
    edited = (tmp_path / "datasets/modern" / name).read_bytes()
    (tmp_path / "datasets/modern/.receipt.json").unlink()
    _, told = get(tmp_path)
    (aside,) = (tmp_path / "datasets").glob("modern.replaced-*")
    assert content(aside) == {name: edited}
    assert str(aside) in told[-1]
    assert content(cache) == before
    assert (tmp_path / "datasets/modern" / name).read_bytes() == before[name]


@pytest.mark.parametrize("goal", ["file", "folder", "nowhere"])
def test_links_among_what_kaggle_gave_are_refused(tmp_path, kagglehub, cache, goal):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"secret")
    (cache / "link.jpg").symlink_to(tmp_path / goal)
    with pytest.raises(DataError, match=r"expected plain files from https://k/modern, got the link .*link\.jpg: no"):
        get(tmp_path)
    assert content(tmp_path / "datasets") == {}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            UnauthenticatedError("User is not authenticated"),
            "only to those it knows: log in at https://k/modern and acc",
        ),
        (
            KaggleApiHTTPError("403 Client Error.\n\nNo permission", 403),
            r"accept its terms.*403 Client Error\. No perm",
        ),
        (
            KaggleApiHTTPError("404 Client Error.\n\nNot found", 404),
            r"cannot fetch tom/modern from Kaggle \(404 Client",
        ),
        (ConnectionError("no route\nto host"), r"\(no route to host\): check the network and https://k/modern"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (zipfile.BadZipFile("File is not a zip file"), r"\(File is not a zip file\): check the network"),
    ],
)
def test_what_kaggle_refuses_is_one_sentence(tmp_path, kagglehub, fault, message):
    kagglehub.fault = fault
    with pytest.raises(DataError, match=message) as error:
        get(tmp_path)
    assert "\n" not in str(error.value)
    assert content(tmp_path / "datasets") == {}


def test_too_few_images_are_no_set(tmp_path, kagglehub, cache):
    shutil.rmtree(cache / FOLDERS[0])
    with pytest.raises(DataError, match="expected at least 24 images from https://k/modern, got 16 in .*versions/1"):
        get(tmp_path)


def test_without_kagglehub_the_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingExtraError, match=r"fetching modern from Kaggle needs kagglehub.*arch\[kaggle\]"):
        get(tmp_path)


def test_room_for_copies_is_checked_before_the_first(tmp_path, kagglehub, cache, monkeypatch):
    needed = sum(map(len, content(cache).values()))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed - 1))
    with pytest.raises(DownloadError, match="copying from the cache needs"):
        get(tmp_path)
    assert content(tmp_path / "datasets") == {}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=needed))
    get(tmp_path)
