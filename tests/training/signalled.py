"""Training runs that say when they reach a place, and stay there until they are told to go on.

A place is `step`, `save` or `validation`. At a step a run stays until the first signal, after which a step goes on.
"""

import sys
import time
from collections.abc import Callable

import torch._dynamo  # noqa: F401  imported once, before any fork: an optimiser would

from realesrgan_arch import session, train  # noqa: F401
from realesrgan_arch.entry import run
from realesrgan_arch.training import checkpoint, trainer
from realesrgan_arch.training.stopping import StopRequest
from realesrgan_arch.training.validation import Validation

_LONG_SECONDS = 600


def train_lingering(place: str, *arguments: str) -> int:
    """Do what train.py does with `arguments`, but stay at `place`, and say `reached` of it on standard error."""
    _linger_at(place)
    return run(train.main, arguments)


def reached(place: str) -> str:
    """Return what a run says in the middle of its `place`."""
    return f"in the middle of a {place}"


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


def _linger(where: str, real: Callable, *, call: int, stay: Callable[[], None] = _stay) -> Callable:
    calls = []

    def slow(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == call:
            sys.stderr.write(f"{reached(where)}\n")
            stay()
        return real(*arguments, **named)

    return slow


def _linger_at(place: str) -> None:
    if place == "step":
        trainer._run_step = _linger(place, trainer._run_step, call=3, stay=_until_asked())
    elif place == "save":
        # After the file is half written: what torch writes is there, the name is not.
        checkpoint.torch.save = _linger(place, checkpoint.torch.save, call=5)
    else:
        Validation.score_now = _linger(place, Validation.score_now, call=1)
