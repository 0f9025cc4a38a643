"""Commands from a cell: their output appears as they run, and a failure stops the notebook."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_OK, UserError

_ROOT = Path(__file__).resolve().parents[2]
_GRACE_S = 120


class CommandError(UserError):
    """A command of this package that did not succeed; its own words stand above."""


def call(*arguments: str | Path) -> None:
    """Run `realesrgan-arch ARGUMENTS` in a process of its own, which gives its memory back when it ends.

    The notebook's stop button is the command's Ctrl-C: a training run saves its step and ends.

    Raises:
        CommandError: the exit code is not 0.
    """
    words = [str(argument) for argument in arguments]
    command = [sys.executable, "-u", "-m", "realesrgan_arch.cli", *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, errors="replace"
    ) as process:
        try:
            for line in process.stdout or ():
                say(line.rstrip("\n"))
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait(_GRACE_S)
            raise
    if process.returncode != EXIT_OK:
        raise CommandError(f"`realesrgan-arch {' '.join(words)}` ended with exit code {process.returncode}.")
