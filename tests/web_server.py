"""A web server of this machine that misbehaves on request, and remembers what it was asked for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """One answer. `body` is the whole file; ranges of it are served unless `ignores_range`."""

    body: bytes = b""
    status: int = 200
    etag: str | None = '"one"'
    headers: dict[str, str] = field(default_factory=dict)
    breaks_after: int | None = None
    """Close the connection after so many bytes of this answer."""
    ignores_range: bool = False
    ignores_if_range: bool = False
    content_length: int | None = None
    """Say this instead of the true length."""
    is_endless: bool = False
    """Send without a Content-Length, in chunks."""
    before_break: Callable[[], object] = lambda: None


@dataclass
class Site:
    """Answers by path: the first is given first, the last again and again."""

    address: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """(path, Range, If-Range) of each request."""

    def serve(self, path: str, *answers: Answer) -> str:
        """Set the answers of `path` and return its address."""
        self.answers[path] = list(answers)
        return self.address + path

    @property
    def ranges(self) -> list[str | None]:
        """The `Range` of each request."""
        return [asked for _, asked, _ in self.requests]


@contextmanager
def web_server() -> Iterator[Site]:
    """Serve on a free port of 127.0.0.1."""
    site = Site("")

    class Handler(_Handler):
        pass

    Handler.site = site
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{httpd.server_port}"
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield site
    finally:
        httpd.shutdown()
        httpd.server_close()


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        self.site.requests.append((self.path, asked, condition))
        queue = self.site.answers.get(self.path, [Answer(status=404)])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if answer.status != 200:
            self._send(answer, answer.status, answer.body, {})
        elif asked and not answer.ignores_range and (answer.ignores_if_range or condition in (None, answer.etag)):
            self._send_range(answer, int(asked.removeprefix("bytes=").removesuffix("-")))
        else:
            self._send(answer, 200, answer.body, {})

    def _send_range(self, answer: Answer, start: int) -> None:
        total = len(answer.body)
        if start >= total:
            self._send(answer, 416, b"", {"Content-Range": f"bytes */{total}"})
        else:
            self._send(answer, 206, answer.body[start:], {"Content-Range": f"bytes {start}-{total - 1}/{total}"})

    def _send(self, answer: Answer, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        etag = {"ETag": answer.etag} if answer.etag else {}
        if answer.is_endless:
            length = {"Transfer-Encoding": "chunked"}
        else:
            length = {"Content-Length": str(len(body) if answer.content_length is None else answer.content_length)}
        for name, value in ({"Content-Type": "application/zip"} | etag | length | headers | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        sent = body[: answer.breaks_after]
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent) if answer.is_endless else sent)
        if answer.breaks_after is not None:
            self.wfile.flush()
            answer.before_break()

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # A client that has seen enough.
            super().handle_one_request()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
