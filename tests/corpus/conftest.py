"""The corpus is written once for all tests of this room; no test may change it."""

from pathlib import Path

import pytest

from tests.corpus.corpus_folder import Corpus, build_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the results of one module."""
    return tmp_path_factory.mktemp("work")
