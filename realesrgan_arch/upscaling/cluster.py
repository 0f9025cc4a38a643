"""`--engine ray`: the pictures of a run on all devices of a Ray cluster; this process plans, records and reports.

Actors of our own, not Ray Data: that gives a picture which kills its worker to the next one without end (13 times in a
minute, Ray 2.60), needs pyarrow and pandas, and fills the console.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.upscaling.cluster_devices import ClusterError, Place
from realesrgan_arch.upscaling.cluster_worker import Ready, Recipe, Worker
from realesrgan_arch.upscaling.folder import FolderRun
from realesrgan_arch.upscaling.job import Job, JobResult
from realesrgan_arch.upscaling.one_job import FullDiskError, is_full
from realesrgan_arch.upscaling.pipeline import Load, Outcome

_TRIES = 3
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 30.0
_Outcomes = Iterator[Outcome[Job, JobResult]]


@dataclass
class _Seat:
    """An actor at a place. `job`: what it does, None while it is prepared; `deaths`: of those before it, preparing."""

    place: Place
    actor: Any
    deaths: int
    job: Job | None = None
    computed_by: str = ""


class Cluster:
    """The devices of a cluster; `load` and `in_words` tell afterwards how busy they were and what they are.

    Args:
        ray: of `connected`.
        places: of `find_places`.
        recipe: what the workers are made from.
    """

    def __init__(self, ray: ModuleType, places: Sequence[Place], recipe: Recipe) -> None:
        self.load = Load({"compute": len(places)})
        self._ray = ray
        self._places = places
        self._recipe = recipe
        self._computed_by: dict[Place, str] = {}

    def in_words(self) -> str:
        """Return what computed: `Ray: 2 x torch on cuda in fp16`."""
        counted = Counter(self._computed_by.values())
        return "Ray: " + ("; ".join(f"{number} x {what}" for what, number in counted.items()) or "no device")

    def outcomes(
        self, jobs: Sequence[Job], run: FolderRun, *, begin: Callable[[Path, Path], None]
    ) -> Generator[Outcome[Job, JobResult], None, None]:
        """Yield what became of each job, as it ends; jobs that a stop left undone are left out.

        Args:
            jobs: what to do; their paths mean the same files on all nodes.
            run: says when to stop.
            begin: called with target and source of a job that is handed out, so that the next run knows the file.

        Raises:
            ClusterError: no device is left that could go on.
        """
        places = self._places[: len(jobs)]
        self.load.threads["compute"] = len(places)
        seats = _Seats(self._ray, self._recipe, run, begin, self._computed_by, deque(jobs))
        began = time.perf_counter()
        try:
            seats.fill(places)
            while seats.is_under_way():
                for outcome in seats.ended():
                    self.load.seconds["compute"] += outcome.seconds
                    yield outcome
                seats.look_round(time.perf_counter() - began)
        finally:
            self.load.wall_seconds = time.perf_counter() - began
            seats.leave()


@dataclass
class _Seats:
    ray: ModuleType
    recipe: Recipe
    run: FolderRun
    begin: Callable[[Path, Path], None]
    computed_by: dict[Place, str]
    waiting: deque[Job]
    taken: dict[Any, _Seat] = field(default_factory=dict)
    """By the reference of what its actor is asked for."""
    deaths: Counter[Path] = field(default_factory=Counter)
    last_fault: str = ""
    is_abandoned: bool = False
    is_patient: bool = True

    def fill(self, places: Sequence[Place]) -> None:
        for place in places:
            self._sit(place, deaths=0)

    def is_under_way(self) -> bool:
        is_at_work = any(seat.job is not None for seat in self.taken.values())
        return is_at_work or (bool(self.waiting) and not self.run.is_stopping())

    def look_round(self, seconds: float) -> None:
        """Look for what nobody answers for: a stop, no device that is left, and none that is free."""
        if self.waiting and not self.taken and not self.run.is_stopping():
            raise ClusterError(f"No device of the Ray cluster can go on. {self.last_fault}")
        if self.run.should_stop() and not self.is_abandoned:
            self.is_abandoned = True
            for seat in self.taken.values():
                seat.actor.abandon.remote()
        if self.is_patient and not self.computed_by and seconds > _PATIENCE_SECONDS:
            self.is_patient = False
            self.run.progress.say("waiting for the devices of the Ray cluster; `ray status` shows who has them")

    def leave(self) -> None:
        for seat in self.taken.values():
            self.ray.kill(seat.actor)

    def ended(self) -> _Outcomes:
        """Wait a moment for answers; yield what they are, and give those who are free something to do."""
        if not self.taken:
            return
        answered, _ = self.ray.wait(list(self.taken), timeout=_LOOK_SECONDS)
        for reference in answered:
            seat = self.taken.pop(reference)
            try:
                answer = self.ray.get(reference)
            except self.ray.exceptions.RayTaskError:  # Raised by our own code over there.
                raise
            except self.ray.exceptions.RayError:
                yield from self._replace(seat)
                continue
            yield from self._hear(seat, answer)

    def _sit(self, place: Place, *, deaths: int) -> None:
        """Begin to prepare an actor at `place` and nowhere else, so that none waits for a node that has gone."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(place.node_id, soft=False)
        worker = self.ray.remote(Worker).options(
            num_cpus=place.num_cpus, num_gpus=place.num_gpus, max_concurrency=2, scheduling_strategy=there
        )
        actor = worker.remote(self.recipe)
        self.taken[actor.prepare.remote()] = _Seat(place, actor, deaths)

    def _replace(self, seat: _Seat) -> _Outcomes:
        """Put another actor where one died; its picture goes to whoever is free first, up to three times."""
        self.last_fault = "A process died before it had its model, most likely for lack of memory."
        if seat.job is None:
            if seat.deaths + 1 < _TRIES:
                self._sit(seat.place, deaths=seat.deaths + 1)
            return
        name = shown(seat.job.source)
        self.deaths[seat.job.source] += 1
        if self.deaths[seat.job.source] == _TRIES:
            fault = ImageError(f"{name}: the process died {_TRIES} times over it, most likely for lack of memory.")
            yield Outcome(seat.job, None, fault, 0.0)
        else:
            self.run.progress.say(f"a process died over {name}, which is tried again")
            self.waiting.appendleft(seat.job)
        if self.waiting and not self.run.is_stopping():
            self._sit(seat.place, deaths=0)

    def _hear(self, seat: _Seat, answer: Ready | Outcome[Job, JobResult] | None) -> _Outcomes:
        if isinstance(answer, Ready) and answer.fault is not None:
            self.last_fault = answer.fault
            self.run.progress.say(f"a device is left out: {answer.fault}")
            return
        if isinstance(answer, Ready):
            seat.computed_by = answer.computed_by
        elif answer is not None and seat.job is not None:
            yield self._outcome(seat.job, answer)
        yield from self._hand_out(seat)

    def _outcome(self, job: Job, answer: Outcome[Job, JobResult]) -> Outcome[Job, JobResult]:
        """Return `answer` with the paths as the user gave them."""
        if answer.result is None or answer.result.target is None:
            return replace(answer, item=job)
        self.run.note_computed(job)
        target = job.target.with_name(answer.result.target.name)  # Transparency may have made it a PNG.
        result = self.run.keep(replace(answer.result, job=job, target=target), answer.seconds)
        return replace(answer, item=job, result=result)

    def _hand_out(self, seat: _Seat) -> _Outcomes:
        """Give the next job to `seat`; its actor goes where there is none."""
        if not self.waiting or self.run.is_stopping():
            self.ray.kill(seat.actor)
            return
        job = self.waiting.popleft()
        try:
            self.begin(job.target, job.source)
        except OSError as error:
            if not is_full(error):
                raise
            self.ray.kill(seat.actor)
            fault = FullDiskError(f"{shown(job.target)} cannot be begun: the disk is full; make room and use --resume.")
            yield Outcome(job, None, fault, 0.0)
            return
        sent = replace(job, source=job.source.absolute(), target=job.target.absolute())
        self.taken[seat.actor.do.remote(sent)] = replace(seat, job=job, deaths=0)
        self.computed_by[seat.place] = seat.computed_by
