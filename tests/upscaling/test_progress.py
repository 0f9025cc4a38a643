"""The bar and the lines: they move with tiles, count megapixels of results, and name what is computed."""

import io
from pathlib import Path

import pytest
import torch

from realesrgan_arch.images import read_picture
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.job import Job
from realesrgan_arch.upscaling.picture import PictureUpscaler
from realesrgan_arch.upscaling.progress import Progress
from realesrgan_arch.upscaling.ticking import TickingBackend
from tests.upscaling.folder_run import Repeat, photo, upscaler_of


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def _job(name="a.png", megapixels=4):
    return Job(Path(name), Path("out") / name, (1000, 250 * megapixels), (2000, 500 * megapixels))


def test_without_a_terminal_there_is_a_line_every_half_minute_and_none_before():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream=stream, clock=clock)
    jobs = [_job("a.png"), _job("b.png")]
    progress.start(jobs)
    progress.begin(jobs[0])
    clock.now = 29
    progress.tick(500_000)
    assert stream.getvalue() == ""
    clock.now = 40
    progress.tick(250_000)
    progress.tick(0)
    assert stream.getvalue() == "0/2 pictures, 3.0 of 8.0 MP, 0.07 MP/s, about 67 s left; a.png\n"


def test_one_picture_alone_moves_with_its_tiles_and_is_never_whole_too_early():
    progress = Progress(stream=io.StringIO())
    job = _job(megapixels=4)
    progress.start([job])
    progress.begin(job)
    seen = []
    for _ in range(6):  # more tiles than pixels: overlaps count too
        progress.tick(250_000)
        seen.append(progress.megapixels_done)
    assert seen == pytest.approx([1, 2, 3, 3.96, 3.96, 3.96])
    progress.end(job)
    assert progress.megapixels_done == 4


def test_a_picture_that_failed_is_no_more_work_to_do():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream=stream, clock=clock)
    jobs = [_job("a.png"), _job("b.png", megapixels=100)]
    progress.start(jobs)
    progress.leave_out(jobs[1])
    progress.begin(jobs[0])
    clock.now = 30
    progress.tick(500_000)
    assert stream.getvalue() == "1/2 pictures, 2.0 of 4.0 MP, 0.07 MP/s, about 30 s left; a.png\n"


def test_a_terminal_shows_a_bar_with_megapixels_and_the_name():
    stream = Terminal()
    progress = Progress(stream=stream)
    job = _job("facade.png")
    progress.start([job])
    progress.begin(job)
    progress.end(job)
    progress.say("a sentence")
    progress.close()
    shown = stream.getvalue()
    assert "4.0/4.0 MP" in shown
    assert "1/1 facade.png" in shown
    assert "a sentence\n" in shown
    assert "\x1b[3" not in shown  # no colours


def test_between_runs_nothing_is_counted():
    progress = Progress(stream=io.StringIO())
    progress.tick(1000)
    assert progress.megapixels_done == 0


def test_the_backend_ticks_with_the_input_pixels_of_each_batch(tmp_path):
    ticks = []
    backend = TickingBackend(TorchBackend(Repeat(), scale=2, device=torch.device("cpu")), ticks.append)
    plain = upscaler_of().upscale(read_picture(photo(tmp_path / "a.png", size=(64, 64))))
    engine = Upscaler(backend, tile=32, tile_pad=0)
    ticked = PictureUpscaler(engine, outscale=2).upscale(read_picture(tmp_path / "a.png"))
    assert len(ticks) > 1
    assert sum(ticks) >= 64 * 64
    assert (plain.rgb == ticked.rgb).all()


def test_what_is_repeated_in_float32_ticks_too_so_that_a_stop_is_seen():
    ticks = []
    backend = TickingBackend(TorchBackend(Repeat(), scale=2, device=torch.device("cpu")), ticks.append)
    backend.run_exactly(torch.rand(2, 3, 5, 7))
    assert ticks == [2 * 5 * 7]
