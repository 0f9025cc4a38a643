"""Whole runs that watch a folder: what comes later, what is changed meanwhile, and what ends it or does not."""

import os
import signal
import threading
import time
from dataclasses import replace

from realesrgan_arch.images import read_size
from realesrgan_arch.upscaling import session
from realesrgan_arch.upscaling.backends import choose
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.output_place import NoRoomError
from realesrgan_arch.upscaling.session import upscale
from tests.upscaling.folder_run import photo

SECONDS = 60
"""After which something that never comes ends the run."""


def _when(condition, action):
    """Call `action` in a thread as soon as `condition` holds, or stop the run when it never does."""

    def wait():
        for _ in range(int(SECONDS / 0.02)):
            if condition():
                action()
                return
            time.sleep(0.02)
        _ctrl_c()

    threading.Thread(target=wait, daemon=True).start()


def _ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_watching_does_what_comes_later_and_ends_with_0_at_ctrl_c(request_of_three):
    output = request_of_three.output
    _when((output / "sub/c.png").exists, lambda: photo(request_of_three.source / "new.png", size=(16, 16)))
    _when((output / "new.png").exists, _ctrl_c)
    outcome = upscale(replace(request_of_three, watch=True), look_seconds=0.05)
    assert outcome.exit_code == 0
    assert sorted(result.job.source.name for result in outcome.report.made) == ["a.png", "b.png", "c.png", "new.png"]


def test_watching_an_empty_folder_waits_and_keeps_failures_until_they_are_mended(request_of_three, tmp_path):
    photos, output = tmp_path / "later", request_of_three.output
    photos.mkdir()
    listed = output / "failed.txt"
    (photos / "bad.png").write_bytes(b"no picture")
    _when(listed.exists, lambda: photo(photos / "good.png", size=(16, 16)))
    _when((output / "good.png").exists, _ctrl_c)
    outcome = upscale(replace(request_of_three, source=photos, watch=True), look_seconds=0.05)
    assert outcome.exit_code == 3
    assert [path.name for path, _ in outcome.report.failed] == ["bad.png"]
    assert "bad.png" in listed.read_text()


def test_a_failure_with_fail_fast_ends_it_without_watching(request_of_three):
    (request_of_three.source / "b.png").write_bytes(b"no picture")
    outcome = upscale(replace(request_of_three, watch=True, fail_fast=True), look_seconds=0.05)  # or it would not end
    assert outcome.exit_code == 3


def test_a_picture_that_is_replaced_while_it_is_computed_is_done_again(request_of_three, monkeypatch):
    real, output, photos = TorchBackend, request_of_three.output, request_of_three.source
    batches = []

    class Replacing(real):
        def run(self, batch):
            batches.append(1)
            if len(batches) == 3:
                photo(photos / "a.png", size=(20, 20))
            return super().run(batch)

    def is_done_again():
        return (output / "a.png").exists() and read_size(output / "a.png") == (40, 40)

    monkeypatch.setattr(choose, "TorchBackend", Replacing)
    _when(is_done_again, _ctrl_c)
    upscale(replace(request_of_three, watch=True, tile=0), look_seconds=0.05)
    assert is_done_again()


def test_a_round_that_is_refused_ends_no_watch_and_is_tried_again_with_the_next(request_of_three, monkeypatch, capfd):
    photos, output = request_of_three.source, request_of_three.output
    output.mkdir()
    real, refusals = session.plan_run, []

    def plan_run(sources, **named):
        if any(path.name == "new.png" for path in sources.asked) and not refusals:
            refusals.append(1)
            photo(photos / "newer.png", size=(16, 16))
            raise NoRoomError("the disk has no room.")
        return real(sources, **named)

    monkeypatch.setattr(session, "plan_run", plan_run)
    _when((output / "sub/c.png").exists, lambda: photo(photos / "new.png", size=(16, 16)))
    _when(lambda: (output / "new.png").exists() and (output / "newer.png").exists(), _ctrl_c)
    outcome = upscale(replace(request_of_three, watch=True), look_seconds=0.05)
    assert "failed: the disk has no room." in capfd.readouterr().err
    assert len(outcome.report.made) == 5
    assert outcome.report.failed == ()


def test_the_speed_of_a_watch_is_that_of_all_its_rounds(request_of_three, monkeypatch):
    loads, output = [], request_of_three.output
    real = session.upscale_folder

    def upscale_folder(*given, **named):
        report = real(*given, **named)
        loads.append(report.load.wall_seconds)
        return report

    monkeypatch.setattr(session, "upscale_folder", upscale_folder)
    _when((output / "sub/c.png").exists, lambda: photo(request_of_three.source / "new.png", size=(16, 16)))
    _when((output / "new.png").exists, _ctrl_c)
    outcome = upscale(replace(request_of_three, watch=True), look_seconds=0.05)
    assert len(loads) == 2
    assert outcome.report.load.wall_seconds == sum(loads)
