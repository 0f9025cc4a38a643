"""What waits for ever is to fail instead."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class BlockedError(Exception):
    pass


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """What blocks for ever fails instead."""

    def ring(*_):
        raise BlockedError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
