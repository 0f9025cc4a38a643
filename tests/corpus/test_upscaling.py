"""Magnifying the folder of the corpus: what is made, what fails and with which words."""

from pathlib import Path

import pytest
from PIL import Image

from realesrgan_arch.upscaling.folder import FolderReport
from realesrgan_arch.upscaling.job import RunPlan
from tests.corpus.corpus_folder import Corpus, faults
from tests.corpus.entries import Entry, LeftOut, Read
from tests.corpus.table import ENTRIES
from tests.upscaling.folder_run import do
from tests.upscaling.planning import plan


@pytest.fixture(scope="module")
def planned(corpus: Corpus, work: Path) -> RunPlan:
    """Made by the first test that asks."""
    with faults(corpus):
        return plan(corpus.root, work)


@pytest.fixture(scope="module")
def targets(planned: RunPlan) -> dict[Path, Path]:
    """The result that is planned for each source whose header can be read."""
    return {job.source: job.target for job in planned.jobs}


@pytest.fixture(scope="module")
def report(corpus: Corpus, planned: RunPlan, work: Path) -> FolderReport:
    with faults(corpus):
        return do(planned, work)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_entry_is_magnified_as_the_table_says(
    entry: Entry, corpus: Corpus, report: FolderReport, targets: dict[Path, Path]
):
    failed = dict(report.failed)
    warnings = {result.job.source: " ".join(result.warnings) for result in report.made}
    for path in corpus.paths[entry.id]:
        if isinstance(entry.upscaling, Read):
            with Image.open(targets[path]) as result:
                assert result.size == entry.upscaling.size
                assert result.mode == (entry.upscaling.mode or result.mode)
                assert result.getexif().get(274, 1) == 1
            assert path not in failed
            assert entry.upscaling.warns in warnings[path]
            assert bool(entry.upscaling.warns) == bool(warnings[path])
        elif isinstance(entry.upscaling, LeftOut):
            assert entry.upscaling.words in failed[path]
            assert path not in targets or not _exists(targets[path])
        else:
            assert not any(source.is_relative_to(path) for source in (*targets, *failed))


def test_every_source_has_a_result_of_its_own_and_nothing_is_left_behind(
    corpus: Corpus, report: FolderReport, planned: RunPlan, work: Path, targets: dict[Path, Path]
):
    assert len(set(targets.values())) == len(targets)
    assert len(targets) + len(planned.unreadable) == len(report.ok) + len(report.failed)
    ignoring_case = {str(target).casefold() for target in targets.values()}
    assert len(ignoring_case) == len(targets)
    assert {path for path in work.rglob("*") if path.is_file()} == {*report.ok, work / "failed.txt"}
    assert {targets[path] for path in corpus.good} <= set(report.ok)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # The name is too long to ask.
        return False
