"""Folder runs: the tree, names that clash, results in the input folder, bad files among good ones, failed writes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from realesrgan_arch.data.files import DataError
from realesrgan_arch.images import Picture, read_picture, read_rgb, write_image, write_picture
from realesrgan_arch.upscaling import folder as folder_module
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.folder import OutputError, plan_folder, upscale_folder
from realesrgan_arch.upscaling.picture import PictureUpscaler


class Repeat(nn.Module):
    def forward(self, x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture
def upscaler():
    return PictureUpscaler(Upscaler(TorchBackend(Repeat(), scale=2, device=torch.device("cpu"))), outscale=2)


def _photo(path, size=(6, 8), value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 255, (*size, 3), endpoint=True, dtype=np.uint8)
    write_image(path, pixels if value is None else np.full_like(pixels, value))
    return path


def _names(plan, output):
    return [job.target.relative_to(output).as_posix() for job in plan.jobs]


def _files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_is_mirrored_and_junk_is_left_out(tmp_path, upscaler):
    photos, output = tmp_path / "photos", tmp_path / "out"
    for name in ("north/1.png", "south/1.png", "south/deep/2.jpg", "3.PNG"):
        _photo(photos / name)
    (photos / "Thumbs.db").write_bytes(b"junk")
    (photos / "._3.PNG").write_bytes(b"junk")
    report = upscale_folder(plan_folder(photos, output), upscaler=upscaler)
    expected = ["3_out.PNG", "north/1_out.png", "south/1_out.png", "south/deep/2_out.jpg"]
    assert _files(output) == expected
    assert sorted(report.ok) == sorted(output / name for name in expected)
    assert report.failed == ()
    source = read_rgb(photos / "south/1.png")
    assert np.array_equal(read_rgb(output / "south/1_out.png"), source.repeat(2, 0).repeat(2, 1))


def test_one_file_goes_into_the_output_folder(tmp_path, upscaler):
    photo = _photo(tmp_path / "a.png")
    plan = plan_folder(photo, tmp_path, suffix="x2", ext="jpg")
    assert upscale_folder(plan, upscaler=upscaler).ok == (tmp_path / "a_x2.jpg",)


def test_one_bad_file_does_not_stop_the_rest_and_leaves_nothing_behind(tmp_path, upscaler):
    photos, output = tmp_path / "photos", tmp_path / "out"
    good = [_photo(photos / name) for name in ("a.png", "z.png")]
    (photos / "empty.png").write_bytes(b"")
    (photos / "text.jpg").write_text("not an image")
    (photos / "cut.png").write_bytes(good[0].read_bytes()[:-30])
    report = upscale_folder(plan_folder(photos, output), upscaler=upscaler)
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
        _photo(tmp_path / "photos" / name, value=value)
    upscaler = PictureUpscaler(Upscaler(TorchBackend(Fragile(), scale=2, device=torch.device("cpu"))), outscale=2)
    report = upscale_folder(plan_folder(tmp_path / "photos", tmp_path / "out"), upscaler=upscaler)
    bad = tmp_path / "photos/b.png"
    assert report.failed == ((bad, f"{bad}: injected device fault"),)
    assert _files(tmp_path / "out") == ["a_out.png", "c_out.png"]


def test_a_failed_write_is_a_failed_file(tmp_path, upscaler):
    photos, output = tmp_path / "photos", tmp_path / "out"
    _photo(photos / "sub" / "a.png")
    _photo(photos / "b.png")
    plan = plan_folder(photos, output)
    (output / "sub").write_text("a file where the folder should be")
    report = upscale_folder(plan, upscaler=upscaler)
    assert [path.name for path, _ in report.failed] == ["a.png"]
    assert report.ok == (output / "b_out.png",)


def test_a_full_disk_is_an_error_and_leaves_no_partial_file(tmp_path, upscaler, monkeypatch):
    _photo(tmp_path / "photos" / "a.png")
    plan = plan_folder(tmp_path / "photos", tmp_path / "out")

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    report = upscale_folder(plan, upscaler=upscaler)
    assert report.ok == ()
    assert "No space left on device" in report.failed[0][1]
    assert _files(tmp_path / "out") == []


def test_memory_that_runs_out_fails_that_file_only(tmp_path, upscaler, monkeypatch):
    photos = tmp_path / "photos"
    _photo(photos / "a.png")
    _photo(photos / "b.png")
    read = folder_module.read_picture

    def hungry(path):
        if path.name == "a.png":
            raise MemoryError
        return read(path)

    monkeypatch.setattr(folder_module, "read_picture", hungry)
    report = upscale_folder(plan_folder(photos, tmp_path / "out"), upscaler=upscaler)
    assert len(report.ok) == 1
    assert "a.png needs more memory than there is" in report.failed[0][1]


def test_a_result_too_large_for_its_format_is_refused_before_computing(tmp_path):
    class Never(Repeat):
        def forward(self, x):
            raise AssertionError("computed in vain")

    _photo(tmp_path / "photos" / "a.jpg", size=(1, 40000))
    upscaler = PictureUpscaler(Upscaler(TorchBackend(Never(), scale=2, device=torch.device("cpu"))), outscale=2)
    report = upscale_folder(plan_folder(tmp_path / "photos", tmp_path / "out"), upscaler=upscaler)
    assert "JPEG is limited to 65535 pixels" in report.failed[0][1]


@pytest.mark.parametrize(
    ("size", "outscale", "message"),
    [
        ((16, 16), 20000, "would have 320000 x 320000 pixels and the limit is 2000 million"),
        ((1, 600), 1700, "PNG is limited to 1000000 pixels a side"),
    ],
)
def test_an_absurd_magnification_is_refused_before_computing(tmp_path, size, outscale, message):
    class Never(Repeat):
        def forward(self, x):
            raise AssertionError("computed in vain")

    _photo(tmp_path / "photos" / "a.png", size=size)
    upscaler = PictureUpscaler(Upscaler(TorchBackend(Never(), scale=2, device=torch.device("cpu"))), outscale=outscale)
    report = upscale_folder(plan_folder(tmp_path / "photos", tmp_path / "out"), upscaler=upscaler)
    assert message in report.failed[0][1]


def test_a_result_that_cannot_be_resized_fails_that_file_only(tmp_path, monkeypatch):
    def no_memory(pixels, size, interpolation):
        if pixels[0, 0, 0] == 255:
            raise cv2.error("OpenCV: Failed to allocate 9 bytes")
        return resize(pixels, size, interpolation=interpolation)

    resize = cv2.resize
    monkeypatch.setattr(cv2, "resize", no_memory)
    for name, value in (("a.png", 255), ("b.png", 20)):
        _photo(tmp_path / "photos" / name, value=value)
    upscaler = PictureUpscaler(Upscaler(TorchBackend(Repeat(), scale=2, device=torch.device("cpu"))), outscale=3)
    report = upscale_folder(plan_folder(tmp_path / "photos", tmp_path / "out"), upscaler=upscaler)
    assert _files(tmp_path / "out") == ["b_out.png"]
    assert report.failed[0][1].startswith(f"{tmp_path / 'photos/a.png'}: the result cannot be resized to 24 x 18: ")


def _with_alpha(path):
    write_picture(path, Picture(np.zeros((4, 4, 3), np.uint8), alpha=np.full((4, 4), 99, np.uint8)))
    return path


def test_transparency_that_the_asked_format_cannot_hold_becomes_png_as_upstream(tmp_path, upscaler, caplog):
    photos, output = tmp_path / "photos", tmp_path / "out"
    _photo(photos / "b.png")
    _with_alpha(photos / "a.png")
    report = upscale_folder(plan_folder(photos, output, ext="jpg"), upscaler=upscaler)
    assert report.ok == (output / "a_out.png", output / "b_out.jpg")
    assert read_picture(report.ok[0]).alpha is not None
    assert caplog.messages == [f"{photos / 'a.png'} has transparency, which JPEG cannot hold: the result is a_out.png."]


def test_a_png_for_the_sake_of_transparency_does_not_replace_its_source(tmp_path, upscaler):
    photo = _with_alpha(tmp_path / "a.png")
    report = upscale_folder(plan_folder(photo, tmp_path, suffix="", ext="jpg"), upscaler=upscaler)
    assert "which would replace the picture" in report.failed[0][1]
    assert read_picture(photo).rgb.shape == (4, 4, 3)


def test_results_inside_the_input_folder_are_not_taken_for_photographs(tmp_path, upscaler):
    photos = tmp_path / "photos"
    _photo(photos / "a.png")
    output = photos / "results"
    first = upscale_folder(plan_folder(photos, output), upscaler=upscaler)
    second = upscale_folder(plan_folder(photos, output), upscaler=upscaler)
    assert first.ok == second.ok == (output / "a_out.png",)
    assert second.skipped == (output / "a_out.png",)


def test_an_output_folder_around_the_input_skips_nothing(tmp_path):
    _photo(tmp_path / "photos" / "a.png")
    assert _names(plan_folder(tmp_path / "photos", tmp_path), tmp_path) == ["a_out.png"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "a.tif", "b.jpg"], ["a_jpg_out.png", "a_tif_out.png", "b_out.png"]),
        (["A.jpg", "a.tif"], ["A_jpg_out.png", "a_tif_out.png"]),
        (["a.jpg", "a.tif", "a_jpg.webp"], ["a_jpg_2_out.png", "a_tif_out.png", "a_jpg_out.png"]),
        (["x/a.jpg", "y/a.jpg"], ["x/a_out.png", "y/a_out.png"]),
    ],
)
def test_names_that_clash_are_told_apart_the_same_way_every_time(tmp_path, names, expected):
    for name in names:
        _photo(tmp_path / "photos" / name)
    plans = [_names(plan_folder(tmp_path / "photos", tmp_path / "out", ext="png"), tmp_path / "out") for _ in range(2)]
    assert plans[0] == plans[1]
    assert sorted(plans[0]) == sorted(expected)
    by_source = {
        job.source.name: job.target.name for job in plan_folder(tmp_path / "photos", tmp_path / "out", ext="png").jobs
    }
    assert by_source[Path(names[0]).name] == Path(expected[0]).name or "/" in names[0]


@pytest.mark.parametrize(
    ("name", "target"), [("a.bmp", "a_out.png"), ("a.webp", "a_out.webp"), ("a.JPEG", "a_out.JPEG")]
)
def test_auto_keeps_the_extension_where_it_can_be_written(tmp_path, name, target):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / name).write_bytes(b"not read while planning")
    assert _names(plan_folder(tmp_path / "photos", tmp_path / "out"), tmp_path / "out") == [target]


def test_the_input_folder_as_output_is_refused(tmp_path):
    _photo(tmp_path / "a.png")
    with pytest.raises(OutputError, match="is the input folder"):
        plan_folder(tmp_path, tmp_path / "sub" / "..")


def test_a_result_that_would_replace_its_source_is_refused(tmp_path):
    photo = _photo(tmp_path / "a.png")
    with pytest.raises(OutputError, match="would be replaced by its result"):
        plan_folder(photo, tmp_path, suffix="")


def test_an_output_that_cannot_be_written_is_said_before_the_start(tmp_path):
    _photo(tmp_path / "photos" / "a.png")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        plan_folder(tmp_path / "photos", tmp_path / "file" / "out")


def test_a_missing_input_and_an_empty_folder_are_said(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        plan_folder(tmp_path / "absent", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="No image found"):
        plan_folder(tmp_path / "empty", tmp_path / "out")
    _photo(tmp_path / "photos" / "out" / "a.png")
    with pytest.raises(DataError, match="outside of the output folder"):
        plan_folder(tmp_path / "photos", tmp_path / "photos" / "out")
