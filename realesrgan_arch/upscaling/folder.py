"""Do the jobs of a plan: one bad file does not stop the rest, and whatever ends the run leaves whole files only."""

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from realesrgan_arch.host_memory import free_memory
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.failed_list import write_failed_list
from realesrgan_arch.upscaling.job import Job, JobResult, RunPlan
from realesrgan_arch.upscaling.one_job import (
    FAULTS_OF_ONE_FILE,
    FullDiskError,
    Loaded,
    Magnified,
    PictureWork,
    is_full,
    reason,
)
from realesrgan_arch.upscaling.pipeline import Bounds, Load, Outcome, Pipeline, Stages, usual_bounds
from realesrgan_arch.upscaling.progress import Progress

_BYTES_PER_PIXEL = 8
"""Of a picture in memory with alpha, and of its bytes as a file; 16 bits a channel are rare."""
_SHARE_OF_MEMORY = 4
_MEMORY_IF_UNKNOWN = 4 * 2**30


@dataclass(frozen=True)
class FolderReport:
    """What became of the jobs.

    `made`: with their files. `failed`: those that the plan could not read, too, each with one sentence. `left`: not
    come to, because the run was stopped. `load`: how busy it was. `full_disk`, `unrecorded`: the sentence, where the
    disk was full, or would not take the record of a result, and that was why.
    """

    made: tuple[JobResult, ...]
    failed: tuple[tuple[Path, str], ...]
    left: tuple[Path, ...]
    load: Load
    has_failed_list: bool = False
    full_disk: str | None = None
    unrecorded: str | None = None

    @property
    def ok(self) -> tuple[Path, ...]:
        """The files that were written."""
        return tuple(result.target for result in self.made if result.target is not None)

    @property
    def megapixels(self) -> float:
        """Million pixels of the files that were written."""
        return sum(result.job.output_megapixels for result in self.made)


def upscale_folder(
    plan: RunPlan,
    *,
    work: PictureWork,
    failed_list: Path,
    progress: Progress,
    record: Callable[[JobResult], None] = lambda result: None,
    fail_fast: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    bounds: Bounds | None = None,
) -> FolderReport:
    """Do all jobs and say what became of each; a file is complete or absent.

    Pictures are decoded and encoded by threads while the network computes in this one.

    Args:
        plan: of `plan_run`.
        work: how a picture is done.
        failed_list: a list of the pictures that have no result, see `write_failed_list`.
        progress: shows how far it is.
        record: called with each result as soon as it is in its place, with one at a time, in any thread and order.
        fail_fast: the first failure ends the run; what is computed is still written.
        should_stop: once it is true, what is computed is written, and no more is begun.
        bounds: how much is in flight; None for what fits this machine.
    """
    run = FolderRun(progress, record, fail_fast=fail_fast, should_stop=should_stop)

    def magnify(loaded: Loaded) -> Magnified:
        progress.begin(loaded.job)
        magnified = work.magnify(loaded)
        run.note_computed(loaded.job)
        return magnified

    stages = Stages(work.load, magnify, work.save, run.keep, weigh=_weigh, faults=FAULTS_OF_ONE_FILE)
    pipeline = Pipeline(stages, bounds or _usual_bounds(), should_stop=run.is_stopping)
    return run.gather(plan, pipeline.run(plan.jobs), load=pipeline.load, failed_list=failed_list)


@dataclass
class FolderRun:
    """What becomes of the jobs of a run, whoever does them; for the arguments see `upscale_folder`."""

    progress: Progress
    record: Callable[[JobResult], None]
    fail_fast: bool
    should_stop: Callable[[], bool]
    _made: list[JobResult] = field(default_factory=list)
    _failed: list[tuple[Path, str]] = field(default_factory=list)
    _full_disk: str | None = None
    _unrecorded: str | None = None
    _has_failed: bool = False
    _computed: set[Path] = field(default_factory=set)
    _recording: threading.Lock = field(default_factory=threading.Lock)

    def is_stopping(self) -> bool:
        """Return whether no more is to be begun."""
        is_faulty = self._full_disk is not None or self._unrecorded is not None
        return is_faulty or (self.fail_fast and self._has_failed) or self.should_stop()

    def note_computed(self, job: Job) -> None:
        """Say that the network has done `job`; it may still have to be written."""
        self.progress.end(job)
        self._computed.add(job.source)

    def gather(
        self, plan: RunPlan, outcomes: Generator[Outcome[Job, JobResult], None, None], *, load: Load, failed_list: Path
    ) -> FolderReport:
        """Show and report `outcomes`, of the jobs of `plan`, as they come; their results are kept already."""
        self._failed += plan.unreadable
        self.progress.start(plan.jobs)
        try:
            with closing(outcomes):
                for outcome in outcomes:
                    self._take(outcome)
        finally:
            self.progress.close()
            left = self._left_of(plan)
            has_list = self._write_failed_list(failed_list, plan)
        return FolderReport(
            tuple(self._made), tuple(self._failed), left, load, has_list, self._full_disk, self._unrecorded
        )  # fmt: skip

    def keep(self, result: JobResult, seconds: float) -> JobResult:
        """Record a result at once, so that a kill cannot undo it; it is in its place even if that fails."""
        timed = replace(result, seconds=seconds)
        try:
            with self._recording:
                self.record(timed)
        except OSError as error:
            return replace(timed, warnings=(*timed.warnings, self._not_recorded(result.job.source, error)))
        return timed

    def _take(self, outcome: Outcome[Job, JobResult]) -> None:
        if outcome.result is not None:
            for sentence in outcome.result.warnings:
                self.progress.say(f"warning: {sentence}")
            self._made.append(outcome.result)
        elif outcome.fault is not None:
            self._fail(outcome.item, outcome.fault)

    def _left_of(self, plan: RunPlan) -> tuple[Path, ...]:
        ended = {result.job.source for result in self._made} | {source for source, _ in self._failed}
        return tuple(job.source for job in plan.jobs if job.source not in ended)

    def _write_failed_list(self, path: Path, plan: RunPlan) -> bool:
        made = {*plan.done, *(result.job.source for result in self._made)}
        try:
            return write_failed_list(path, self._failed, made=made)
        except OSError as error:
            self.progress.say(f"The list of failures {shown(path)} cannot be written: {error.strerror}.")
            return False

    def _not_recorded(self, source: Path, error: OSError) -> str:
        if is_full(error):
            self._full_disk = (
                f"The disk is full, what was made of {shown(source)} is not recorded; make room and use --resume."
            )
            return self._full_disk
        self._unrecorded = (
            f"What was made of {shown(source)} is not recorded ({error.strerror}), so the run ends: mend that and use "
            "--resume."
        )
        return self._unrecorded

    def _fail(self, job: Job, fault: Exception) -> None:
        sentence = reason(job, fault)
        self._has_failed = True
        self._failed.append((job.source, sentence))
        if isinstance(fault, FullDiskError) and self._full_disk is None:
            self._full_disk = sentence
        if job.source not in self._computed:
            self.progress.leave_out(job)
        self.progress.say(f"failed: {sentence}")


def _weigh(job: Job) -> int:
    (width, height), (output_width, output_height) = job.size, job.output_size
    return _BYTES_PER_PIXEL * (width * height + output_width * output_height)


def _usual_bounds() -> Bounds:
    free = free_memory()
    return usual_bounds(num_bytes=_MEMORY_IF_UNKNOWN // _SHARE_OF_MEMORY if free is None else free // _SHARE_OF_MEMORY)
