"""The entry for OpenModelDB, held against the rules of its schema.ts and validate-model.ts."""

import json
import re
from datetime import date

import pytest

from realesrgan_arch.upscaling.export.openmodeldb import LEFT_TO_A_PERSON, model_id, user_id
from realesrgan_arch.upscaling.export.source import Blend
from tests.upscaling.export.parts import COMPACT, X2, export_to, write_run, write_weights

MODEL_ID = re.compile(r"^\d+x-[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$")
USER_ID = re.compile(r"^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$")
REQUIRED = {
    **{"name": str, "author": str, "license": (str, type(None)), "tags": list, "description": str, "date": str},
    **{"architecture": str, "size": list, "scale": int, "inputChannels": int, "outputChannels": int},
    **{"resources": list, "images": list},
}
OPTIONAL = {
    **{"trainingIterations": int, "trainingEpochs": int, "trainingBatchSize": int, "trainingHRSize": int},
    **{"trainingOTF": bool, "dataset": str, "datasetSize": int, "pretrainedModelG": str, "pretrainedModelD": str},
}
PLATFORMS = {"pth": "pytorch", "safetensors": "pytorch", "onnx": "onnx"}


def problems(identity: str, model: dict) -> list[str]:
    found = [key for key, kind in REQUIRED.items() if not isinstance(model.get(key), kind)]
    found += [key for key in model if key not in REQUIRED and not isinstance(model[key], OPTIONAL.get(key, ()))]
    if not MODEL_ID.match(identity) or not identity.startswith(f"{model['scale']}x-"):
        found.append("id")
    if isinstance(model["author"], str) and not USER_ID.match(model["author"]):
        found.append("author")
    if date.fromisoformat(model["date"]).isoformat() != model["date"]:
        found.append("date")
    if model["architecture"] not in ("esrgan", "compact") or not all(
        re.fullmatch(r"\d+n[fbc]", s) for s in model["size"]
    ):
        found.append("architecture")
    for file in model["resources"]:
        right = set(file) == {"platform", "type", "size", "sha256", "urls"} and file["size"] > 0
        if not right or PLATFORMS[file["type"]] != file["platform"] or not re.fullmatch("[0-9a-f]{64}", file["sha256"]):
            found.append("resources")
    return found


def _read(folder, identity):
    text = (folder / f"{identity}.json").read_text()
    model = json.loads(text)
    assert text == json.dumps(model, indent=4, ensure_ascii=False) + "\n"
    return model


def test_the_entry_of_a_run_keeps_the_rules_and_has_its_facts(tmp_path):
    weights = write_run(tmp_path, tmp_path / "my photos")
    outcome = export_to(
        tmp_path / "out", weights, "pth", "safetensors", author="Ann B.", licence="CC0-1.0", name="my arch_1"
    )
    model = _read(outcome.folder, "4x-my-arch-1")
    assert problems("4x-my-arch-1", model) == []
    assert (model["author"], model["license"], model["architecture"]) == ("ann-b", "CC0-1.0", "compact")
    assert (model["trainingIterations"], model["trainingBatchSize"], model["trainingHRSize"]) == (2, 8, 32)
    assert (model["trainingOTF"], model["dataset"], model["datasetSize"]) == (True, "my photos", 3)
    assert [file["sha256"] for file in model["resources"]] == [file.sha256 for file in outcome.record.files]
    assert "Fine-tuned from base.pth. PSNR 21.5 (20 with its base)" in model["description"]


def test_a_blend_has_no_training_of_its_own(tmp_path):
    weights = write_run(tmp_path, tmp_path / "my photos")
    other = write_weights(tmp_path / "other.pth", COMPACT, seed=7)
    outcome = export_to(tmp_path / "out", weights, "pth", author="Ann", blend=Blend(str(other), 0.3))
    model = _read(outcome.folder, "4x-tiny-blend")
    assert problems("4x-tiny-blend", model) == []
    assert not set(model) & set(OPTIONAL)
    assert model["description"] == "Magnifies RGB pictures by 4. 30% of its weights are those of other.pth."


def test_without_a_run_only_the_author_is_missing_and_no_training_is_claimed(tmp_path):
    outcome = export_to(tmp_path / "out", write_weights(tmp_path / "two.pth", X2), "pth")
    model = _read(outcome.folder, "2x-two")
    assert problems("2x-two", model) == ["author"]
    assert not set(model) & set(OPTIONAL)
    assert (model["architecture"], model["size"], model["license"]) == ("esrgan", ["8nf", "1nb"], None)
    assert (model["tags"], model["images"], model["resources"][0]["urls"]) == ([], [], [])
    assert LEFT_TO_A_PERSON == ("tags", "images", "resources.urls")


@pytest.mark.parametrize(
    ("name", "identity"),
    [("a b", "4x-a-b"), ("--a__b.c", "4x-a-b-c"), ("é", "4x-model"), ("4x-a", "4x-a"), ("a-4x", "4x-a")],
)
def test_an_identity_has_letters_digits_and_single_hyphens_and_the_scale_once(name, identity):
    assert model_id(name, 4) == identity
    assert MODEL_ID.match(identity)


def test_a_user_is_letters_digits_and_hyphens():
    assert user_id("Ann  B. Č") == "ann-b"


def test_the_network_of_the_compact_model_has_its_convolutions(tmp_path):
    outcome = export_to(tmp_path / "out", write_weights(tmp_path / "small.pth", COMPACT), "pth")
    assert _read(outcome.folder, "4x-small")["size"] == ["8nf", "2nc"]
