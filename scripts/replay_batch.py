"""Make the batch of one training step again: the same as `realesrgan-arch data replay`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from realesrgan_arch.commands.data import run_verb
from realesrgan_arch.entry import run

if __name__ == "__main__":
    sys.exit(run(lambda argv: run_verb("replay", argv), sys.argv[1:]))
