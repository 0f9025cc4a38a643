"""A second signal ends the process whatever its main thread does; signals to its children are none to itself."""

import os
import signal
import subprocess
import sys

import pytest

DEEP = """
import hashlib
from realesrgan_arch.stop_signals import StopSignals
with StopSignals(first="first", second="second"):
    print("deep", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"x", 2**31 - 1)  # calls no handler before its end
"""
FORKS = """
import os, signal
from realesrgan_arch.stop_signals import StopSignals
with StopSignals(first="first", second="second") as stop:
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    signal.raise_signal(signal.SIGINT)
    print(stop.number, flush=True)
"""


def test_two_signals_end_a_process_whose_main_thread_hears_none():
    process = subprocess.Popen([sys.executable, "-c", DEEP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "deep\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in (130, 143)
        assert process.stderr.read().endswith("second\n")
    finally:
        process.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_signals_to_a_forked_child_are_not_heard_by_its_parent():
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
