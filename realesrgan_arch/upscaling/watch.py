"""Wait for new pictures in a folder, as cameras and other programs put them there."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

Facts = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""

LOOK_SECONDS = 3.0
_NAP_SECONDS = 0.2
"""How soon a stop is seen."""


def new_pictures(
    find: Callable[[], Iterable[Path]],
    *,
    known: Mapping[Path, Facts],
    should_stop: Callable[[], bool],
    look_seconds: float = LOOK_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Path]]:
    """Yield what `find` finds that is new or was changed, once its size and time were the same in two looks.

    Args:
        find: returns the pictures that are there.
        known: pictures that are dealt with, as they were then.
        should_stop: ends the wait, within a fraction of a second.
        look_seconds: between two looks.
        sleep: waits; `time.sleep`.
    """
    dealt_with = dict(known)
    before: dict[Path, Facts] = {}
    while _wait(look_seconds, should_stop, sleep):
        now = _look(find())
        ready = [path for path, facts in now.items() if before.get(path) == facts != dealt_with.get(path)]
        before = now
        if ready:
            dealt_with |= {path: now[path] for path in ready}
            yield ready


def _look(paths: Iterable[Path]) -> dict[Path, Facts]:
    seen = {}
    for path in paths:
        try:
            facts = path.stat()
        except OSError:  # It has gone again, or may not be looked at yet.
            continue
        if facts.st_size > 0:
            seen[path] = (facts.st_size, facts.st_mtime_ns)
    return seen


def _wait(seconds: float, should_stop: Callable[[], bool], sleep: Callable[[float], None]) -> bool:
    """Whether the time passed without a stop."""
    while seconds > 0 and not should_stop():
        sleep(min(seconds, _NAP_SECONDS))
        seconds -= _NAP_SECONDS
    return not should_stop()
