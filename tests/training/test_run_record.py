"""What changed between a state and the options of now, and what of it is refused."""

import pytest

from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.run_record import (
    Change,
    Effect,
    check_changes,
    describe_changes,
    differences,
    merged,
    options_record,
)
from tests.tiny_run import tiny_options


def _record(tmp_path, **changes: object) -> dict:
    mapping = tiny_options(tmp_path, tmp_path, gan=True)
    for dotted, value in changes.items():
        *sections, last = dotted.split("__")
        section = mapping
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
    return options_record(parse_options(mapping))


def _changed(tmp_path, **changes: object) -> list[Change]:
    return differences(_record(tmp_path), _record(tmp_path, **changes))


def test_the_same_options_differ_in_nothing(tmp_path) -> None:
    assert _changed(tmp_path) == []
    assert describe_changes([]) == ""


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({"logger__print_freq": 7}, Effect.HARMLESS),
        ({"datasets__train__num_worker_per_gpu": 3}, Effect.HARMLESS),
        ({"datasets__train__dataroot_gt": "moved"}, Effect.HARMLESS),
        ({"datasets__val__dataroot_gt": "moved"}, Effect.HARMLESS),
        ({"device": "cuda"}, Effect.HARMLESS),
        ({"train__compile": "default"}, Effect.GROWTH),
        ({"name": "other"}, Effect.HARMLESS),
        ({"dist_params__timeout_minutes": 3}, Effect.HARMLESS),
        ({"path__pretrain_network_d": "d.pth"}, Effect.HARMLESS),
        ({"train__total_iter": 9}, Effect.GROWTH),
        ({"logger__save_checkpoint_freq": 9}, Effect.GROWTH),
        ({"val__val_freq": 9}, Effect.GROWTH),
        ({"train__optim_g__lr": 1e-5}, Effect.GROWTH),
        ({"train__scheduler": {"type": "MultiStepLR", "milestones": [3]}}, Effect.GROWTH),
        ({"manual_seed": 1}, Effect.MEANING),
        ({"dist_params__sync_batch_norm": True}, Effect.MEANING),
        ({"network_g__num_feat": 16}, Effect.MEANING),
        ({"train__optim_g__type": "AdamW"}, Effect.MEANING),
        ({"train__optim_g__betas": [0.5, 0.9]}, Effect.MEANING),
        ({"train__pixel_opt__loss_weight": 2.0}, Effect.MEANING),
        ({"train__gan_opt__gan_type": "hinge"}, Effect.MEANING),
        ({"train__ema_decay": 0.5}, Effect.MEANING),
        ({"datasets__train__batch_size_per_gpu": 4}, Effect.MEANING),
        ({"datasets__train__use_hflip": False}, Effect.MEANING),
        ({"noise_range": [1, 2]}, Effect.MEANING),
        ({"resize_range2": [1, 2]}, Effect.MEANING),
        ({"lq_from_usm": False}, Effect.MEANING),
        ({"gate": {"mild": 1}}, Effect.MEANING),
        ({"train__feature_opt": {"weights": "x"}}, Effect.MEANING),
        ({"val__metrics": {"ssim": {"type": "calculate_ssim"}}}, Effect.GROWTH),
        ({"datasets__val__seed": 5}, Effect.GROWTH),
        ({"datasets__val_2": {"type": "SyntheticPairs", "dataroot_gt": "x"}}, Effect.GROWTH),
    ],
)
def test_each_change_has_its_effect(tmp_path, change: dict, effect: Effect) -> None:
    found = _changed(tmp_path, **change)
    assert found
    assert {one.effect for one in found} == {effect}


def test_how_to_resume_is_no_change(tmp_path) -> None:
    assert _changed(tmp_path, resume="auto", train__restart_schedule=True) == []


def test_a_refusal_lists_all_and_names_the_flag(tmp_path) -> None:
    changes = _changed(tmp_path, manual_seed=1, logger__print_freq=7, train__pixel_opt__type="MSELoss")
    with pytest.raises(CheckpointError) as refused:
        check_changes(changes)
    text = str(refused.value)
    assert "manual_seed: 0 -> 1" in text
    assert "train.pixel_opt.type: L1Loss -> MSELoss" in text
    assert "print_freq" not in text
    assert text.endswith("--allow-changed manual_seed train.pixel_opt.type")


