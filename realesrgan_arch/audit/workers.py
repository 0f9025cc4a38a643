"""One task for many items in processes of their own, so that an item that crashes a decoder takes nothing else along.

Not `concurrent.futures`, whose pool breaks as a whole when one process dies and does not say which item it was. Here
each process holds one item at a time: the dead one's item is known, a new process takes its place, and memory is
bounded by one item for each process.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from realesrgan_arch.data.files import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_CRASHES_AT_FIRST = 20
"""When so many items crashed and none was ever done, the fault is not that of the items."""


@dataclass(frozen=True)
class Crash:
    """The process that held an item ended. `exit_code` as of `multiprocessing`: below 0 it is a signal's number."""

    exit_code: int | None

    def __str__(self) -> str:
        """Say what ended the process."""
        code = self.exit_code or 0
        if code < 0:
            with suppress(ValueError):
                return f"signal {-code}, {signal.Signals(-code).name}"
        return f"exit code {code}"


@dataclass
class _Worker(Generic[Item, Result]):
    process: BaseProcess
    connection: Connection
    item: Item

    def give(self, item: Item) -> None:
        self.item = item
        with suppress(BrokenPipeError):  # It died before; `receive` finds the end of its pipe.
            self.connection.send(item)

    def receive(self) -> Result | Crash:
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return Crash(self.process.exitcode)

    def dismiss(self) -> None:
        """It has nothing to lose: it only reads."""
        self.connection.close()
        self.process.kill()
        self.process.join()


class _Crew(Generic[Item, Result]):
    """The processes that live; each holds one item."""

    def __init__(self, task: Callable[[Item], Result], preload: str) -> None:
        self._task = task
        self._context = _choose_context(preload)
        self.workers: list[_Worker[Item, Result]] = []

    def hire(self, item: Item) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._task), daemon=True)
        process.start()
        theirs.close()
        worker: _Worker[Item, Result] = _Worker(process, ours, item)
        self.workers.append(worker)
        worker.give(item)

    def dismiss(self, worker: _Worker[Item, Result]) -> None:
        self.workers.remove(worker)
        worker.dismiss()

    def wait(self) -> list[_Worker[Item, Result]]:
        """Return the workers that answered or died, at least one."""
        ready = wait([worker.connection for worker in self.workers])
        return [worker for worker in self.workers if worker.connection in ready]


def run_in_processes(
    task: Callable[[Item], Result], items: Iterable[Item], *, num_processes: int, preload: str
) -> Iterator[tuple[Item, Result | Crash]]:
    """Yield `(item, task(item))` in the order in which they are done; `Crash` for an item that ended its process.

    A task that raises ends its process too, with its traceback on standard error. Items are taken when a process is
    free. Ctrl-C reaches the caller only.

    Args:
        task: can be pickled, as each item and result.
        items: what to do.
        num_processes: 1 or more.
        preload: the module of the task, imported once for all processes where the system can fork.

    Raises:
        DataError: the first 20 items all crashed.
    """
    crew: _Crew[Item, Result] = _Crew(task, preload)
    waiting = iter(items)
    num_done = num_crashed = 0
    try:
        for item in islice(waiting, num_processes):
            crew.hire(item)
        while crew.workers:
            for worker in crew.wait():
                item, result = worker.item, worker.receive()
                has_crashed = isinstance(result, Crash)
                num_done, num_crashed = num_done + (not has_crashed), num_crashed + has_crashed
                if num_done == 0 and num_crashed >= MOST_CRASHES_AT_FIRST:
                    raise DataError(
                        f"The first {num_crashed} processes that looked at a file all ended early ({result}), so that "
                        "it is hardly the fault of the files; perhaps memory is short: try --jobs 1."
                    )
                _go_on(crew, worker, waiting, has_crashed=has_crashed)
                yield item, result
    finally:
        for worker in list(crew.workers):
            crew.dismiss(worker)


def _go_on(
    crew: _Crew[Item, Result], worker: _Worker[Item, Result], waiting: Iterator[Item], *, has_crashed: bool
) -> None:
    """Give the worker its next item, or a new worker when this one crashed; without items it goes."""
    following = list(islice(waiting, 1))
    if has_crashed or not following:
        crew.dismiss(worker)
    for item in following:
        if has_crashed:
            crew.hire(item)
        else:
            worker.give(item)


def _choose_context(preload: str) -> ForkServerContext | SpawnContext:
    """A server that imported the module once and forks: torch is imported for 2 seconds and not 2 for each process."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context


def _serve(connection: Connection, task: Callable[[Item], Result]) -> None:
    """The life of a process: until the pipe is closed, which it is too when the caller is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            item = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        result = task(item)
        with suppress(BrokenPipeError):
            connection.send(result)
