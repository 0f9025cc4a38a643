"""What killed runs leave in the folder of the results: files that never got their name."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.file_lock import file_lock

_LOCK = ".upscaling.lock"
_OLD_SECONDS = 24 * 3600


@contextmanager
def sole_writer(output: Path, *, is_shard: bool) -> Iterator[bool]:
    """Hold the lock of `output` where nobody else does; yield whether this process is the only one that writes there.

    A shard never is: the others may be on other machines, where locks of network drives are not always seen.
    """
    with ExitStack() as held:
        is_alone = not is_shard and _try_to_lock(output, held)
        yield is_alone


def remove_leftovers(folders: Iterable[Path], *, is_alone: bool, now: float | None = None) -> None:
    """Remove unfinished files from `folders`: all when nobody else writes there, else those of a day ago and older."""
    oldest = (time.time() if now is None else now) - _OLD_SECONDS
    for folder in folders:
        if is_alone:
            atomic.remove_partial_files(folder)
            continue
        for path in folder.glob(f".*{atomic.PARTIAL}"):
            with suppress(FileNotFoundError):  # The other process has finished it since.
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _try_to_lock(output: Path, held: ExitStack) -> bool:
    try:
        held.enter_context(file_lock(output / _LOCK))
    except OSError:  # Another process holds it, or the drive knows no locks.
        return False
    return True
