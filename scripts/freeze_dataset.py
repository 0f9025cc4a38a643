"""Make validation and test sets that never change: the same as `realesrgan-arch data freeze`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.commands.data import run_verb
from realesrgan_arch.entry import run

if __name__ == "__main__":
    sys.exit(run(lambda argv: run_verb("freeze", argv), sys.argv[1:]))
