"""Commands from a cell: their output appears as they run, and a failure stops the notebook."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_OK, UserError

_ROOT = Path(__file__).resolve().parents[2]


class CommandError(UserError):
    """A command of this package that did not succeed; its own words stand above."""


def call(*arguments: str | Path) -> None:
    """Run `realesrgan-arch ARGUMENTS` in a process of its own, which gives its memory back when it ends.

    The notebook's stop button is the command's Ctrl-C: a training run saves its step, says so and ends.

    Raises:
        CommandError: the exit code is not 0.
    """
    words = [str(argument) for argument in arguments]
    command = [sys.executable, "-u", "-m", "realesrgan_arch.cli", *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
    # In a group of its own: the stop button signals the whole group of the notebook, and a second signal would end a
    # training run without its save.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        process_group=0,
    ) as process:
        _pass_on(process)
    if process.returncode != EXIT_OK:
        raise CommandError(f"`realesrgan-arch {' '.join(words)}` ended with exit code {process.returncode}.")


def _pass_on(process: subprocess.Popen[str]) -> None:
    """Say what the process says until it ends, and hand each Ctrl-C over to it; the first one is raised at the end."""
    lines, interrupt = iter(process.stdout or ()), None
    while True:
        try:
            line = next(lines, None)
            if line is None:
                break
            say(line.rstrip("\n"))
        except KeyboardInterrupt as signalled:
            interrupt = interrupt or signalled
            process.send_signal(signal.SIGINT)
    if interrupt is not None:
        process.wait()
        raise interrupt
