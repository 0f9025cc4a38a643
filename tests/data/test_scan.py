"""A scan reads every image once, and loses nothing: what cannot be read, or is dropped, is listed."""

import hashlib
import os

import pytest

from realesrgan_arch.audit.keep_list import KeepList
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.scan import scan_folder
from realesrgan_arch.images import read_rgb
from realesrgan_arch.perceptual_hash import fingerprint
from tests.data.pictures import write_noise, write_truncated


def test_facts_of_an_image(tmp_path):
    file = write_noise(tmp_path / "a/1.png", seed=1, height=20, width=30)
    (image,) = scan_folder(tmp_path, with_looks=True).images
    assert (image.path, image.width, image.height, image.bytes) == ("a/1.png", 30, 20, file.stat().st_size)
    assert image.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert image.look == fingerprint(read_rgb(file))
    assert scan_folder(tmp_path).images[0].look is None


def test_unreadable_images_are_left_out_and_listed(tmp_path):
    write_noise(tmp_path / "a/1.png", seed=1)
    write_truncated(tmp_path / "a/2.png")
    (tmp_path / "a/3.jpg").write_text("words")
    scan = scan_folder(tmp_path)
    assert [image.path for image in scan.images] == ["a/1.png"]
    assert [item.path for item in scan.unreadable] == ["a/2.png", "a/3.jpg"]
    assert "truncated PNG" in scan.unreadable[0].reason and "a text file" in scan.unreadable[1].reason
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(DataError, match=r"can be read \(2 images and 0 folders cannot\); first: .*truncated"):
        scan_folder(tmp_path)


def test_folders_that_cannot_be_read_are_listed_and_the_rest_is_scanned(tmp_path, monkeypatch):
    write_noise(tmp_path / "a/1.png", seed=1)
    write_noise(tmp_path / "closed/1.png", seed=2)
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    scan = scan_folder(tmp_path)
    assert [image.path for image in scan.images] == ["a/1.png"]
    assert [item.path for item in scan.unreadable] == ["closed"]
    assert "closed cannot be read: Permission denied" in scan.unreadable[0].reason


def test_an_image_that_is_damaged_inside_is_found_when_it_is_looked_at(tmp_path):
    write_noise(tmp_path / "1.png", seed=1)
    data = write_noise(tmp_path / "2.png", seed=2).read_bytes()
    start = data.index(b"IDAT") + 4
    (tmp_path / "2.png").write_bytes(data[:start] + bytes(len(data) - start - 20) + data[-20:])
    assert [item.path for item in scan_folder(tmp_path, with_looks=True).unreadable] == ["2.png"]


def test_a_keep_list_drops_without_reading_and_must_know_every_image(tmp_path):
    write_noise(tmp_path / "a/1.png", seed=1)
    write_truncated(tmp_path / "a/2.png")
    keep = KeepList(kept=frozenset({"a/1.png", "gone.png"}), dropped={"a/2.png": "truncated"})
    scan = scan_folder(tmp_path, keep=keep)
    assert ([image.path for image in scan.images], scan.unreadable, scan.num_dropped) == (["a/1.png"], (), 1)
    write_noise(tmp_path / "new.png", seed=3)
    with pytest.raises(DataError, match=r"keep-list does not know 1 of 3 images .*: new.png; run `data audit` again"):
        scan_folder(tmp_path, keep=keep)
    everything = KeepList(kept=frozenset(), dropped=dict.fromkeys(["a/1.png", "a/2.png", "new.png"], "blurred"))
    with pytest.raises(DataError, match=r"keep-list drops every image in .* \(3\)"):
        scan_folder(tmp_path, keep=everything)


def test_a_folder_without_images_says_what_was_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(DataError, match=r"No image found in .*\.png"):
        scan_folder(tmp_path)
