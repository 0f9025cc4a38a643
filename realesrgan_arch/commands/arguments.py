"""What a command line argument may be, as `type=` of argparse."""

import argparse
from pathlib import Path

_MAX_DIGITS = 9
"""Python reads no number of more than 4300 digits, and a program that counts to a billion is at a standstill."""


def count(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not _is_whole(text):
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more, got {_short(text)}")
    return int(text)


def name_part(text: str) -> str:
    """Read what may stand in a file name."""
    if set(text) & set("/\\\0"):
        raise argparse.ArgumentTypeError(f"expected a part of a file name, got {text!r}")
    return text


def positive_number(text: str) -> float:
    """Read a finite number above 0."""
    if not text.replace(".", "", 1).isdecimal() or not 0 < float(text) < 10**_MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {_short(text)}")
    return float(text)


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    if not text.replace(".", "", 1).isdecimal() or not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {_short(text)}")
    return float(text)


def bits(text: str) -> int:
    """Read how many bits of two perceptual hashes may differ: 0 to 16, beyond which strangers are alike too."""
    if not _is_whole(text) or int(text) > 16:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 16, got {_short(text)}")
    return int(text)


def positive_count(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not _is_whole(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, got {_short(text)}")
    return int(text)


def dots_per_inch(text: str) -> int:
    """Read a whole number from 1 to 65535, the most that a JPEG can say."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 65535, got {text!r}")
    return int(text)


def tile_size(text: str) -> int | None:
    """Read `auto` (None) or a whole number of 0 or more."""
    if text != "auto" and not _is_whole(text):
        raise argparse.ArgumentTypeError(f"expected auto or a whole number of 0 or more, got {_short(text)}")
    return None if text == "auto" else int(text)


def encoder_quality(text: str) -> int:
    """Read a whole number from 1 to 100."""
    if not _is_whole(text) or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 100, got {_short(text)}")
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """Read `i/n`, the i-th of n shares, from `1/n` to `n/n`."""
    first, _, second = text.partition("/")
    if not (_is_whole(first) and _is_whole(second) and 1 <= int(first) <= int(second)):
        raise argparse.ArgumentTypeError(f"expected i/n with i from 1 to n, such as 1/4, got {_short(text)}")
    return int(first), int(second)


def _is_whole(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MAX_DIGITS


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def place(text: str) -> Path:
    """Read the path of a file or folder; an empty one, such as an unset variable's, would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a file or folder, got an empty text")
    return Path(text)
