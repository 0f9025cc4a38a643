"""A data set of three files on a web server of this machine, for tests."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realesrgan_arch.downloading.fetch import RemoteFile
from realesrgan_arch.sources.get import get_source
from realesrgan_arch.sources.table import Folder, Source, SourceFile
from tests.sources.archives import tar_bytes, zip_bytes
from tests.web_server import Answer, Site, web_server

HR_ZIP = zip_bytes({f"set_HR/{name}.png": random.Random(name).randbytes(40_000) for name in "abcdefghij"})
X4_TAR = tar_bytes({f"set/X4/{name}.png": bytes([ord(name)]) for name in "abcdefghij"}, mode="w:gz")
LIST = b"a train\nb test\n"


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def source_of(address: str) -> Source:
    def remote(name: str, data: bytes) -> RemoteFile:
        return RemoteFile(f"{address}/{name}", len(data), sha256(data))

    files = (
        SourceFile("validation-hr", "hr.zip", remote("hr.zip", HR_ZIP), (Folder("set_HR", "HR", 10),)),
        SourceFile("validation-x4", "x4.tgz", remote("x4.tgz", X4_TAR), (Folder("set/X4", "LR/X4", 10),)),
        SourceFile("list", "list.txt", remote("list.txt", LIST)),
    )
    return Source("tiny", "Tiny: ten pictures", "https://example.org/tiny", "for tests", "https://l", "Nobody", files)


@contextmanager
def serve_tiny_set() -> Iterator[Site]:
    with web_server() as site:
        site.serve("/hr.zip", Answer(HR_ZIP))
        site.serve("/x4.tgz", Answer(X4_TAR))
        site.serve("/list.txt", Answer(LIST, headers={"Content-Type": "text/plain"}))
        yield site


class Getter:
    """`get_source` into one folder, with what it told and without waiting."""

    def __init__(self, site: Site, out: Path) -> None:
        self.site, self.out, self.source, self.told = site, out, source_of(site.address), []

    def __call__(self, **options):
        self.site.requests.clear()
        self.told.clear()
        return get_source(self.source, self.out, tell=self.told.append, pause=lambda seconds: None, **options)

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.site.requests]
