"""Folder runs: the tree, names that clash, results in the input folder, bad files among good ones, failed writes."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from realesrgan_arch.images import Picture, read_picture, read_rgb, write_picture
from realesrgan_arch.upscaling import folder as folder_module
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.folder import upscale_folder
from realesrgan_arch.upscaling.picture import PictureUpscaler
from tests.upscaling.planning import photo, plan


class Repeat(nn.Module):
    def forward(self, x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture
def upscaler():
    return PictureUpscaler(Upscaler(TorchBackend(Repeat(), scale=2, device=torch.device("cpu"))), outscale=2)


def _files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_is_mirrored_and_junk_is_left_out(tmp_path, upscaler):
    photos, output = tmp_path / "photos", tmp_path / "out"
    for name in ("north/1.png", "south/1.png", "south/deep/2.jpg", "3.PNG"):
        photo(photos / name)
    (photos / "Thumbs.db").write_bytes(b"junk")
    (photos / "._3.PNG").write_bytes(b"junk")
    report = upscale_folder(plan(photos, output), upscaler=upscaler)
    expected = ["3_out.PNG", "north/1_out.png", "south/1_out.png", "south/deep/2_out.jpg"]
    assert _files(output) == expected
    assert sorted(report.ok) == sorted(output / name for name in expected)
    assert report.failed == ()
    source = read_rgb(photos / "south/1.png")
    assert np.array_equal(read_rgb(output / "south/1_out.png"), source.repeat(2, 0).repeat(2, 1))


def test_one_file_goes_into_the_output_folder(tmp_path, upscaler):
    picture = photo(tmp_path / "a.png")
    planned = plan(picture, tmp_path, suffix="x2", ext="jpg")
    assert upscale_folder(planned, upscaler=upscaler).ok == (tmp_path / "a_x2.jpg",)


def test_one_bad_file_does_not_stop_the_rest_and_leaves_nothing_behind(tmp_path, upscaler):
    photos, output = tmp_path / "photos", tmp_path / "out"
    good = [photo(photos / name) for name in ("a.png", "z.png")]
    (photos / "empty.png").write_bytes(b"")
    (photos / "text.jpg").write_text("not an image")
    (photos / "cut.png").write_bytes(good[0].read_bytes()[:-30])
    report = upscale_folder(plan(photos, output), upscaler=upscaler)
    assert _files(output) == ["a_out.png", "z_out.png"]
    assert sorted(path.name for path, _ in report.failed) == ["cut.png", "empty.png", "text.jpg"]
    assert all(path.name in reason for path, reason in report.failed)


def test_an_error_in_the_network_fails_that_file_only(tmp_path):
    class Fragile(Repeat):
        def forward(self, x):
            if x.mean() > 0.9:
                raise RuntimeError("injected device fault")
            return super().forward(x)

    for name, value in (("a.png", 10), ("b.png", 255), ("c.png", 20)):
        photo(tmp_path / "photos" / name, value=value)
    upscaler = PictureUpscaler(Upscaler(TorchBackend(Fragile(), scale=2, device=torch.device("cpu"))), outscale=2)
    report = upscale_folder(plan(tmp_path / "photos", tmp_path / "out"), upscaler=upscaler)
    bad = tmp_path / "photos/b.png"
    assert report.failed == ((bad, f"{bad}: injected device fault"),)
    assert _files(tmp_path / "out") == ["a_out.png", "c_out.png"]


def test_a_failed_write_is_a_failed_file(tmp_path, upscaler):
    photos, output = tmp_path / "photos", tmp_path / "out"
    photo(photos / "sub" / "a.png")
    photo(photos / "b.png")
    planned = plan(photos, output)
    (output / "sub").write_text("a file where the folder should be")
    report = upscale_folder(planned, upscaler=upscaler)
    assert [path.name for path, _ in report.failed] == ["a.png"]
    assert report.ok == (output / "b_out.png",)


def test_a_full_disk_is_an_error_and_leaves_no_partial_file(tmp_path, upscaler, monkeypatch):
    photo(tmp_path / "photos" / "a.png")
    planned = plan(tmp_path / "photos", tmp_path / "out")

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    report = upscale_folder(planned, upscaler=upscaler)
    assert report.ok == ()
    assert "No space left on device" in report.failed[0][1]
    assert _files(tmp_path / "out") == []


def test_memory_that_runs_out_fails_that_file_only(tmp_path, upscaler, monkeypatch):
    photos = tmp_path / "photos"
    photo(photos / "a.png")
    photo(photos / "b.png")
    read = folder_module.read_picture

    def hungry(path):
        if path.name == "a.png":
            raise MemoryError
        return read(path)

    monkeypatch.setattr(folder_module, "read_picture", hungry)
    report = upscale_folder(plan(photos, tmp_path / "out"), upscaler=upscaler)
    assert len(report.ok) == 1
    assert "a.png needs more memory than there is" in report.failed[0][1]


def test_a_result_that_cannot_be_resized_fails_that_file_only(tmp_path, monkeypatch):
    def no_memory(pixels, size, interpolation):
        if pixels[0, 0, 0] == 255:
            raise cv2.error("OpenCV: Failed to allocate 9 bytes")
        return resize(pixels, size, interpolation=interpolation)

    resize = cv2.resize
    monkeypatch.setattr(cv2, "resize", no_memory)
    for name, value in (("a.png", 255), ("b.png", 20)):
        photo(tmp_path / "photos" / name, value=value)
    upscaler = PictureUpscaler(Upscaler(TorchBackend(Repeat(), scale=2, device=torch.device("cpu"))), outscale=3)
    report = upscale_folder(plan(tmp_path / "photos", tmp_path / "out"), upscaler=upscaler)
    assert _files(tmp_path / "out") == ["b_out.png"]
    assert report.failed[0][1].startswith(f"{tmp_path / 'photos/a.png'}: the result cannot be resized to 24 x 18: ")


def _with_alpha(path):
    write_picture(path, Picture(np.zeros((4, 4, 3), np.uint8), alpha=np.full((4, 4), 99, np.uint8)))
    return path


def test_transparency_that_the_asked_format_cannot_hold_becomes_png_as_upstream(tmp_path, upscaler, caplog):
    photos, output = tmp_path / "photos", tmp_path / "out"
    photo(photos / "b.png")
    _with_alpha(photos / "a.png")
    report = upscale_folder(plan(photos, output, ext="jpg"), upscaler=upscaler)
    assert report.ok == (output / "a_out.png", output / "b_out.jpg")
    assert read_picture(report.ok[0]).alpha is not None
    assert caplog.messages == [f"{photos / 'a.png'} has transparency, which JPEG cannot hold: the result is a_out.png."]


def test_a_png_for_the_sake_of_transparency_does_not_replace_its_source(tmp_path, upscaler):
    photo = _with_alpha(tmp_path / "a.png")
    report = upscale_folder(plan(photo, tmp_path, suffix="", ext="jpg"), upscaler=upscaler)
    assert "which would replace the picture" in report.failed[0][1]
    assert read_picture(photo).rgb.shape == (4, 4, 3)
