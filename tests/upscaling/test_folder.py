"""Folder runs: bad files among good ones, failures that are listed, stops, a full disk, and what is recorded."""

import errno
import hashlib
import io
import threading
from dataclasses import replace

import numpy as np
import pytest

from realesrgan_arch import atomic
from realesrgan_arch.images import Picture, read_rgb, write_picture
from realesrgan_arch.upscaling import output_place, picture_files
from tests.upscaling.folder_run import ONE_BY_ONE, Repeat, do, files, photo, plan_of, upscaler_of


@pytest.fixture
def photos(tmp_path):
    for name in ("a.png", "b.png", "sub/c.png"):
        photo(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def test_each_picture_is_magnified_into_the_mirrored_tree_and_recorded_as_it_is_reported(photos, output):
    recorded = []
    report = do(plan_of(photos, output), output, record=recorded.append)
    assert files(output) == ["a.png", "b.png", "sub/c.png"]
    assert [result.job.source.name for result in report.made] == ["a.png", "b.png", "c.png"]
    assert sorted(recorded, key=lambda result: result.job.source) == list(report.made)
    assert (report.failed, report.left, report.full_disk) == ((), (), None)
    assert np.array_equal(read_rgb(output / "a.png"), read_rgb(photos / "a.png").repeat(2, 0).repeat(2, 1))


def test_what_is_recorded_are_the_hashes_of_the_files_as_they_are(photos, output):
    for result in do(plan_of(photos, output), output).made:
        assert result.input_sha256 == hashlib.sha256(result.job.source.read_bytes()).hexdigest()
        assert result.output_sha256 == hashlib.sha256(result.target.read_bytes()).hexdigest()
        assert result.output_bytes == result.target.stat().st_size
        assert result.seconds > 0


def test_a_target_is_announced_before_it_is_there(photos, output):
    announced, hashes = [], []

    def begin(target, source, *, sha256):
        assert not target.exists()
        announced.append(target)
        hashes.append(sha256)

    report = do(plan_of(photos, output), output, begin=begin)
    assert sorted(hashes) == sorted(result.output_sha256 for result in report.made)
    assert sorted(announced) == [output / "a.png", output / "b.png", output / "sub/c.png"]


def test_one_bad_file_does_not_stop_the_rest_and_stands_in_the_list_with_its_reason(photos, output):
    plan = plan_of(photos, output)
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:-30])
    said = io.StringIO()
    report = do(plan, output, said=said)
    assert files(output) == ["a.png", "failed.txt", "sub/c.png"]
    ((source, sentence),) = report.failed
    assert source == photos / "b.png"
    assert (output / "failed.txt").read_text() == f"{photos / 'b.png'}\t{sentence}\n"
    assert f"failed: {sentence}" in said.getvalue()
    assert report.has_failed_list


def test_a_picture_that_vanished_since_the_plan_is_one_that_failed(photos, output):
    plan = plan_of(photos, output)
    (photos / "a.png").unlink()
    report = do(plan, output)
    assert [path.name for path, _ in report.failed] == ["a.png"]
    assert "a.png cannot be read: No such file" in report.failed[0][1]


def test_what_the_plan_could_not_read_is_in_the_list_too(photos, output):
    plan = replace(plan_of(photos, output), unreadable=((photos / "x.png", "x.png is empty."),))
    assert do(plan, output).failed == ((photos / "x.png", "x.png is empty."),)
    assert (output / "failed.txt").read_text() == f"{photos / 'x.png'}\tx.png is empty.\n"


def test_the_list_goes_when_nothing_failed(photos, output):
    output.mkdir()
    (output / "failed.txt").write_text("/elsewhere/old.png\tan old reason\n")
    assert not do(plan_of(photos, output), output).has_failed_list
    assert not (output / "failed.txt").exists()


@pytest.mark.parametrize("fault", [MemoryError(), RuntimeError("injected device fault")])
def test_a_fault_of_memory_or_device_fails_that_file_only(tmp_path, output, fault):
    class Fragile(Repeat):
        def forward(self, x):
            if x.mean() > 0.9:
                raise fault
            return super().forward(x)

    for name, value in (("a.png", 10), ("b.png", 255), ("c.png", 20)):
        photo(tmp_path / "photos" / name, value=value)
    report = do(plan_of(tmp_path / "photos", output), output, upscaler=upscaler_of(Fragile()))
    ((source, sentence),) = report.failed
    assert source.name == "b.png"
    assert str(fault) in sentence if str(fault) else "has no memory even for a tile of" in sentence
    assert files(output) == ["a.png", "c.png", "failed.txt"]


