"""Each run of the tables ends as its table says: exit code, words, files, and never a traceback."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.corpus.alarm import at_most
from tests.corpus.corpus_folder import denied
from tests.corpus.table import RUNS
from tests.corpus.upscale_runs import UpscaleRun, files_below, upscale


@pytest.mark.parametrize("wanted", RUNS, ids=lambda wanted: wanted.id)
def test_each_run_ends_as_the_table_says(wanted: UpscaleRun, in_tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    wanted.prepare(in_tmp_path)
    capfd.readouterr()
    with ExitStack() as stack:
        stack.enter_context(at_most(60))
        if wanted.denied:
            stack.enter_context(denied(in_tmp_path / wanted.denied))
        code = upscale(wanted)
    out, err = capfd.readouterr()
    assert code == wanted.code, err
    assert wanted.words in out + err
    assert "Traceback" not in err
    output = in_tmp_path / wanted.output
    if code != 2 or wanted.results:
        assert files_below(output) == set(wanted.results)
    wanted.check(output)
