"""Root may read every file. Here it gives that up, so that tests of permissions hold for it as for anybody else."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2
_PR_CAPBSET_DROP = 24


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Powers(ctypes.Structure):
    """Linux's three sets of capabilities; only the first 32 matter here."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


@contextmanager
def permissions_hold() -> Iterator[None]:
    """In this block this thread, and those that it starts, may only read what permissions allow."""
    if not _is_all_powerful():
        yield
        return
    libc, header, powers = ctypes.CDLL(None, use_errno=True), _Header(_VERSION_3, 0), (_Powers * 2)()
    _check(libc.capget(ctypes.byref(header), powers))
    before = powers[0].effective
    powers[0].effective = before & ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH)
    _check(libc.capset(ctypes.byref(header), powers))
    try:
        yield
    finally:
        powers[0].effective = before
        _check(libc.capset(ctypes.byref(header), powers))


def give_up_powers() -> None:
    """From now on every program that this process starts may only read what permissions allow. No way back."""
    if _is_all_powerful():
        libc = ctypes.CDLL(None, use_errno=True)
        for power in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            _check(libc.prctl(_PR_CAPBSET_DROP, power, 0, 0, 0))


def _is_all_powerful() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be changed")
