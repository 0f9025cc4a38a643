"""The model card: facts of the run, and what is not known is said to be so."""

import json

import pytest
import yaml

from realesrgan_arch.upscaling.export.source import Blend
from tests.upscaling.export.parts import COMPACT, export_to, write_run, write_weights


def _card(folder):
    text = (folder / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


@pytest.fixture
def alone(tmp_path):
    return export_to(tmp_path / "out", write_weights(tmp_path / "small.pth", COMPACT), "pth", "safetensors")


def test_without_a_run_nothing_is_claimed(alone):
    front, body = _card(alone.folder)
    assert front == {
        "pipeline_tag": "image-to-image",
        "library_name": "spandrel",
        "tags": ["super-resolution", "real-esrgan", "pytorch", "safetensors"],
    }
    assert "## Training\n\nNot known: the weights did not lie in the folder of a run." in body
    assert "## Evaluation\n\nNot known." in body
    assert "Not stated. The licence of Real-ESRGAN's released weights, BSD-3-Clause, applies to the base only." in body


def test_every_file_stands_in_it_with_its_hash(alone):
    _, body = _card(alone.folder)
    assert all(f"| `{file.name}` |" in body and f"`{file.sha256}`" in body for file in alone.record.files)
    assert "| pth | torch | 0 | 0 | 0 |" in body


def test_a_run_gives_it_data_steps_base_and_scores(tmp_path):
    weights = write_run(tmp_path, tmp_path / "my photos")
    outcome = export_to(tmp_path / "out", weights, "pth", licence="CC-BY-4.0")
    front, body = _card(outcome.folder)
    assert outcome.record.name == "tiny"
    assert (front["license"], front["metrics"]) == ("cc-by-4.0", ["psnr"])
    assert front["model-index"][0]["results"][0]["metrics"] == [{"type": "psnr", "value": 21.5}]
    for line in ("- steps: 2", "- base: `base.pth`", "- licence of the base: not known", "- data: my photos"):
        assert f"\n{line}\n" in body
    for line in ("- pictures: 3", "- batch: 8", "- with a discriminator: yes"):
        assert f"\n{line}\n" in body
    assert "| val [frozen abc123] | psnr | 21.5000 | 20.0000 | not known |" in body
    assert body.endswith("## Licence\n\nCC-BY-4.0\n")
    assert str(tmp_path) not in body


@pytest.mark.parametrize(("val_scene", "is_told"), [("b", True), ("a", False), (None, False)])
def test_that_training_never_saw_the_scenes_is_told_only_where_both_lists_say_so(tmp_path, val_scene, is_told):
    weights = write_run(tmp_path, tmp_path / "my photos", val_scene=val_scene)
    _, body = _card(export_to(tmp_path / "out", weights, "pth").folder)
    assert ("Means over the validation pictures, whose scenes training never saw." in body) is is_told
    assert "Means over the validation pictures" in body


def test_a_blend_has_no_scores_and_no_steps_and_says_whose_training_is_told(tmp_path):
    weights = write_run(tmp_path, tmp_path / "my photos")
    other = write_weights(tmp_path / "other.pth", COMPACT, seed=7)
    outcome = export_to(tmp_path / "out", weights, "pth", blend=Blend(str(other), 0.3))
    front, body = _card(outcome.folder)
    assert not {"metrics", "model-index"} & set(front)
    assert "## Evaluation\n\nThe blend was not evaluated.\n" in body and "21.5" not in body
    part = "The blend was not evaluated. What follows is the training of `net_g_latest.pth` alone."
    assert f"## Training\n\n{part}\n\n- run: tiny\n- steps: not known\n" in body
    run = json.loads((outcome.folder / "export.json").read_text())["run"]
    assert (run["step"], run["scores"]) == (None, [])