def test_with_fail_fast_the_first_failure_ends_the_run_and_the_rest_is_left(photos, output):
    plan = plan_of(photos, output)
    (photos / "b.png").write_bytes(b"")
    report = do(plan, output, fail_fast=True, bounds=ONE_BY_ONE)
    assert [result.job.source.name for result in report.made] == ["a.png"]
    assert report.left == (photos / "sub/c.png",)


def test_the_list_forgets_no_picture_that_was_not_tried(photos, output):
    output.mkdir()
    old = [f"{photos / name}\told\n" for name in ("b.png", "sub/c.png")]
    (output / "failed.txt").write_text("".join([f"{photos / 'a.png'}\told\n", *old]))
    plan = plan_of(photos, output)
    report = do(replace(plan, jobs=plan.jobs[:1]), output)
    assert report.has_failed_list
    assert (output / "failed.txt").read_text() == "".join(old)
    do(replace(plan, jobs=(), done=(photos / "b.png",)), output)
    assert (output / "failed.txt").read_text() == old[1]


def test_a_list_that_cannot_be_written_is_said_and_the_report_is_there(photos, output):
    (output / "failed.txt").mkdir(parents=True)
    said = io.StringIO()
    report = do(plan_of(photos, output), output, said=said)
    assert len(report.made) == 3
    assert not report.has_failed_list
    assert f"The list of failures {output / 'failed.txt'} cannot be written: Is a directory." in said.getvalue()


def test_a_stop_leaves_whole_files_and_keeps_old_failures_of_pictures_it_did_not_come_to(photos, output):
    output.mkdir()
    old = f"{photos / 'sub/c.png'}\told\n"
    (output / "failed.txt").write_text(f"{old}{photos / 'a.png'}\told, too\n/gone.png\tgone\n")
    made = []
    report = do(plan_of(photos, output), output, record=made.append, should_stop=lambda: bool(made), bounds=ONE_BY_ONE)
    assert report.left == (photos / "b.png", photos / "sub/c.png")
    assert files(output) == ["a.png", "failed.txt"]
    assert (output / "failed.txt").read_text() == old


def _full_disk(monkeypatch, *, times, number=errno.ENOSPC):
    """The first `times` files that are written find the disk full."""
    tries = []
    write = atomic.write_bytes

    def refuse(path, data):
        if path.name != "failed.txt":
            tries.append(path)
            if len(tries) <= times:
                with atomic.atomic_file(path) as file:
                    file.write(data[:10])
                    raise OSError(number, "no room")
        write(path, data)

    monkeypatch.setattr(atomic, "write_bytes", refuse)
    return tries


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_ends_the_run_after_a_second_try_and_leaves_no_partial_file(photos, output, monkeypatch, number):
    tries = _full_disk(monkeypatch, times=99, number=number)
    report = do(plan_of(photos, output), output, bounds=ONE_BY_ONE)
    assert tries == [output / "a.png"] * 2
    assert files(output) == ["failed.txt"]
    assert "a.png cannot be written: the disk is full (" in report.full_disk
    assert "bytes needed" in report.full_disk
    assert report.left == (photos / "b.png", photos / "sub/c.png")


def test_a_disk_that_is_full_for_a_moment_only_ends_nothing(photos, output, monkeypatch):
    _full_disk(monkeypatch, times=1)
    report = do(plan_of(photos, output), output)
    assert len(report.made) == 3
    assert report.full_disk is None


def test_a_result_that_cannot_be_recorded_for_lack_of_room_ends_the_run(photos, output):
    def record(result):
        raise OSError(errno.ENOSPC, "no room")

    report = do(plan_of(photos, output), output, record=record, bounds=ONE_BY_ONE)
    assert "what was made of" in report.full_disk
    assert len(report.left) == 2


