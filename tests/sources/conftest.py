"""A data set on a web server, and a folder that it is brought into."""

import os

import pytest

from tests.sources.tiny_set import Getter, serve_tiny_set


@pytest.fixture(autouse=True)
def no_flushing(monkeypatch):
    """Flushing the whole machine, or each of many small files, takes long while other tests write."""
    monkeypatch.setattr(os, "sync", lambda: None, raising=False)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def site():
    with serve_tiny_set() as running:
        yield running


@pytest.fixture
def get(site, tmp_path) -> Getter:
    return Getter(site, tmp_path / "datasets")
