"""A training run that says on standard output when it reaches a place, and stays there until it is told to go on.

`python -m tests.training.signalled PLACE ARGUMENTS...`: PLACE is `step`, `save` or `validation`,
ARGUMENTS are train.py's. At a step it stays until the first signal, after which a step goes on.
"""

import sys
import time
from collections.abc import Callable

from realesrgan_arch import session, train
from realesrgan_arch.entry import run
from realesrgan_arch.training import checkpoint, trainer
from realesrgan_arch.training.stopping import StopRequest
from realesrgan_arch.training.validation import Validation

_LONG_SECONDS = 600


def _stay() -> None:
    time.sleep(_LONG_SECONDS)


def _until_asked() -> Callable[[], None]:
    """Listen from now on, and return what stays until there was a signal."""
    answer, heard = StopRequest.answer, []

    def note(stop: StopRequest, number: int) -> None:
        heard.append(number)
        answer(stop, number)

    def stay() -> None:
        deadline = time.monotonic() + _LONG_SECONDS
        while not heard and time.monotonic() < deadline:
            time.sleep(0.01)

    StopRequest.answer = note
    return stay


def _linger(where: str, real: Callable, *, step: int, stay: Callable[[], None] = _stay) -> Callable:
    calls = []

    def slow(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == step:
            sys.stdout.write(f"{where}\n")
            sys.stdout.flush()
            stay()
        return real(*arguments, **named)

    return slow


if __name__ == "__main__":
    place, *arguments = sys.argv[1:]
    if place == "step":
        trainer._run_step = _linger(place, trainer._run_step, step=3, stay=_until_asked())
    elif place == "save":
        # After the file is half written: what torch writes is there, the name is not.
        checkpoint.torch.save = _linger(place, checkpoint.torch.save, step=5)
    else:
        Validation.score_now = _linger(place, Validation.score_now, step=1)
    assert session
    sys.exit(run(train.main, arguments))
