"""Fine-tune: `train.py`, and pre-trained weights are required."""

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from realesrgan_arch.python_version import check_python

check_python()

from realesrgan_arch.entry import run  # noqa: E402
from realesrgan_arch.errors import UserError  # noqa: E402
from realesrgan_arch.options.types import Options  # noqa: E402
from realesrgan_arch.train import run_training  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Check that there is something to fine-tune, then train.

    Raises:
        UserError: the options name no pre-trained generator.
    """
    return run_training(arguments, program="finetune.py", check=_check_pretrained)


def _check_pretrained(options: Options) -> None:
    if options.path.pretrain_network_g is None:
        raise UserError(
            "path.pretrain_network_g: expected the weights to start from, got none; name a file or one of "
            "`realesrgan-arch weights list`, or train from scratch with train.py"
        )


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
