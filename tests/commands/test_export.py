"""`realesrgan-arch export`: a table, the next steps, one sentence for what cannot be."""

import json

import pytest

from realesrgan_arch.cli import main as command
from realesrgan_arch.commands.export import main
from realesrgan_arch.entry import run
from realesrgan_arch.upscaling.export.runtimes import has_spandrel
from tests.upscaling.export.parts import COMPACT, X2, write_weights


@pytest.fixture
def weights(tmp_path):
    return str(write_weights(tmp_path / "small.pth", COMPACT))


def test_it_says_file_size_runtime_difference_where_to_copy_and_what_next(weights, tmp_path, capsys):
    assert run(command, ["export", weights, "-o", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0].split() == ["file", "size", "runtime", "max", "difference", "of", "255"]
    assert lines[2].split() == ["small.pth", "24", "kB", "torch", "0", "0"]
    assert "ComfyUI: models/upscale_models" in out
    assert "note: the licence of these weights is not stated; say it with --license" in out
    assert lines[-1] == f"next: realesrgan-arch upscale -n {tmp_path}/out/small.pth -i PICTURES"


def test_json_has_every_file_and_check(weights, tmp_path, capsys):
    assert run(main, [weights, "-o", str(tmp_path / "out"), "--to", "pth", "--json", "--license", "CC0-1.0"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [file["name"] for file in facts["files"]] == ["small.pth"]
    assert facts["checks"][0] == {"format": "pth", "runtime": "torch", "max_abs": 0.0, "mean_abs": 0.0}
    assert facts["notes"] == ([] if has_spandrel() else facts["notes"][:1])
    assert [path.rsplit("/", 1)[1] for path in facts["made"]] == [
        "small.pth",
        "README.md",
        "4x-small.json",
        "export.json",
    ]


def test_what_is_removed_of_an_earlier_export_is_said(weights, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(main, [weights, "-o", str(out)]) == 0
    assert run(main, [weights, "-o", str(out), "--to", "pth", "--overwrite"]) == 0
    assert f"\nremoved, as it was of the earlier export: {out}/small.safetensors\n" in capsys.readouterr().out
    assert run(main, [weights, "-o", str(out), "--to", "safetensors", "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == [f"{out}/small.pth"]


def test_a_blend_of_another_network_is_one_sentence(weights, tmp_path, capsys):
    other = write_weights(tmp_path / "other.pth", X2)
    assert run(main, [weights, "--blend", f"{other}:0.3"]) != 0
    error = capsys.readouterr().err
    assert error.startswith("error: weights ") and error.count("\n") == 1 and "do not fit the network" in error


@pytest.mark.parametrize("words", [["--blend", "x"], ["--blend", "x:2"], ["--name", ".x"]])
def test_bad_words_are_one_sentence_and_write_nothing(weights, tmp_path, capsys, words):
    assert run(main, [weights, *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {words[0]}: expected ")
    assert [path.name for path in tmp_path.iterdir()] == ["small.pth"]


def test_weights_that_are_not_there_or_are_damaged_are_one_sentence(tmp_path, capsys):
    (tmp_path / "broken.pth").write_bytes(b"PK\x03\x04 no archive")
    for name, words in (("absent.pth", "not found"), ("broken.pth", "is damaged or not a checkpoint")):
        assert run(main, [str(tmp_path / name)]) in (2, 6)
        assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["broken.pth"]


def test_a_folder_that_cannot_be_made_is_one_sentence(weights, tmp_path, capsys):
    assert run(main, [weights, "-o", str(tmp_path / "small.pth" / "out")]) == 2
    assert "cannot be written to" in capsys.readouterr().err
    assert run(main, [weights, "-o", weights]) == 2
    assert "-o: expected a folder, got the file" in capsys.readouterr().err
