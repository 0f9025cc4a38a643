"""Three stages at once: threads prepare what comes next, the caller's thread computes, threads put away what is done.

Nothing here knows what the items are. The stage in the middle is the dear one: it waits only when nothing is prepared
yet, or when as much is in flight as may be.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from realesrgan_arch.cores import usable_cores

Item = TypeVar("Item")
Decoded = TypeVar("Decoded")
Computed = TypeVar("Computed")
Result = TypeVar("Result")
Given = TypeVar("Given")
Made = TypeVar("Made")
Stage = Literal["decode", "compute", "encode"]


class AbandonedError(Exception):
    """Raised by the middle stage to drop its item and to begin no other one; what is computed is still put away."""


@dataclass(frozen=True)
class Stages(Generic[Item, Decoded, Computed, Result]):
    """What is done with an item. `decode` and `encode` are called in several threads, `compute` in the caller's.

    `finish` gets, in the thread of its encoding, each result with the seconds that its three stages took, and returns
    it. `weigh`: bytes that an item takes between the start of its decoding and the end of its encoding. `faults`:
    errors that are the item's; any other one is raised to the caller and ends the run.
    """

    decode: Callable[[Item], Decoded]
    compute: Callable[[Decoded], Computed]
    encode: Callable[[Computed], Result]
    finish: Callable[[Result, float], Result]
    weigh: Callable[[Item], int]
    faults: tuple[type[Exception], ...]


@dataclass(frozen=True)
class Bounds:
    """How much may be in flight: `items`, and `num_bytes` of them; one item may be, however large it is."""

    decode_threads: int
    encode_threads: int
    items: int
    num_bytes: int


def usual_bounds(*, num_bytes: int) -> Bounds:
    """Return bounds for this machine: threads up to four a side, and two items more than there are threads."""
    threads = max(1, min(4, usable_cores()))
    return Bounds(decode_threads=threads, encode_threads=threads, items=2 * threads + 2, num_bytes=num_bytes)


@dataclass(frozen=True)
class Outcome(Generic[Item, Result]):
    """What became of an item: a result or the fault of one stage. `seconds`: in its three stages, without waiting."""

    item: Item
    result: Result | None
    fault: Exception | None
    seconds: float


@dataclass
class Load:
    """How busy the stages were; `share` of 1 means that a stage never waited."""

    threads: dict[Stage, int]
    wall_seconds: float = 0.0
    seconds: dict[Stage, float] = field(default_factory=lambda: {"decode": 0.0, "compute": 0.0, "encode": 0.0})

    def share(self, stage: Stage) -> float:
        """Return the share of the time in which the threads of `stage` were at work, 0 to 1."""
        possible = self.wall_seconds * self.threads[stage]
        return min(1.0, self.seconds[stage] / possible) if possible > 0 else 0.0

    def followed_by(self, later: "Load") -> "Load":
        """Return the load of this run and a `later` one together."""
        seconds: dict[Stage, float] = {stage: self.seconds[stage] + later.seconds[stage] for stage in self.seconds}
        return Load(self.threads, self.wall_seconds + later.wall_seconds, seconds)


@dataclass
class _Entry(Generic[Item]):
    """An item in flight; `future` is that of its decoding, then that of its encoding."""

    item: Item
    num_bytes: int
    future: Future
    seconds: float = 0.0


class Pipeline(Generic[Item, Decoded, Computed, Result]):
    """One run of items through `stages`; `load` tells afterwards, and meanwhile, how busy each of them was."""

    def __init__(
        self,
        stages: Stages[Item, Decoded, Computed, Result],
        bounds: Bounds,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take what is to be done, and `should_stop`: once it is true, no item is begun and no other is computed."""
        self.load = Load({"decode": bounds.decode_threads, "compute": 1, "encode": bounds.encode_threads})
        self._stages = stages
        self._bounds = bounds
        self._should_stop = should_stop
        self._clock = clock
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._prepared: deque[_Entry[Item]] = deque()
        self._finishing: deque[_Entry[Item]] = deque()

    def run(self, items: Iterable[Item]) -> Generator[Outcome[Item, Result], None, None]:
        """Yield what became of each item, in the order of `items`; items that a stop left undone are left out.

        Close the iterator, or exhaust it: either waits for what is being encoded.
        """
        began = self._clock()
        decoders = ThreadPoolExecutor(self._bounds.decode_threads, thread_name_prefix="decode")
        encoders = ThreadPoolExecutor(self._bounds.encode_threads, thread_name_prefix="encode")
        try:
            for outcome in self._outcomes(deque(items), decoders, encoders):
                self.load.wall_seconds = self._clock() - began
                yield outcome
        finally:
            decoders.shutdown(cancel_futures=True)
            encoders.shutdown()  # What is computed is put away, whatever ended the run.
            self.load.wall_seconds = self._clock() - began

    def _outcomes(
        self, waiting: deque[Item], decoders: ThreadPoolExecutor, encoders: ThreadPoolExecutor
    ) -> Iterator[Outcome[Item, Result]]:
        while True:
            if not self._is_stopping():
                self._begin_some(waiting, decoders)
            yield from self._ended()
            if self._prepared and not self._is_stopping():
                self._compute_next(encoders)
            elif self._finishing:
                wait([entry.future for entry in self._unfinished()], return_when=FIRST_COMPLETED)
            elif not waiting or self._is_stopping():
                return

    def _is_stopping(self) -> bool:
        return self._is_abandoned or self._should_stop()

    def _begin_some(self, waiting: deque[Item], decoders: ThreadPoolExecutor) -> None:
        """Begin to decode what there is room for, taking it out of `waiting`."""
        while waiting and self._has_room(num_bytes := self._stages.weigh(waiting[0])):
            entry = _Entry(waiting.popleft(), num_bytes, Future())
            entry.future = decoders.submit(self._timed, "decode", self._stages.decode, entry.item, entry)
            self._prepared.append(entry)

    def _has_room(self, num_bytes: int) -> bool:
        in_flight = [*self._prepared, *self._unfinished()]
        held = sum(entry.num_bytes for entry in in_flight)
        is_alone = not in_flight
        return is_alone or (len(in_flight) < self._bounds.items and held + num_bytes <= self._bounds.num_bytes)

    def _unfinished(self) -> list[_Entry[Item]]:
        return [entry for entry in self._finishing if not entry.future.done()]

    def _ended(self) -> Iterator[Outcome[Item, Result]]:
        while self._finishing and self._finishing[0].future.done():
            entry = self._finishing.popleft()
            try:
                yield Outcome(entry.item, entry.future.result(), None, entry.seconds)
            except self._stages.faults as fault:
                yield Outcome(entry.item, None, fault, entry.seconds)

    def _compute_next(self, encoders: ThreadPoolExecutor) -> None:
        entry = self._prepared.popleft()
        try:
            computed = self._timed("compute", self._stages.compute, entry.future.result(), entry)
        except AbandonedError:
            self._is_abandoned = True
            return
        except self._stages.faults as fault:
            entry.future = _failed(fault)
        else:
            entry.future = encoders.submit(self._put_away, computed, entry)
        self._finishing.append(entry)

    def _put_away(self, computed: Computed, entry: _Entry[Item]) -> Result:
        result = self._timed("encode", self._stages.encode, computed, entry)
        return self._stages.finish(result, entry.seconds)

    def _timed(self, stage: Stage, work: Callable[[Given], Made], argument: Given, entry: _Entry[Item]) -> Made:
        with self._count(stage, entry):
            return work(argument)

    @contextmanager
    def _count(self, stage: Stage, entry: _Entry[Item]) -> Iterator[None]:
        began = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - began
            with self._lock:
                self.load.seconds[stage] += seconds
                entry.seconds += seconds


def _failed(fault: Exception) -> Future:
    future: Future = Future()
    future.set_exception(fault)
    return future
