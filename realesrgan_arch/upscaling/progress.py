"""What a run shows while it computes: a bar by megapixels of the results, or now and then a line; it moves by tiles."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from tqdm import tqdm

from realesrgan_arch.dry_run_report import say_seconds
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.job import Job

_BAR = "{percentage:3.0f}%|{bar}| {n:.1f}/{total:.1f} MP [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_NOT_YET_WHOLE = 0.99
"""Overlaps of tiles count too, so that a picture may seem to be whole before it is."""


class Progress:
    """Counts megapixels of results that are computed, between `start` and `close`; elsewhere it shows nothing.

    Only the thread that computes calls it.

    Args:
        stream: where the bar or the lines go; standard error when absent.
        clock: seconds that only ever grow.
        line_seconds: without a terminal there is a line every so many seconds.
    """

    def __init__(
        self,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        line_seconds: float = 30.0,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._line_seconds = line_seconds
        self._bar: tqdm | None = None
        self.start(())

    def start(self, jobs: Sequence[Job]) -> None:
        """Begin with none of `jobs` done; nothing is shown before the first of them."""
        self.close()
        self._num_pictures, self._num_done = len(jobs), 0
        self._megapixels = sum(job.output_megapixels for job in jobs)
        self._before_current = self._current = 0.0
        self._job: Job | None = None
        self._began = self._last_line_at = self._clock()
        if jobs and self._stream.isatty():
            self._bar = tqdm(total=self._megapixels, unit="MP", bar_format=_BAR, file=self._stream, dynamic_ncols=True)

    @property
    def megapixels_done(self) -> float:
        """Million pixels of results that are computed, the current one's share included."""
        return self._before_current + self._current

    def begin(self, job: Job) -> None:
        """Note that the network begins with `job`; the one before it is whole."""
        self._job = job
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._num_done + 1}/{self._num_pictures} {shown(job.source)}", refresh=False)
        self._show()

    def tick(self, input_pixels: int) -> None:
        """Note that the network has computed so many pixels of its input."""
        if self._job is None:
            return
        width, height = self._job.size
        whole = self._job.output_megapixels
        self._current = min(self._current + whole * input_pixels / (width * height), whole * _NOT_YET_WHOLE)
        self._show()

    def end(self, job: Job) -> None:
        """Note that `job` is computed."""
        self._num_done += 1
        self._before_current, self._current, self._job = self._before_current + job.output_megapixels, 0.0, None
        self._show()

    def leave_out(self, job: Job) -> None:
        """Note that there will be no result of `job`: the rest is less work."""
        self._num_done += 1
        self._megapixels -= job.output_megapixels
        if self._bar is not None:
            self._bar.total = self._megapixels
        self._current, self._job = 0.0, None
        self._show()

    def say(self, sentence: str) -> None:
        """Show a line without breaking the bar."""
        tqdm.write(sentence, file=self._stream)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.update(self.megapixels_done - self._bar.n)
            return
        now = self._clock()
        if now - self._last_line_at >= self._line_seconds:
            self._last_line_at = now
            self.say(self._line(now - self._began))

    def _line(self, seconds: float) -> str:
        done = self.megapixels_done
        speed = done / seconds
        left = f"about {say_seconds((self._megapixels - done) / speed)} left" if speed > 0 else "no estimate yet"
        name = f"; {shown(self._job.source)}" if self._job is not None else ""
        return (
            f"{self._num_done}/{self._num_pictures} pictures, {done:.1f} of {self._megapixels:.1f} MP, "
            f"{speed:.2f} MP/s, {left}{name}"
        )
