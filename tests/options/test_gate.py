"""The option `gate`: what it takes, what it refuses, and what it leaves without effect."""

from typing import get_args

import pytest

from realesrgan_arch.degradation.gate import GateName
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.settings import DegradationSettings, GatedSettings
from realesrgan_arch.options.load import OptionsError, load_options
from realesrgan_arch.options.problems import schema_at
from tests.options.files import GAN, PAIRS, problems, with_override


def read(*overrides, path=GAN):
    return load_options(path, overrides=overrides)


def about_gate(*overrides, path=GAN):
    return [note for note in read(*overrides, path=path).notes if "gate" in note]


def test_without_a_gate_the_file_draws_from_its_two_passes():
    assert read().options.gate is None
    assert read().options.degradation() == DegradationSettings()


def test_the_gates_branches_are_presets_and_the_files_own_passes():
    degradation = read(
        "gate={mild: 0.5, one_order: 0.25, two_orders: 2.5e-1}", "jpeg_range=[50, 60]"
    ).options.degradation()
    assert isinstance(degradation, GatedSettings)
    mild, one, two = degradation.branches
    assert (mild.settings, mild.prob) == (PRESETS["mild"], 0.5)
    assert one.settings.first == two.settings.first and two.settings == degradation.passes
    assert two.settings.first.jpeg_quality_range == (50, 60)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("gate={mild: 0.5}", "gate: expected probabilities that sum to 1, got mild 0.5, which sum to 0.5"),
        ("gate={}", "gate: expected probabilities that sum to 1, got no branch, which sum to 0"),
        (
            "gate={mild: 0.7, clean: 0.7}",
            "gate: expected probabilities that sum to 1, got mild 0.7, clean 0.7, which sum to 1.4",
        ),
        ("gate={mild: 2}", "gate.mild: expected a number >= 0 and <= 1, got 2"),
        ("gate={milf: 1}", "gate.milf: unknown key; did you mean gate.mild?"),
        ("gate={anything: 1}", "gate.anything: unknown key; expected one of clean, camera-jpeg, mild, medium"),
        ("gate=mild", "gate: expected a mapping, got 'mild'"),
    ],
)
def test_a_wrong_gate_is_one_sentence(override, sentence):
    (text,) = with_override(override)
    assert text.startswith(sentence)


@pytest.mark.parametrize(
    ("gate", "sentences"),
    [
        ("{mild: 0.7, milf: 0.7}", ["gate: expected probabilities that sum to 1, got mild 0.7, milf 0.7",
                                    "gate.milf: unknown key"]),
        ("{mild: 0.5, milf: 0.5}", ["gate.milf: unknown key"]),
        ("{mild: 0.7, clean: 0.7, medium: x}", ["gate: expected probabilities that sum to 1, got mild 0.7, clean 0.7",
                                                "gate.medium: expected a number"]),
        ("{mild: 0.7, medium: true}", ["gate.medium: expected a number"]),
        ("{mild: 2, milf: 3, cleen: -1}", ["gate.mild: expected a number", "gate.milf: ", "gate.cleen: "]),
    ],
)  # fmt: skip
def test_every_fault_of_a_gate_is_said_at_once_with_its_line_and_those_of_others(tmp_path, gate, sentences):
    path = tmp_path / "wrong.yml"
    branches = gate.strip("{}").replace(", ", "\n  ")
    path.write_text(f"extends: {GAN}\ngate:\n  {branches}\njpeg_range: [95, 30]\n")
    *found, last = problems(path)
    assert "jpeg_range: expected [low, high]" in last
    assert [text.partition(": ")[2][: len(start)] for text, start in zip(found, sentences, strict=True)] == sentences
    lines = [int(text.partition(":")[0].removeprefix("line ")) for text in found]
    assert lines == sorted(lines)
    names = [name.partition(":")[0] for name in branches.split("\n  ")]
    told = [sentence.partition(":")[0].removeprefix("gate.") for sentence in sentences]
    assert lines == [2 if name == "gate" else 3 + names.index(name) for name in told]


def test_a_branch_of_a_file_below_can_be_taken_away(tmp_path):
    (tmp_path / "below.yml").write_text(f"extends: {GAN}\ngate: {{mild: 0.5, clean: 0.5}}\n")
    (tmp_path / "top.yml").write_text("extends: below.yml\ngate: {mild: ~, clean: 1}\n")
    assert read(path=tmp_path / "top.yml").options.gate == {"clean": 1.0}
    assert read("gate={mild: ~, clean: 1}").options.gate == {"clean": 1.0}


def test_branches_that_came_from_a_file_below_are_named_with_how_to_take_them_away(tmp_path):
    (tmp_path / "below.yml").write_text(f"extends: {GAN}\ngate: {{mild: 1}}\n")
    (tmp_path / "top.yml").write_text("extends: below.yml\ngate: {full: 1}\n")
    with pytest.raises(OptionsError) as caught:
        read(path=tmp_path / "top.yml")
    assert "got mild 1, full 1, which sum to 2; a branch of an extended file" in str(caught.value)
    assert "such as `mild: ~`" in str(caught.value)
    (tmp_path / "top.yml").write_text("extends: below.yml\ngate: {mild: ~, full: 1}\n")
    assert read(path=tmp_path / "top.yml").options.gate == {"full": 1.0}


def test_a_gate_on_the_command_line_replaces_that_of_the_file_and_a_branch_changes_alone(tmp_path):
    (tmp_path / "gated.yml").write_text(f"extends: {GAN}\ngate: {{mild: 0.5, clean: 0.5}}\n")
    assert read("gate={medium: 1}", path=tmp_path / "gated.yml").options.gate == {"medium": 1.0}
    assert read("gate.mild=1", "gate.clean=", path=tmp_path / "gated.yml").options.gate == {"mild": 1.0}
    assert read("gate=", path=tmp_path / "gated.yml").options.gate is None


def test_ranges_behind_no_branch_are_said():
    nothing = "the gate draws nothing from the ranges of this file: it has neither one_order nor two_orders"
    assert about_gate("gate={mild: 1, two_orders: 0}") == [nothing]
    second = "the gate draws nothing from the second pass of this file: it has no two_orders"
    assert about_gate("gate={one_order: 1}") == [second]
    assert about_gate("gate={one_order: 0.5, two_orders: 0.5}") == []


def test_a_gate_where_nothing_is_degraded_by_passes_is_said():
    assert about_gate("gate={mild: 1}", path=PAIRS) == ["gate has no effect: pairs bring their own LQ images"]
    bicubic = ["gate={mild: 1}", "datasets.train.degradation=bicubic"]
    assert about_gate(*bicubic) == ["gate has no effect: datasets.train.degradation is bicubic"]
    val = "datasets.val={type: SyntheticPairs, dataroot_gt: x, degradation: full}"
    assert not any("gate has no effect" in note for note in about_gate(*bicubic, val))


def test_the_schema_lists_the_branches_for_editors():
    gate = schema_at(("gate",), None)
    assert gate is not None and gate["propertyNames"]["enum"] == list(get_args(GateName))
