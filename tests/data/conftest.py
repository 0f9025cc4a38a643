"""Fixtures for tests that write many small files or compute on small pictures."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def no_flushing(monkeypatch) -> None:
    """For tests that are not about power cuts: flushing hundreds of small files takes longer than making them."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other are slower on small pictures."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
