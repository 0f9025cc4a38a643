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
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED  # noqa: E402
from realesrgan_arch.options.load import load_options  # noqa: E402
from realesrgan_arch.options.overrides import add_overrides  # noqa: E402

_EXIT_CODES = """exit codes: 0 done, whatever the verdict; 2 bad input; 3 some pictures could not be scored;
            4 no picture found; 5 no room on the disk; 6 a damaged model; 130 and 143 stopped by Ctrl-C and SIGTERM
"""


def main(arguments: Sequence[str]) -> int:
    """Score bicubic, the base model and the tuned one, and say the verdict; 3 where pictures could not be scored."""
    parser = argparse.ArgumentParser(
        prog="test.py",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-opt", "--options", required=True, type=Path, metavar="FILE", help="option file (YAML)")
    add_overrides(parser)
    parser.add_argument("-o", "--output", type=Path, help="folder of the results (default: results/<name>)")
    parsed = parser.parse_args(arguments)
    loaded = load_options(parsed.options, overrides=parsed.overrides)
    for note in loaded.notes:
        warn(f"note: {note}")
    from realesrgan_arch.comparison import compare  # torch, which `--help` need not wait for

    folder = parsed.output or Path("results") / loaded.options.name
    comparisons = compare(loaded.options, folder=folder)
    for comparison in comparisons:
        say(comparison.text())
    return EXIT_SOME_FILES_FAILED if any(comparison.left_out for comparison in comparisons) else EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
