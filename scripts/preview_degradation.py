"""Show what training sees: the same as `realesrgan-arch data preview`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.commands.data import run_verb
from realesrgan_arch.entry import run

if __name__ == "__main__":
    sys.exit(run(lambda argv: run_verb("preview", argv), sys.argv[1:]))