@pytest.mark.parametrize("allowed", [["train.pixel_opt.type"], ["train"], ["train.pixel_???"], ["*.type"]])
def test_a_key_a_section_or_a_glob_allows(tmp_path, allowed: list[str]) -> None:
    changes = _changed(tmp_path, train__pixel_opt__type="MSELoss")
    check_changes(changes, allowed=allowed)
    with pytest.raises(CheckpointError):
        check_changes(changes, allowed=["train.gan_opt", "pixel_opt", "train.pixel_opt.typ"])


def test_the_lines_are_short_and_grouped(tmp_path) -> None:
    changes = _changed(tmp_path, logger__print_freq=7, train__total_iter=9, datasets__train__name="x" * 99)
    words = describe_changes(changes)
    lines = words.splitlines()
    assert lines[0].endswith("without effect on the result:")
    assert "  logger.print_freq: 1 -> 7" in lines
    assert lines.index("changed since, from here on:") < lines.index("  train.total_iter: 2 -> 9")
    assert max(map(len, lines)) < 120


def test_a_fact_takes_the_place_of_an_option_and_unknown_ones_are_no_change() -> None:
    record = merged({"a": {"b": "auto", "c": 1}, "d": None}, {"a": {"b": "fp32"}, "d": {"e": 1}})
    assert record == {"a": {"b": "fp32", "c": 1}, "d": {"e": 1}}
    assert differences({"a": {"c": 1}, "d": {"e": 1}}, record) == []
    assert [str(change) for change in differences({"a": {"c": 1}, "d": None}, record)] == ["d: none -> given"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("gate", {"mild": 1}, "gate: none -> given"),
        ("jpeg_range2", [50, 60], "jpeg_range2: [30.0, 95.0] -> [50.0, 60.0]"),
        ("train__feature_opt", {"weights": "x"}, "train.feature_opt: none -> given"),
        ("train__clip_grad_norm", 2, "train.clip_grad_norm: none -> 2.0"),
        ("network_g__act_type", "relu", "network_g.act_type: prelu -> relu"),
        ("network_d__skip_connection", False, "network_d.skip_connection: True -> False"),
    ],
)
def test_an_option_that_a_state_does_not_know_had_its_default(tmp_path, key: str, value: object, words: str) -> None:
    saved, now = _record(tmp_path), _record(tmp_path, **{key: value})
    *sections, last = key.split("__")
    section = saved
    for name in sections:
        section = section[name]
    del section[last]
    assert differences(saved, _record(tmp_path)) == []
    assert [str(change) for change in differences(saved, now)] == [words]


def test_a_network_of_another_type_is_a_change_of_type_and_of_no_option_that_the_older_type_never_had(tmp_path) -> None:
    other = {"type": "SRResNet", "num_feat": 8, "num_block": 2, "final": "tanh"}
    changes = differences(_record(tmp_path), _record(tmp_path, network_g=other))
    assert [str(change) for change in changes] == ["network_g.type: SRVGGNetCompact -> SRResNet"]
    with pytest.raises(CheckpointError, match=r"; .* --allow-changed network_g.type$"):
        check_changes(changes)


def test_a_new_gate_on_an_older_state_is_refused_unless_it_is_allowed(tmp_path) -> None:
    saved = {key: value for key, value in _record(tmp_path).items() if key != "gate"}
    changes = differences(saved, _record(tmp_path, gate={"mild": 1}))
    with pytest.raises(CheckpointError, match=r"gate: none -> given; .* --allow-changed gate$"):
        check_changes(changes)
    check_changes(changes, allowed=["gate"])


def test_a_state_that_knows_no_option_of_a_file_without_wishes_differs_in_none(tmp_path) -> None:
    now = options_record(parse_options({"name": "x", "network_g": {"type": "RRDBNet"}}))
    assert differences({}, now) == []


@pytest.mark.parametrize(
    ("then", "later", "words"),
    [
        ({"gate": {"mild": 1}}, {"gate": {"full": 1}}, ["gate.full: none -> 1.0", "gate.mild: 1.0 -> none"]),
        (
            {"train__perceptual_opt": {"layer_weights": {"conv1_1": 1}}},
            {"train__perceptual_opt": {"layer_weights": {"conv2_1": 1}}},
            ["train.perceptual_opt.layer_weights.conv2_1: none -> 1.0"]
            + ["train.perceptual_opt.layer_weights.conv1_1: 1.0 -> none"],
        ),
    ],
    ids=["gate", "layer_weights"],
)
def test_another_branch_or_layer_is_a_change(tmp_path, then: dict, later: dict, words: list[str]) -> None:
    assert [str(one) for one in differences(_record(tmp_path, **then), _record(tmp_path, **later))] == words
