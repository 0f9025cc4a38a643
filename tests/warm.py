"""Processes that are forked from one which has imported what they need: importing torch costs more than a tiny run.

The server is a process of its own, since one that has gone backward through a network must not be forked.
"""

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from realesrgan_arch.basicsr_bridge import register

ROOT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS = 1200
GRACE_SECONDS = 60
POLL_SECONDS = 0.02
_FDS = 3


class WarmProcess:
    """A forked process: what it says lands in a file, and its end can be waited for."""

    def __init__(self, status: socket.socket, errors: Path) -> None:
        self._status = status
        self._errors = errors
        self.pid = self._number(LONGEST_SECONDS)
        self.returncode: int | None = None

    def errors(self) -> str:
        """Return what it has written to standard error until now."""
        return self._errors.read_text()

    def wait(self, timeout: float = LONGEST_SECONDS) -> int:
        """Return its exit code, or the negative number of the signal that killed it."""
        if self.returncode is None:
            self.returncode = self._number(timeout)
        return self.returncode

    def is_running(self) -> bool:
        return self.returncode is None and not select.select([self._status], [], [], 0)[0]

    def wait_until(self, happened: Callable[[], object]) -> None:
        """Return as soon as `happened` says yes; fail where the process ends, or the time is up, before that."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while not happened():
            assert self.is_running() and time.monotonic() < deadline, self.errors()
            time.sleep(POLL_SECONDS)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def _number(self, timeout: float) -> int:
        assert select.select([self._status], [], [], timeout)[0], f"no end after {timeout} s: {self.errors()}"
        return int.from_bytes(self._status.recv(4), "big", signed=True)


class WarmServer:
    """Forks processes that call `module:function` and exit with what it returns."""

    def __init__(self, channel: socket.socket, folder: Path) -> None:
        self._channel = channel
        self._folder = folder
        self._started = 0

    def start(self, target: str, *arguments: str, **environment: str) -> WarmProcess:
        self._started += 1
        out, errors = (self._folder / f"{self._started}.{name}" for name in ("out", "err"))
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps({"target": target, "arguments": arguments, "environment": environment}).encode()
        with out.open("wb") as stdout, errors.open("wb") as stderr, theirs:
            fds = [stdout.fileno(), stderr.fileno(), theirs.fileno()]
            socket.send_fds(self._channel, [request], fds)
        return WarmProcess(mine, errors)


@contextmanager
def open_warm_server(*modules: str) -> Iterator[WarmServer]:
    """Start a server that has imported what a training needs, and `modules`; in the end all that it forked is gone."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.warm", str(theirs.fileno()), *modules]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder, mine:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()], start_new_session=True
        )
        theirs.close()
        try:
            yield WarmServer(mine, Path(folder))
            mine.close()
            server.wait(GRACE_SECONDS)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def serve(channel: socket.socket) -> None:
    """Fork a keeper for each request until nobody can ask any more; then wait for them."""
    keepers: list[int] = []
    while (received := socket.recv_fds(channel, 2**16, _FDS))[0]:
        request, fds = json.loads(received[0]), received[1]
        keeper = os.fork()
        if keeper == 0:
            try:
                channel.close()
                _keep(request, *fds)
            finally:
                os._exit(0)
        keepers.append(keeper)
        for fd in fds:
            os.close(fd)
    for keeper in keepers:
        os.waitpid(keeper, 0)


def _keep(request: Mapping, stdout: int, stderr: int, status: int) -> None:
    """Fork the process, and tell its id and how it has ended."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(status)
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            os.environ.update(request["environment"])
            code = call(request["target"], *request["arguments"])
        finally:
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.write(status, pid.to_bytes(4, "big"))
    _, ended = os.waitpid(pid, 0)
    os.write(status, os.waitstatus_to_exitcode(ended).to_bytes(4, "big", signed=True))


def call(target: str, *arguments: str) -> int:
    """Return what `module:function` makes of the arguments, an exit code, also where it exits with it."""
    module, _, function = target.partition(":")
    try:
        return getattr(importlib.import_module(module), function)(*arguments)
    except SystemExit as asked:
        return asked.code if isinstance(asked.code, int) else int(asked.code is not None)


def launch(target: str, *arguments: str) -> int:
    """Call `target` in two ranks of torchrun's launcher, which forks them."""
    config = LaunchConfig(1, 1, 2, run_id=str(os.getpid()), rdzv_backend="c10d", rdzv_endpoint="localhost:0")
    config.max_restarts, config.start_method = 0, "fork"
    elastic_launch(config, _call_in_rank)(target, *arguments)
    return 0


def _call_in_rank(target: str, *arguments: str) -> None:
    if code := call(target, *arguments):
        sys.exit(code)


if __name__ == "__main__":
    torch.set_num_threads(1)
    register()  # imports basicsr and torchvision, which every training does before it builds its model
    for name in sys.argv[2:]:
        importlib.import_module(name)
    serve(socket.socket(fileno=int(sys.argv[1])))
