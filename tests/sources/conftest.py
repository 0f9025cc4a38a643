"""A data set on a web server, and a folder that it is brought into."""

import os

import pytest

from tests.sources.tiny_set import HR_ZIP, LIST, X4_TAR, Getter
from tests.web_server import Answer, web_server


@pytest.fixture(autouse=True)
def no_flushing(monkeypatch):
    """Flushing the whole machine, or each of many small files, takes long while other tests write."""
    monkeypatch.setattr(os, "sync", lambda: None, raising=False)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def site():
    with web_server() as running:
        running.serve("/hr.zip", Answer(HR_ZIP))
        running.serve("/x4.tgz", Answer(X4_TAR))
        running.serve("/list.txt", Answer(LIST, headers={"Content-Type": "text/plain"}))
        yield running


@pytest.fixture
def get(site, tmp_path) -> Getter:
    return Getter(site, tmp_path / "datasets")
