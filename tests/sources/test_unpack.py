"""Archives are unpacked whole or not at all, and never outside their folder."""

import errno
import os
import shutil
import tarfile
from types import SimpleNamespace

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.downloading.web import DownloadError
from realesrgan_arch.sources import place
from realesrgan_arch.sources import unpack as module
from realesrgan_arch.sources.archive import Limits
from realesrgan_arch.sources.table import Folder
from realesrgan_arch.sources.unpack import unpack as unpack_and_tell
from tests.sources.archives import content, tar_bytes, tar_link, write, zip_bytes

HR = Folder("set/HR", "HR", 2)
X4 = Folder("set/LR/X4", "LR/X4", 1)
MEMBERS = {
    "set/HR/a.png": b"aaaa",
    "set/HR/b.png": b"bb",
    "set/LR/X4/a.png": b"a",
    "set/LR/X2/a.png": b"not asked for",
    "set/readme.txt": b"hello",
    "__MACOSX/set/HR/._a.png": b"junk",
    "set/HR/.DS_Store": b"junk",
}
UNPACKED = {"HR/a.png": b"aaaa", "HR/b.png": b"bb", "LR/X4/a.png": b"a"}


def unpack(archive, folders, root, **options):
    """As of the package; returns what it told."""
    told = []
    unpack_and_tell(archive, folders, root, tell=told.append, **options)
    return told


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "sets" / "one"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    "data",
    [
        zip_bytes(MEMBERS),
        tar_bytes(MEMBERS),
        tar_bytes(MEMBERS, mode="w:gz"),
        tar_bytes({f"./{name}": data for name, data in MEMBERS.items()}),
    ],
    ids=["zip", "tar", "tar.gz", "dot-slash"],
)
def test_folders_go_to_their_places_and_the_rest_stays_packed(tmp_path, root, data):
    unpack(write(tmp_path / "set.bin", data), [HR, X4], root)
    assert content(root) == UNPACKED


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zip_bytes(MEMBERS | {"../evil.png": b"x"}), "'../evil.png', a path that leaves"),
        (zip_bytes(MEMBERS | {"set/HR/../../../evil.png": b"x"}), "a path that leaves"),
        (zip_bytes(MEMBERS | {"/tmp/evil.png": b"x"}), "'/tmp/evil.png', a path that leaves"),
        (zip_bytes(MEMBERS | {"C:/evil.png": b"x"}), "a path that leaves"),
        (zip_bytes(MEMBERS | {"set/C:/evil.png": b"x"}), "a path that leaves"),
        (zip_bytes(MEMBERS | {"set/HR/a.png:evil": b"x"}), "a path that leaves"),
        (zip_bytes(MEMBERS | {"set\\HR\\..\\..\\evil.png": b"x"}), "a path that leaves"),
        (zip_bytes(MEMBERS | {"set/HR//evil.png": b"x"}), "or is none"),
        (zip_bytes(MEMBERS, links={"set/HR/c.png": "/etc/passwd"}), "'set/HR/c.png', a link or a device"),
        (zip_bytes(MEMBERS | {"set/HR/A.PNG": b"x"}), "'set/HR/A.PNG', a name that occurs twice"),
        (zip_bytes(MEMBERS | {"set/HR": b"x"}), "'set/hr', a file and a folder"),
        (
            zip_bytes(MEMBERS | {"set/HR/c.png": b"x", "set/hr/C.PNG/d/e.png": b"x"}),
            "'set/hr/c.png', a file and a folder",
        ),
        (tar_bytes(MEMBERS | {"../evil.png": b"x"}), "a path that leaves"),
        (tar_bytes(MEMBERS | {"/tmp/evil.png": b"x"}, mode="w:gz"), "a path that leaves"),
        (tar_bytes(MEMBERS | {"s": tar_link("set/HR/c.png", tarfile.SYMTYPE)}), "a link or a device"),
        (tar_bytes(MEMBERS | {"s": tar_link("set/HR/c.png", tarfile.LNKTYPE)}), "a link or a device"),
        (tar_bytes(MEMBERS | {"s": tar_link("set/HR/c.png", tarfile.FIFOTYPE)}), "a link or a device"),
    ],
)
def test_an_archive_with_one_bad_member_is_refused_whole(tmp_path, root, data, what):
    archive = write(tmp_path / "set.bin", data)
    with pytest.raises(DataError, match=f"{what}.*nothing was unpacked"):
        unpack(archive, [HR, X4], root)
    assert content(tmp_path) == {"set.bin": data}


@pytest.mark.parametrize("pack", [zip_bytes, lambda members: tar_bytes(members, mode="w:gz")])
def test_a_bomb_is_refused_by_what_it_declares(tmp_path, root, pack):
    data = pack(MEMBERS | {"set/HR/c.png": bytes(60_000_000)})
    archive = write(tmp_path / "set.bin", data)
    with pytest.raises(
        DataError, match=r"would unpack to 60,0\d\d,\d\d\d bytes, [\d,]+ times its size; expected at most"
    ):
        unpack(archive, [HR], root)
    with pytest.raises(DataError, match="expected at most 10 bytes"):
        unpack(write(archive, pack(MEMBERS)), [HR], root, limits=Limits(max_bytes=10))
    with pytest.raises(DataError, match="holds more than the 3 files expected"):
        unpack(archive, [HR], root, limits=Limits(max_members=3))
    assert content(root) == {}


