import json
from pathlib import Path

import pytest
import yaml

from realesrgan_arch.commands.options import main
from realesrgan_arch.entry import run
from realesrgan_arch.options.load import load_options

FILES = sorted((Path(__file__).parents[1] / "assets" / "upstream_options").glob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_check_accepts_upstream_files(path, capsys):
    assert run(main, ["check", str(path)]) == 0
    assert capsys.readouterr().out.endswith(f"{path}: no problems\n")


def test_check_says_notes(capsys):
    assert run(main, ["check", str(FILES[0]), "--set", "train.optim_g.lr=1e-3"]) == 0
    assert capsys.readouterr().out.startswith("note: train.optim_g.lr: '1e-3' was read as the number 0.001\n")


def test_check_of_a_bad_file_exits_with_2_and_one_line_a_problem(capsys):
    assert run(main, ["check", str(FILES[0]), "--set", "scale=3", "queue_size=1", "--set", "foo=1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"error: {FILES[0]} has 3 problems:"
    assert [line.split(":")[0] for line in lines[1:]] == ["  --set scale=3", "  --set foo=1", "  --set queue_size=1"]


def test_check_of_a_missing_file_exits_with_2(tmp_path, capsys):
    assert run(main, ["check", str(tmp_path / "x.yml")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'x.yml'}: no such file\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_show_prints_options_that_mean_the_same(path, tmp_path, capsys):
    assert run(main, ["show", str(path), "--set", "train.optim_g.lr=2e-4"]) == 0
    shown = tmp_path / "shown.yml"
    shown.write_text(capsys.readouterr().out)
    wanted = load_options(path, overrides=["train.optim_g.lr=2e-4"]).options
    assert load_options(shown).options == wanted
    assert yaml.safe_load(shown.read_text())["datasets"]["train"]["crop_size"] == 400


def test_show_says_above_each_key_which_files_and_overrides_it_was_made_of(tmp_path, capsys):
    base, top = tmp_path / "base.yml", tmp_path / "top.yml"
    base.write_text("scale: 2\nnetwork_g: {type: RRDBNet, num_feat: 8}\n")
    top.write_text("extends: base.yml\nname: top\nnetwork_g: {num_block: 2}\n")
    assert run(main, ["show", str(top), "--set", "network_g.scale=2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("name: top") - 1] == f"# {top}"
    assert lines[lines.index("scale: 2") - 1] == f"# {base}"
    network = next(index for index, line in enumerate(lines) if line.startswith("network_g:"))
    assert lines[network - 1] == f"# {base}, {top}, --set network_g.scale=2"
    assert "# defaults" in lines
    assert not any(line.startswith("extends") for line in lines)


def test_schema_is_json_and_knows_extends(capsys):
    assert run(main, ["schema"]) == 0
    assert {"network_g", "extends"} <= set(json.loads(capsys.readouterr().out)["properties"])
