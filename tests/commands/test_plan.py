"""`realesrgan-arch plan`: one table for people, all rows for programs, one sentence for a bad budget."""

import json
from pathlib import Path

import pytest

from realesrgan_arch.commands.plan import main
from realesrgan_arch.entry import run
from tests.tiny_run import tiny_options, write_options


@pytest.fixture
def options(tmp_path) -> str:
    return str(write_options(tmp_path / "x.yml", tiny_options(Path("absent"), tmp_path, gan=True)))


def test_the_plan_needs_no_data_and_ends_with_the_command_to_run(options, capsys) -> None:
    assert run(main, [options, "--budget", "8GB", "--parts"]) == 0
    out = capsys.readouterr().out
    assert "budget 7.5 GiB (8GB)" in out
    assert out.splitlines()[-1].startswith("next: python realesrgan_arch/train.py -opt")


def test_json_has_every_row_with_its_parts(options, capsys) -> None:
    assert run(main, [options, "--budget", "1MB", "--json", "--batch", "1,3"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {row["at_once"] for row in facts["rows"]} == {1, 2, 3}
    assert {row["precision"] for row in facts["rows"]} == {"fp32", "bf16"}
    assert sum(row["present"] for row in facts["rows"]) == 1
    assert all(sum(row["parts"].values()) == row["bytes"] for row in facts["rows"])
    assert [row["accumulate"] for row in facts["rows"] if row["at_once"] == 3][0] is None


@pytest.mark.parametrize("words", ["8", "lots", "0GB", "-1GB", "8 apples"])
def test_a_bad_budget_is_one_sentence(options, words, capsys) -> None:
    assert run(main, [options, f"--budget={words}"]) == 2
    error = capsys.readouterr().err
    assert error == f"error: expected an amount of memory such as 8GB, 8GiB or 8192MB, got {words!r}\n"


def test_auto_is_what_is_free_here(options, capsys) -> None:
    assert run(main, [options, "--set", "num_gpu=0"]) == 0
    assert "free on cpu" in capsys.readouterr().out
