"""Released weights arrive whole or not at all; tested against a server on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from realesrgan_arch.weights.download import download
from realesrgan_arch.weights.table import KnownWeights, WeightsError

BODY = bytes(range(256)) * 2000
BODY_SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/absent.pth":
            self.send_error(404)
            return
        is_page = self.path == "/page.pth"
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if is_page else "application/octet-stream")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/cut.pth" else BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_a_download_is_checked_and_a_second_one_not_made(tmp_path, server):
    known = KnownWeights("w", f"{server}/w.pth", None, size=len(BODY), sha256=BODY_SHA256)
    path = download(known, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "w.pth"
    assert path.read_bytes() == BODY
    again = KnownWeights("w", "http://127.0.0.1:9/w.pth", None, sha256=BODY_SHA256)
    assert download(again, path.parent) == path
    assert [file.name for file in path.parent.iterdir()] == ["w.pth"]


def test_a_download_without_known_checksum_is_accepted_with_a_warning(tmp_path, server, caplog):
    path = download(KnownWeights("w", f"{server}/w.pth", None), tmp_path)
    assert path.read_bytes() == BODY
    assert "was not verified" in caplog.text


@pytest.mark.parametrize(
    ("name", "sha256", "size", "message"),
    [
        ("w.pth", "0" * 64, None, "gave other bytes than the released file"),
        ("absent.pth", None, None, "answered 404 Not Found"),
        ("page.pth", None, None, "gave a web page instead of the file"),
        ("w.pth", None, 1000, "sends more than the 1,000 bytes expected"),
    ],
)
def test_a_bad_download_leaves_nothing_behind(tmp_path, server, name, sha256, size, message):
    with pytest.raises(WeightsError, match=message):
        download(KnownWeights("w", f"{server}/{name}", None, sha256=sha256, size=size), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_breaks_off_again_and_again_keeps_what_has_arrived(tmp_path, server):
    known = KnownWeights("w", f"{server}/cut.pth", None, sha256=BODY_SHA256)
    with pytest.raises(WeightsError, match="broke off after 256,000 of 512,000 bytes: try again later; it goes on"):
        download(known, tmp_path, pause=lambda seconds: None)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cut.pth.part", "cut.pth.part.json"]
    assert (tmp_path / "cut.pth.part").read_bytes() == BODY[:256_000]


def test_no_server_and_no_folder_are_one_sentence_each(tmp_path):
    known = KnownWeights("w", "http://127.0.0.1:9/w.pth", None)
    with pytest.raises(WeightsError, match=r"cannot download http://127\.0\.0\.1:9/w\.pth \(.*refused") as raised:
        download(known, tmp_path)
    assert str(raised.value).endswith(f"; or put w.pth from {known.url} into {tmp_path}")
    (tmp_path / "file").write_text("x")
    with pytest.raises(WeightsError, match="cannot write into"):
        download(known, tmp_path / "file")
