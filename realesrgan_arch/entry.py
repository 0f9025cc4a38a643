"""From a function to a process: messages, exit codes and one sentence for a user's mistake."""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from realesrgan_arch.errors import EXIT_BAD_INPUT, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_TERMINATED, UserError

Verb = Callable[[Sequence[str]], int]


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""

    exit_code = EXIT_TERMINATED


def say(text: str = "") -> None:
    """Write one line of result to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Write one line of progress or warning to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(verb: Verb, arguments: Sequence[str]) -> int:
    """Call `verb` and return its exit code; a `UserError` becomes `error: ...` on standard error and its exit code.

    SIGTERM is heard as Ctrl-C is, but for verbs that listen themselves; a second one is not caught. The first is heard
    when the call of a library that computes has returned.

    Set `REALESRGAN_ARCH_DEBUG=1` to see the traceback of a user's mistake too.
    """
    try:
        with _terminable():
            return verb(arguments)
    except UserError as error:
        if os.environ.get("REALESRGAN_ARCH_DEBUG"):
            traceback.print_exc()
        warn(f"error: {error}")
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "realesrgan_arch":
            raise
        warn(f"error: {error.name} is not installed; run `make venv`, or pip install -r requirements.txt")
        return EXIT_BAD_INPUT
    except KeyboardInterrupt as stop:
        # A run that was stopped in good order says how to go on, and which signal it was.
        warn(str(stop) or "interrupted")
        return getattr(stop, "exit_code", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader (`head`, `less`) has gone; leave quietly and keep Python from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INTERNAL


@contextmanager
def _terminable() -> Iterator[None]:
    """Raise `Terminated` at SIGTERM where nobody else has taken it; processes that are forked meanwhile die of it."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    own = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != own:
            signal.raise_signal(number)
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
