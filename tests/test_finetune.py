"""`finetune.py`: the guided form, and the old one with an option file."""

import io

import pytest

from realesrgan_arch import finetune
from realesrgan_arch.errors import UserError
from tests.tiny_run import tiny_options, write_options, write_pictures


def test_without_a_terminal_it_asks_for_yes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(UserError, match="expected a terminal to ask questions in, or --yes"):
        finetune.main(["--data", str(tmp_path)])


def test_under_torchrun_it_says_what_to_do(tmp_path, monkeypatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    with pytest.raises(UserError, match=r"one process: leave torchrun out, or let it run train\.py on options\.yml"):
        finetune.main(["--data", str(tmp_path), "--yes"])


@pytest.mark.parametrize("flag", ["-opt", "--options", "--opt"])
def test_with_an_option_file_it_insists_on_a_base(tmp_path, flag) -> None:
    write_pictures(tmp_path / "photos")
    path = write_options(tmp_path / "x.yml", tiny_options(tmp_path / "photos", tmp_path))
    with pytest.raises(UserError, match="path.pretrain_network_g: expected the weights to start from, got none"):
        finetune.main([flag, str(path)])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "--data"),
        (["--data", "x", "--hours", "0"], "expected a number above 0, got '0'"),
        (["--data", "x", "--steps", "0"], "expected a whole number of 1 or more, got '0'"),
        (["--data", "x", "--hours", "1", "--steps", "5"], "not allowed with"),
        (["--data", "x", "--by", "csv"], "invalid choice"),
    ],
)
def test_arguments_that_cannot_be_are_said(capsys, words, sentence) -> None:
    with pytest.raises(SystemExit) as left:
        finetune.main(words)
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_name_is_that_of_the_folder(tmp_path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("realesrgan_arch.guided.run.run_guided", lambda request, talk: asked.append(request) or _Done())
    (tmp_path / "my photos").mkdir()
    assert finetune.main(["--data", str(tmp_path / "my photos"), "--yes"]) == 0
    assert (asked[0].name, asked[0].hours, asked[0].budget, asked[0].base) == ("my photos", 2.0, "auto", None)


class _Done:
    summary, exit_code = "", 0
