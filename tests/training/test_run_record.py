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
