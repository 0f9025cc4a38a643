"""The corpus is written once for all tests of this room; no test may change it."""

from pathlib import Path

import pytest

from tests.corpus import pictures
from tests.corpus.corpus_folder import Corpus, build_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the results of one module."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight scenes of two photographs each."""
    for number in range(16):
        path = tmp_path / "photos" / f"scene {number // 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.encoded(pictures.facade(number, 300, 280), "PNG"))
    return tmp_path / "photos"
