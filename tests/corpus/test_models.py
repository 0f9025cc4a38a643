"""Each model file of the table is refused or used as the table says, and no file runs a program."""

import pickle
from pathlib import Path

import pytest

from tests.corpus import pictures
from tests.corpus.alarm import at_most
from tests.corpus.entries import one
from tests.corpus.models import MARKER, MODELS, Attack, ModelFile
from tests.corpus.upscale_runs import UpscaleRun, files_below, upscale

_PHOTO = one("photos/a.png", lambda: pictures.png(41))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_each_model_ends_as_the_table_says(model: ModelFile, in_tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    _PHOTO(in_tmp_path)
    model.write(in_tmp_path / model.name)
    wanted = UpscaleRun(model.id, model.what, _PHOTO, model.words, flags=("--model_path", model.name))
    with at_most(60):
        code = upscale(wanted)
    out, err = capfd.readouterr()
    assert code == model.code, err
    assert model.words in out + err
    assert "Traceback" not in err
    assert not (in_tmp_path / MARKER).exists()
    assert files_below(in_tmp_path / "out") == ({"a_out.png"} if code == 0 else set())
    if code:
        assert len(err.splitlines()) == 1
        assert model.name in err


def test_the_attack_of_the_table_works_where_nobody_takes_care(in_tmp_path: Path):
    pickle.loads(pickle.dumps(Attack()))
    assert (in_tmp_path / MARKER).exists()
