"""What killed runs leave in the folder of the results: files that never got their name."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.file_lock import file_lock, has_locks

_LOCK = ".upscaling.lock"
_OLD_SECONDS = 24 * 3600


@contextmanager
def writing_into(output: Path) -> Iterator[None]:
    """Make known, while results are written into `output`, that somebody does; any number of processes may."""
    with ExitStack() as held:
        with suppress(OSError):  # The drive knows no locks.
            held.enter_context(file_lock(output / _LOCK, shared=True))
        yield


def remove_leftovers(output: Path, folders: Iterable[Path], *, is_shard: bool, now: float | None = None) -> None:
    """Remove unfinished files from `folders`: all where nobody writes into `output`, else those of a day ago.

    To be called before this process is itself `writing_into` it. Beside a shard there may be others on other machines,
    whose locks a network drive does not always show: it removes old files only.
    """
    with ExitStack() as held:
        is_alone = not is_shard and has_locks() and _try_to_lock(output, held)
        oldest = float("inf") if is_alone else (time.time() if now is None else now) - _OLD_SECONDS
        for folder in folders:
            for path in atomic.partial_files(folder):
                with suppress(FileNotFoundError):  # Its writer was quicker.
                    if path.stat().st_mtime < oldest:
                        path.unlink()


def _try_to_lock(output: Path, held: ExitStack) -> bool:
    try:
        held.enter_context(file_lock(output / _LOCK))
    except OSError:  # Another process holds it, or the drive knows no locks.
        return False
    return True
