"""How a number of bytes is told to people, and read from them."""

import re

from realesrgan_arch.errors import UserError
from realesrgan_arch.plural import count_of


class ByteCountError(UserError):
    """A text that is no number of bytes."""


def say_bytes(count: float) -> str:
    """Return `12 bytes`, `950 kB`, `12.3 MB` (10^6 bytes) or, from 1 GiB (2^30 bytes) on, `1.5 GiB`."""
    if count >= 2**30:
        return f"{count / 2**30:,.1f} GiB"
    if count < 1e3:
        return count_of(round(count), "byte")
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_WORDS = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B)", re.IGNORECASE)


def read_bytes(text: str) -> int:
    """Return the number of bytes that `8GB` (8 * 10^9), `8GiB` (8 * 2^30), `8192MB` or `7.5 gb` means.

    Raises:
        ByteCountError: anything else, and nothing at all.
    """
    found = _WORDS.fullmatch(text.strip())
    count = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if count == 0:
        raise ByteCountError(f"expected an amount of memory such as 8GB, 8GiB or 8192MB, got {text!r}")
    return count
