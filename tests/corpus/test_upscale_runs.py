"""Each run of the tables ends as its table says: exit code, words, files, and never a traceback."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from realesrgan_arch import inference
from realesrgan_arch.entry import run
from tests.corpus.corpus_folder import denied
from tests.corpus.table import RUNS
from tests.corpus.test_changing_folder import at_most
from tests.corpus.upscale_runs import UpscaleRun

BASE = Path(inference.__file__).parent / "data" / "demo_base.safetensors"
BOOKS = {"manifest.jsonl", "failed.txt"}


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


def upscale(wanted: UpscaleRun) -> int:
    """Run the command in this process: starting Python takes longer than all of its work."""
    model = () if "--model_path" in wanted.flags else ("--model_path", str(BASE))
    device = () if "--device" in wanted.flags else ("--device", "cpu")
    try:
        return run(inference.main, [wanted.source, wanted.output, *model, *device, "--fp32", *wanted.flags])
    except SystemExit as end:  # argparse
        assert isinstance(end.code, int)
        return end.code


def files_below(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if name not in BOOKS}
