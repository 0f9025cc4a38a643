"""Score on unseen pictures: `python realesrgan_arch/test.py -opt options/test_architecture.yml`."""

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from realesrgan_arch.python_version import check_python

check_python()

import argparse  # noqa: E402

from realesrgan_arch.entry import run, say, warn  # noqa: E402
from realesrgan_arch.errors import EXIT_OK  # noqa: E402
from realesrgan_arch.options.load import load_options  # noqa: E402
from realesrgan_arch.options.overrides import add_overrides  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Score bicubic, the base model and the tuned one, and say where the tables and pictures are."""
    parser = argparse.ArgumentParser(prog="test.py", description=__doc__)
    parser.add_argument("-opt", "--options", required=True, type=Path, metavar="FILE", help="option file (YAML)")
    add_overrides(parser)
    parser.add_argument("-o", "--output", type=Path, help="folder of the results (default: results/<name>)")
    parsed = parser.parse_args(arguments)
    loaded = load_options(parsed.options, overrides=parsed.overrides)
    for note in loaded.notes:
        warn(f"note: {note}")
    from realesrgan_arch.comparison import compare  # torch, which `--help` need not wait for

    folder = parsed.output or Path("results") / loaded.options.name
    for comparison in compare(loaded.options, folder=folder):
        say(comparison.text())
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
