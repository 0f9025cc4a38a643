"""What a person sees while training runs: a bar on a terminal, plain lines elsewhere; plus files for machines."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from realesrgan_arch.training.data_share import DataShareWatch
from realesrgan_arch.training.metrics_log import SCORES, cut_after, is_of_scores, key_of
from realesrgan_arch.training.peak_memory import peak_bytes
from realesrgan_arch.training.results_table import Comparison, ResultsTable
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.timings import Timings
from realesrgan_arch.training.trackers import Tracker

logger = logging.getLogger(__name__)
Clock = Callable[[], float]


@dataclass
class StepTimer:
    """Where the time of the steps of this process went; a resumed run starts anew, so its estimate stays right."""

    started: float = field(default_factory=time.monotonic)
    data_seconds: float = 0.0
    paused_seconds: float = 0.0
    steps: int = 0
    clock: Clock = time.monotonic

    def elapsed(self) -> float:
        """Return the seconds since the start, without the pauses."""
        return max(self.clock() - self.started - self.paused_seconds, 1e-9)

    def steps_per_second(self) -> float:
        """Return the mean speed."""
        return self.steps / self.elapsed()

    def data_share(self) -> float:
        """Return the share of the time in which the network waited for images, in [0, 1]."""
        return min(self.data_seconds / self.elapsed(), 1.0)


class Progress:
    """Shows and records the steps of a run.

    Args:
        run_folder: receives `metrics.jsonl`, `results.csv` and TensorBoard's events.
        first_step: the step before the first one of this process.
        total_steps: of the run.
        device: whose memory is shown.
        use_tensorboard: write events, too.
        tracker: gets all numbers, too.
        stream: where the bar or the lines go; standard error when absent.
        clock: seconds that only ever grow, for speed and ETA; the time of day may jump.
    """

    def __init__(
        self,
        run_folder: RunFolder,
        *,
        first_step: int,
        total_steps: int,
        device: torch.device,
        use_tensorboard: bool = True,
        tracker: Tracker | None = None,
        stream: TextIO | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._run_folder = run_folder
        self._total = total_steps
        self._device = device
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self.timings = Timings()
        self._known = cut_after(run_folder.metrics, first_step)
        self._results = ResultsTable(run_folder.results, first_step=first_step)
        self._tracker = tracker
        self._use_tensorboard = use_tensorboard
        self._writer = self._open_writer(first_step)
        self.restart_clock()
        interactive = self._stream.isatty()
        self._bar = tqdm(total=total_steps, initial=first_step, unit="step", file=self._stream, disable=not interactive)

    def restart_clock(self) -> None:
        """Begin to time the steps; what came before, such as scoring the base, does not count."""
        self._timer = StepTimer(started=self._clock(), clock=self._clock)
        self._data_share = DataShareWatch(self._timer)
        self._last_elapsed = 0.0

    def go_back(self, step: int) -> None:
        """Begin to count and to record again after `step`; what the files have of later steps goes."""
        self._known = cut_after(self._run_folder.metrics, step)
        self._results.cut_after(step)
        if self._writer is not None:
            self._writer.close()
        self._writer = self._open_writer(step)
        self._bar.n = step
        self._bar.refresh()

    def forget_scores(self) -> None:
        """Let scores be recorded beside those of the same step, as they are not of the same pictures any more."""
        self._known = {key for key in self._known if not is_of_scores(key)}

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leave what happens in the block, saving and validating, out of the speed."""
        began = self._clock()
        try:
            yield
        finally:
            self._timer.paused_seconds += self._clock() - began

    def count_step(self, *, data_seconds: float) -> None:
        """Note that one more step is done, and for how long it waited for its batch."""
        self._timer.steps += 1
        self._timer.data_seconds += data_seconds
        self._bar.update()
        elapsed = self._timer.elapsed()
        self.timings.add_step(elapsed - self._last_elapsed)
        self._last_elapsed = elapsed
        if words := self._data_share.after_step():
            self.warn(words)

    def log_losses(self, step: int, losses: dict[str, float], rates: list[float]) -> None:
        """Show the losses of a step, and write them to the files."""
        self._record("train", step, {**losses, "lr": rates[0] if rates else 0.0})
        shown = "  ".join(f"{name.removeprefix('l_')} {value:.4g}" for name, value in losses.items())
        if not self._bar.disable:
            self._bar.set_postfix_str(f"{shown}  data {self._timer.data_share():.0%}  {self._memory()}")
            return
        speed = self._timer.steps_per_second()
        left = _clock((self._total - step) / speed) if speed else "?"
        self.write(
            f"step {step}/{self._total}  {shown}  {speed:.2f} it/s  data {self._timer.data_share():.0%}  "
            f"ETA {left}  {self._memory()}"
        )

    def log_scores(self, step: int, scores: dict[str, float], *, dataset: str, set_hash: str = "") -> None:
        """Write the scores of one validation set to the files; the curves are `validation/<dataset>/<metric>`.

        `set_hash` of a frozen set stands beside them in `metrics.jsonl`.
        """
        self._record(SCORES, step, scores, dataset=dataset, set_hash=set_hash)

    def log_comparison(self, step: int, comparison: Comparison, *, dataset: str, set_hash: str = "") -> None:
        """Write the scores of one validation set beside those of base and bicubic to `results.csv`."""
        self._results.add(step, dataset, set_hash=set_hash, comparison=comparison)

    def log_images(self, step: int, name: str, grid: Tensor) -> None:
        """Write a picture `(3, H, W)` in [0, 1] to TensorBoard."""
        if self._writer is not None:
            self._writer.add_image(name, grid, step)

    def write(self, text: str) -> None:
        """Show a line without breaking the bar."""
        tqdm.write(text, file=self._stream)
        logger.info(text)

    def warn(self, text: str) -> None:
        """Show a line that asks for something to be done."""
        self.write(f"warning: {text}")

    def close(self) -> None:
        """Finish the bar and flush the files."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()
        if self._tracker is not None:
            self._tracker.close()

    def _record(
        self, kind: str, step: int, values: dict[str, float], *, dataset: str | None = None, set_hash: str = ""
    ) -> None:
        of_set = {} if dataset is None else {"set": dataset}
        frozen = {"set_hash": set_hash} if set_hash else {}
        record: dict[str, object] = {"kind": kind, "step": step, **of_set, **frozen, **values}
        if key_of(record) in self._known:  # by the part of the run before the resume: the base's scores
            return
        self._run_folder.append_metrics(record)
        curves = {"/".join([kind, *of_set.values(), name]): value for name, value in values.items()}
        if self._writer is not None:
            for name, value in curves.items():
                self._writer.add_scalar(name, value, step)
        if self._tracker is not None and (words := self._tracker.log(curves, step)):
            self.warn(words)

    def _open_writer(self, step: int) -> SummaryWriter | None:
        """Return a writer whose curves replace those of an older one from the step after `step` on."""
        if not self._use_tensorboard:
            return None
        return SummaryWriter(str(self._run_folder.tensorboard), purge_step=step + 1)

    def _memory(self) -> str:
        return f"peak {peak_bytes(self._device) / 2**30:.1f} GiB"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
