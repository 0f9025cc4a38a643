"""A worker's death is told once, to the loop that waits, however many loops came before."""

import os
import signal

import pytest

from realesrgan_arch.training.worker_faults import DeathNotice


@pytest.fixture
def raising():
    """The handler that torch sets, as far as this goes."""

    def handler(number, frame) -> None:
        raise RuntimeError("DataLoader worker is killed")

    before = signal.signal(signal.SIGCHLD, handler)
    yield handler
    signal.signal(signal.SIGCHLD, before)


def _hold() -> DeathNotice:
    notice = DeathNotice()
    notice.hold()
    return notice


def _die() -> None:
    os.kill(os.getpid(), signal.SIGCHLD)


def test_a_death_is_raised_only_where_the_loop_waits(raising) -> None:
    notice = _hold()
    _die()
    with pytest.raises(RuntimeError, match="is killed"), notice.waiting():
        pytest.fail("it was known before")
    notice.release()
    assert signal.getsignal(signal.SIGCHLD) is raising


def test_a_notice_that_nobody_has_released_swallows_no_later_death(raising) -> None:
    forgotten, notice = _hold(), _hold()
    with pytest.raises(RuntimeError, match="is killed"), notice.waiting():
        _die()
    forgotten.release()
    with pytest.raises(RuntimeError, match="is killed"), notice.waiting():
        _die()
    notice.release()
    assert signal.getsignal(signal.SIGCHLD) is raising
