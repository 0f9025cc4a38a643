"""A file that a server has, and what comes of getting it, for tests."""

import hashlib
from pathlib import Path

import pytest

from realesrgan_arch.downloading.fetch import RemoteFile, fetch
from realesrgan_arch.downloading.web import DownloadError
from tests.web_server import Answer, Site

BODY = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(20_000))  # 640,000 bytes
OTHER = BODY[::-1]
HALF = 300_000
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"


class Pauses(list):
    """Waits that are noted and not waited for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def break_off(site: Site, target: Path, **facts) -> RemoteFile:
    """Leave the first half of a file, as a process that was stopped does."""
    stop = Answer(status=503, headers={"Retry-After": "9999"})
    remote = RemoteFile(site.serve("/set.zip", Answer(BODY, breaks_after=HALF, **facts), stop))
    with pytest.raises(DownloadError):
        fetch(remote, target, pause=Pauses())
    site.requests.clear()
    return remote
