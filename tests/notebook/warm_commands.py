"""The commands of a notebook, forked from one process that has imported what they need: that costs more than they do.

A notebook starts `sys.executable`. Where that is the file from `warm_python`, the command gets its own process, output,
folder and exit code as always, but not an own import of torch.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.forked import fork

ROOT = Path(__file__).resolve().parents[2]
_LARGEST_REQUEST = 2**16

# Without site-packages it starts at once: `-u -m realesrgan_arch.cli VERB ...` becomes a request with its outputs.
_CLIENT = """#!{python} -IS
import json, os, socket, sys
assert sys.argv[1:4] == ["-u", "-m", "realesrgan_arch.cli"], sys.argv
with socket.socket(socket.AF_UNIX) as server:
    server.connect({place!r})
    request = json.dumps([sys.argv[4:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [request], [1, 2])
    sys.exit(int(server.makefile().readline()))
"""


@contextmanager
def warm_python() -> Iterator[str]:
    """Start the server; yields what stands for `sys.executable`."""
    with tempfile.TemporaryDirectory() as folder:
        place, client = Path(folder, "s"), Path(folder, "python")
        client.write_text(_CLIENT.format(python=sys.executable, place=str(place)))
        client.chmod(0o755)
        command = [sys.executable, "-m", "tests.notebook.warm_commands", str(place)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None and server.stdout.readline() == "ready\n"
                yield str(client)
            finally:
                server.terminate()


def serve(place: str) -> None:
    """Do one command after another, each in a child, until this process is ended."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            client, _ = listening.accept()
            with client:
                received, fds, _, _ = socket.recv_fds(client, _LARGEST_REQUEST, 2)
                words, folder, environment = json.loads(received)
                child = fork(lambda said=(words, folder, environment, fds): _run(*said))
                for fd in fds:
                    os.close(fd)
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                client.sendall(f"{code}\n".encode())


def _run(words: list[str], folder: str, environment: dict[str, str], fds: list[int]) -> None:
    from realesrgan_arch.cli import main
    from realesrgan_arch.entry import run

    for number, fd in enumerate(fds, start=1):
        os.dup2(fd, number)
    os.chdir(folder)
    os.environ.update(environment)
    code = 1
    try:
        code = run(main, words)
    except SystemExit as asked:
        code = asked.code if isinstance(asked.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _import_what_commands_need() -> None:
    import realesrgan_arch.commands.data_preview
    import realesrgan_arch.inference
    import realesrgan_arch.session
    import realesrgan_arch.test  # noqa: F401
    from realesrgan_arch.basicsr_bridge import register

    register()


if __name__ == "__main__":
    _import_what_commands_need()
    serve(sys.argv[1])
