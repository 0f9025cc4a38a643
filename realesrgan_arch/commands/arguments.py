"""What a command line argument may be, as `type=` of argparse."""

import argparse


def count(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more, got {text!r}")
    return int(text)


def name_part(text: str) -> str:
    """Read what may stand in a file name."""
    if set(text) & set("/\\\0"):
        raise argparse.ArgumentTypeError(f"expected a part of a file name, got {text!r}")
    return text


def positive_number(text: str) -> float:
    """Read a finite number above 0."""
    if not text.replace(".", "", 1).isdecimal() or not float(text) > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return float(text)


def bits(text: str) -> int:
    """Read how many bits of two perceptual hashes may differ: 0 to 16, beyond which strangers are alike too."""
    if not text.isdecimal() or int(text) > 16:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 16, got {text!r}")
    return int(text)


def positive_count(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, got {text!r}")
    return int(text)
