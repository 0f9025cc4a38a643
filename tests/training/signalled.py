"""A training run that says on standard output when it reaches a place, and stays there until it is told to go on.

`python -m tests.training.signalled PLACE ARGUMENTS...` with PLACE `save` or `validation`; ARGUMENTS are train.py's.
"""

import sys
import time
from collections.abc import Callable

from realesrgan_arch import session, train
from realesrgan_arch.entry import run
from realesrgan_arch.training import checkpoint
from realesrgan_arch.training.validation import Validation

_LONG_SECONDS = 60


def _linger(where: str, real: Callable, *, step: int) -> Callable:
    calls = []

    def slow(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == step:
            sys.stdout.write(f"{where}\n")
            sys.stdout.flush()
            time.sleep(_LONG_SECONDS)
        return real(*arguments, **named)

    return slow


if __name__ == "__main__":
    place, *arguments = sys.argv[1:]
    if place == "save":
        # After the file is half written: what torch writes is there, the name is not.
        checkpoint.torch.save = _linger(place, checkpoint.torch.save, step=5)
    else:
        Validation.score_now = _linger(place, Validation.score_now, step=1)
    assert session
    sys.exit(run(train.main, arguments))
