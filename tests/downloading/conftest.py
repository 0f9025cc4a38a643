"""A web server and a place for what it sends."""

from pathlib import Path

import pytest

from tests.web_server import web_server


@pytest.fixture
def site():
    with web_server() as running:
        yield running


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "new" / "set.zip"
