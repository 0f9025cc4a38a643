"""Training runs that say on standard output when they reach a place, and stay there until they are told to go on.

`python -m tests.training.signalled` reads lines of JSON, `[PLACE, ERRORS, ARGUMENTS...]`: PLACE is `step`, `save` or
`validation`, ERRORS is the file for a run's standard error, ARGUMENTS are train.py's. It forks each run, so that
torch is imported once, and writes `PLACE PID` and, when that has ended, its exit code. At a step a run stays until the
first signal, after which a step goes on.
"""

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence

import torch
import torch._dynamo  # imported once, before any fork: an optimiser would

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


def _linger(where: str, real: Callable, *, call: int, stay: Callable[[], None] = _stay) -> Callable:
    calls = []

    def slow(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == call:
            _tell(f"{where} {os.getpid()}")
            stay()
        return real(*arguments, **named)

    return slow


def _tell(text: str) -> None:
    sys.__stdout__.write(f"{text}\n")
    sys.__stdout__.flush()


def _linger_at(place: str) -> None:
    if place == "step":
        trainer._run_step = _linger(place, trainer._run_step, call=3, stay=_until_asked())
    elif place == "save":
        # After the file is half written: what torch writes is there, the name is not.
        checkpoint.torch.save = _linger(place, checkpoint.torch.save, call=5)
    else:
        Validation.score_now = _linger(place, Validation.score_now, call=1)


def _fork(place: str, errors: str, arguments: Sequence[str]) -> int:
    """Train in a child; return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.__stderr__.fileno())
        _linger_at(place)
        with contextlib.redirect_stdout(sys.__stderr__):
            code = run(train.main, arguments)
    finally:
        if sys.exception() is not None:
            traceback.print_exc()
        os._exit(code)


if __name__ == "__main__":
    assert session
    torch.set_num_threads(1)
    for line in sys.stdin:
        which, said, *its = json.loads(line)
        _tell(str(_fork(which, said, its)))