def test_a_zip_that_declares_less_than_it_holds_is_refused(tmp_path, root):
    data = zip_bytes(MEMBERS | {"set/HR/b.png": b"b" * 5000})
    lying = data.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    assert lying != data
    with pytest.raises(DataError, match=r"is damaged at set/HR/b\.png"):
        unpack(write(tmp_path / "set.zip", lying), [HR], root)
    assert content(root) == {}


@pytest.mark.parametrize(
    "data", [b"", b"<html>", zip_bytes(MEMBERS)[:-30], tar_bytes(MEMBERS, mode="w:gz")[:200], tar_bytes(MEMBERS)[:700]]
)
def test_what_is_no_whole_archive_is_one_sentence(tmp_path, root, data):
    with pytest.raises(DataError, match=r"set\.bin (is|holds)") as error:
        unpack(write(tmp_path / "set.bin", data), [HR], root)
    assert "\n" not in str(error.value)
    assert content(root) == {}


def test_a_flipped_bit_is_found_and_nothing_shown(tmp_path, root):
    data = bytearray(zip_bytes({"set/HR/a.png": os.urandom(4000), "set/HR/b.png": b"bb"}))
    data[2000] ^= 1
    with pytest.raises(DataError, match=r"is damaged at set/HR/a\.png"):
        unpack(write(tmp_path / "set.zip", bytes(data)), [HR], root)
    assert list(root.iterdir()) == []


def test_another_number_of_images_is_another_archive(tmp_path, root):
    archive = write(tmp_path / "set.zip", zip_bytes(MEMBERS))
    with pytest.raises(DataError, match="holds 2 images in set/HR, expected 3: it is another archive"):
        unpack(archive, [X4, Folder("set/HR", "HR", 3)], root)
    assert content(root) == {}


def test_what_an_unpacking_that_was_stopped_left_is_replaced(tmp_path, root):
    (root / "HR").mkdir()
    (root / "HR/a.png").write_bytes(b"aaaa")
    (root / ".unpacking/new/HR").mkdir(parents=True)
    assert unpack(write(tmp_path / "set.zip", zip_bytes(MEMBERS)), [HR, X4], root) == []
    assert content(root.parent) == {f"one/{name}": data for name, data in UNPACKED.items()}


@pytest.mark.parametrize("edit", [b"another size", b"AAAA", None], ids=["size", "bytes", "link"])
def test_a_file_that_the_user_changed_is_moved_aside_and_named(tmp_path, root, edit):
    (root / "HR").mkdir()
    (root / "HR/b.png").write_bytes(b"bb")
    mine = write(tmp_path / "mine.png", b"mine")
    if edit is None:
        (root / "HR/a.png").symlink_to(mine)
    else:
        (root / "HR/a.png").write_bytes(edit)
    told = unpack(write(tmp_path / "set.zip", zip_bytes(MEMBERS)), [HR, X4], root)
    (aside,) = root.parent.glob("one.replaced-*")
    assert content(root) == UNPACKED
    assert content(aside) == {"HR/a.png": edit or b"mine"}
    assert told == [f"1 file in {root} not as published, moved to {aside}"]
    assert mine.read_bytes() == b"mine"


def test_two_changes_in_one_second_are_both_kept(tmp_path, root, monkeypatch):
    monkeypatch.setattr(place.time, "strftime", lambda _: "now")
    archive = write(tmp_path / "set.zip", zip_bytes(MEMBERS))
    for edit in (b"first", b"second"):
        (root / "HR").mkdir(exist_ok=True)
        (root / "HR/a.png").write_bytes(edit)
        unpack(archive, [HR], root)
    kept = {f"one.replaced-{name}/HR/a.png": data for name, data in (("now", b"first"), ("now-1", b"second"))}
    assert content(root.parent).items() >= kept.items()


def test_everything_is_flushed_before_it_gets_its_name(tmp_path, root, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "sync", lambda: seen.append(content(root)))
    unpack(write(tmp_path / "set.zip", zip_bytes(MEMBERS)), [HR, X4], root)
    assert seen == [{f".unpacking/new/{name}": data for name, data in UNPACKED.items()}]


def test_files_of_the_user_are_not_replaced(tmp_path, root):
    (root / "HR").mkdir()
    (root / "HR/mine.png").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"HR holds what is not of the set \(mine\.png\); move it away"):
        unpack(write(tmp_path / "set.zip", zip_bytes(MEMBERS)), [HR, X4], root)
    assert content(root) == {"HR/mine.png": b"mine"}


def test_room_is_checked_before_unpacking(tmp_path, root, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5))
    with pytest.raises(DownloadError, match=r"unpacking set\.zip needs 6 bytes in .*one, but"):
        unpack(write(tmp_path / "set.zip", zip_bytes(MEMBERS)), [HR], root)
    assert content(root) == {}


def test_a_disk_that_fills_up_leaves_no_half_set_and_keeps_the_archive(tmp_path, root, monkeypatch):
    def fill(source, target):
        target.write(b"a")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    archive = write(tmp_path / "set.zip", zip_bytes(MEMBERS))
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "copyfileobj", fill)
        with pytest.raises(DataError, match="No space left on device; the archive is kept: mend that and run"):
            unpack(archive, [HR], root)
    assert list(root.iterdir()) == []
    unpack(archive, [HR, X4], root)
    assert content(root) == UNPACKED
