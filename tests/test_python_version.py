"""A Python that cannot run the package is told so in one sentence."""

import ast
import sys
from pathlib import Path

import pytest

from realesrgan_arch.python_version import check_python

PACKAGE = Path(__file__).parents[1] / "realesrgan_arch"
READ_BEFORE_THE_CHECK = ["__init__", "errors", "python_version", "train", "finetune", "test", "inference", "cli"]


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9)])
def test_supported_python_passes(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    check_python()


@pytest.mark.parametrize(("version", "name"), [((3, 6, 15), "3.6"), ((3, 10, 13), "3.10"), ((3, 13, 0), "3.13")])
def test_other_python_gets_one_sentence_and_exit_code_2(monkeypatch, capsys, version, name):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as leaving:
        check_python()
    assert leaving.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: realesrgan_arch needs Python 3.11 or 3.12, but this is Python " + name)
    assert message.count("\n") == 1


@pytest.mark.parametrize("name", READ_BEFORE_THE_CHECK)
def test_files_read_before_the_check_parse_on_old_pythons(name):
    path = PACKAGE / f"{name}.py"
    if not path.exists():
        pytest.skip(f"{path.name} is not written yet")
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("name", ["train", "finetune", "test", "inference", "cli"])
def test_entries_check_before_they_import_anything_else_of_ours(name):
    path = PACKAGE / f"{name}.py"
    if not path.exists():
        pytest.skip(f"{path.name} is not written yet")
    lines = path.read_text(encoding="utf-8").splitlines()
    ours = [line for line in lines if line.startswith("from realesrgan_arch")]
    assert ours[0].split("  #")[0] == "from realesrgan_arch.python_version import check_python"
    assert lines.index("check_python()") < lines.index(ours[1])
