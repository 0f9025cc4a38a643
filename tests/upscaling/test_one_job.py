"""One job without pools: what an actor of a cluster calls."""

import errno
from dataclasses import replace

import numpy as np
import pytest

from realesrgan_arch import atomic
from realesrgan_arch.images import ImageError, read_picture, read_rgb
from realesrgan_arch.upscaling.one_job import FullDiskError, do_job, is_full
from realesrgan_arch.upscaling.picture_files import WriteOptions
from tests.upscaling.folder_run import do, job_of, photo, plan_of, upscaler_of


def test_a_job_alone_gives_what_a_folder_run_gives(tmp_path):
    photo(tmp_path / "photos/a.png")
    alone = do_job(job_of(tmp_path / "photos/a.png", tmp_path / "alone.png"), upscaler_of(), WriteOptions())
    (together,) = do(plan_of(tmp_path / "photos", tmp_path / "out"), tmp_path / "out").made
    assert (alone.input_sha256, alone.output_sha256) == (together.input_sha256, together.output_sha256)
    assert alone.error is None
    assert alone.seconds > 0


def test_a_fault_of_the_picture_is_the_results_error_in_one_sentence(tmp_path):
    job = replace(job_of(photo(tmp_path / "a.png"), tmp_path / "out.png"), source=tmp_path / "gone.png")
    result = do_job(job, upscaler_of(), WriteOptions())
    assert result.target is None
    assert result.error == f"{tmp_path / 'gone.png'} cannot be read: No such file or directory."


def test_a_full_disk_is_raised_for_no_later_job_would_succeed(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, "no room")

    job = job_of(photo(tmp_path / "a.png"), tmp_path / "out.png")
    monkeypatch.setattr(atomic, "write_bytes", full)
    monkeypatch.setattr("realesrgan_arch.upscaling.one_job._MOMENT_SECONDS", 0)
    with pytest.raises(FullDiskError, match="the disk is full") as caught:
        do_job(job, upscaler_of(), WriteOptions())
    assert caught.value.exit_code == 5


def test_the_write_options_reach_the_file(tmp_path):
    source = photo(tmp_path / "a.png", size=(40, 40))
    sizes = {}
    for quality in (30, 95):
        job = job_of(source, tmp_path / f"{quality}.jpg")
        sizes[quality] = do_job(job, upscaler_of(), WriteOptions(quality=quality, dpi=300)).output_bytes
    assert sizes[30] < sizes[95]
    assert read_picture(tmp_path / "95.jpg").metadata.dpi == (300, 300)
    assert read_rgb(tmp_path / "95.jpg").shape == (80, 80, 3)
    assert np.ptp(read_rgb(tmp_path / "95.jpg")) > 0


def test_a_full_disk_is_known_behind_a_sentence_about_it():
    sentence = ImageError("x.png cannot be written")
    sentence.__cause__ = OSError(errno.EDQUOT, "quota")
    assert is_full(sentence)
    assert not is_full(ImageError("x.png is damaged"))
    assert not is_full(OSError(errno.EACCES, "no"))
