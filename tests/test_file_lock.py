"""A lock is let go of when its process ends, also where children of it live on."""

import os
import signal
import subprocess
import sys

import pytest

from realesrgan_arch.file_lock import file_lock

HOLDER = """
import os, sys
from pathlib import Path
from realesrgan_arch.file_lock import file_lock
with file_lock(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        try:
            print(os.getpid(), flush=True)  # by the child, which has let go then
            sys.stdin.read()  # until the test ends, however slow it is
        finally:
            os._exit(0)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused(tmp_path) -> None:
    with file_lock(tmp_path / "lock"), pytest.raises(BlockingIOError), file_lock(tmp_path / "lock"):
        pass
    assert not (tmp_path / "lock").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_of_a_killed_holder_does_not_hold_it_on(tmp_path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(BlockingIOError), file_lock(tmp_path / "lock"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with file_lock(tmp_path / "lock"):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
