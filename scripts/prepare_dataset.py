"""Split a folder of photographs by sub-folder into manifests: the same as `realesrgan-arch data split`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.commands.data import add_split_arguments, run_split
from realesrgan_arch.entry import run


def main(argv: Sequence[str]) -> int:
    """Parse and split; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_split_arguments(parser)
    return run_split(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