def test_a_record_that_cannot_be_written_ends_the_run_in_good_order(photos, output):
    def record(result):
        raise OSError(errno.EIO, "the drive is gone")

    said = io.StringIO()
    report = do(plan_of(photos, output), output, record=record, bounds=ONE_BY_ONE, said=said)
    assert [result.target for result in report.made] == [output / "a.png"]
    assert (
        "a.png is not recorded (the drive is gone), so the run ends: mend that and use --resume." in report.unrecorded
    )
    assert report.unrecorded in said.getvalue()
    assert len(report.left) == 2
    assert report.full_disk is None


def test_a_result_is_recorded_as_soon_as_it_is_in_its_place_whatever_the_network_does(photos, output):
    recorded, upscaler = threading.Event(), upscaler_of()
    upscale, calls = upscaler.upscale, []

    class Waiting:
        def __getattr__(self, name):
            return getattr(upscaler, name)

        def upscale(self, picture):
            calls.append(picture)
            assert len(calls) < 2 or recorded.wait(10), "the record waits for the thread that computes"
            return upscale(picture)

    do(plan_of(photos, output), output, upscaler=Waiting(), record=lambda result: recorded.set())
    assert len(calls) == 3


def test_another_fault_of_the_disk_is_that_files(photos, output):
    plan = plan_of(photos, output)
    output.mkdir()
    (output / "sub").write_text("a file where the folder should be")
    report = do(plan, output)
    assert [path.name for path, _ in report.failed] == ["c.png"]
    assert report.failed[0][1] == f"{output / 'sub/c.png'} cannot be written: File exists."


def test_transparency_that_is_seen_too_late_fails_that_picture_and_takes_nobodys_name(tmp_path, output):
    picture = Picture(np.zeros((4, 4, 3), np.uint8), alpha=np.full((4, 4), 99, np.uint8))
    write_picture(photo(tmp_path / "photos" / "logo.png"), picture)
    photo(tmp_path / "photos" / "other.png")
    output.mkdir()
    (output / "logo.png").write_bytes(b"the user's own")
    report = do(plan_of(tmp_path / "photos", output, suffix=".jpg"), output)
    ((source, sentence),) = report.failed
    assert source.name == "logo.png"
    assert sentence == (
        f"{source}: it has transparency, which JPEG cannot hold and its header does not tell: choose --ext png."
    )
    assert (output / "logo.png").read_bytes() == b"the user's own"
    assert files(output) == ["failed.txt", "logo.png", "other.jpg"]


def test_a_result_too_large_for_its_format_is_refused_before_computing(tmp_path, output):
    class Never(Repeat):
        def forward(self, x):
            raise AssertionError("computed in vain")

    photo(tmp_path / "photos" / "a.jpg", size=(1, 40000))
    report = do(plan_of(tmp_path / "photos", output), output, upscaler=upscaler_of(Never()))
    assert "JPEG is limited to 65535 pixels" in report.failed[0][1]


@pytest.fixture
def huge_from_100_pixels(monkeypatch):
    monkeypatch.setattr(output_place, "STREAMED_FROM_PIXELS", 100)
    whole = []
    encode = picture_files.encode
    monkeypatch.setattr(picture_files, "encode", lambda *given: whole.append(given) or encode(*given))
    return whole


def test_a_huge_result_is_written_strip_by_strip_with_the_same_pixels(photos, output, huge_from_100_pixels):
    report = do(plan_of(photos, output), output, upscaler=upscaler_of(tile=4))
    assert huge_from_100_pixels == []
    assert np.array_equal(read_rgb(output / "a.png"), read_rgb(photos / "a.png").repeat(2, 0).repeat(2, 1))
    for result in report.made:
        assert result.output_sha256 == hashlib.sha256(result.target.read_bytes()).hexdigest()


@pytest.mark.parametrize(("suffix", "outscale"), [(".jpg", 2), (".png", 3)])
def test_what_cannot_be_streamed_is_encoded_whole(photos, output, huge_from_100_pixels, suffix, outscale):
    report = do(plan_of(photos, output, suffix=suffix), output, upscaler=upscaler_of(outscale=outscale))
    assert len(huge_from_100_pixels) == len(report.made) == 3


def test_a_full_disk_in_the_middle_of_strips_ends_the_run_without_a_partial_file(
    photos, output, huge_from_100_pixels, monkeypatch
):
    def no_room(*given):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr("os.fsync", no_room)
    report = do(plan_of(photos, output), output, bounds=ONE_BY_ONE)
    assert "the disk is full" in report.full_disk
    assert files(output) == []
