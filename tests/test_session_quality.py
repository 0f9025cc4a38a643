"""A whole run against its base: scored once, guarded, stopped, sent back, and the best kept."""

import csv
import json

import pytest
import torch

from realesrgan_arch.options.load import OptionsError, parse_options
from realesrgan_arch.session import Outcome, train
from realesrgan_arch.training.best_weights import BestWeights
from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.trainer import Trainer
from realesrgan_arch.training.validation import Validation
from tests.tiny_run import tiny_options, write_options, write_pictures

RUINED = 0.5
"""A learning rate that ruins the network at once."""


@pytest.fixture
def mapping(tmp_path, caplog) -> dict:
    write_pictures(tmp_path / "photos")
    mapping = tiny_options(tmp_path / "photos", tmp_path, steps=6)
    mapping["datasets"]["val"]["max_images"] = 6
    mapping["val"] |= {"val_freq": 1, "patience": 2}
    caplog.set_level("INFO", "realesrgan_arch")
    mapping["logger"] = {"print_freq": 100, "save_checkpoint_freq": 1, "use_tb_logger": False}
    return mapping


def _ruin(mapping: dict, guard: str, **val: object) -> dict:
    mapping["train"]["optim_g"] = {"type": "Adam", "lr": RUINED}
    del mapping["train"]["ema_decay"]
    mapping["val"] |= {"guard": guard, **val}
    return mapping


def _train(mapping: dict, **arguments) -> Outcome:
    return train(parse_options(mapping), **arguments)


def _extras(outcome: Outcome, step: int) -> dict:
    return next(one.extras for one in read_manifests(outcome.run_folder).values() if one.step == step)["rounds"]


def _validated(outcome: Outcome) -> list[int]:
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    return [record["step"] for record in records if record["kind"] == "validation"]


def test_a_run_that_got_worse_is_stopped_with_exit_code_4_and_keeps_latest_and_best(mapping, caplog) -> None:
    outcome = _train(_ruin(mapping, "stop"))
    assert outcome.exit_code == 4
    assert _validated(outcome) == [0, 1, 2]
    best = json.loads(outcome.run_folder.best.read_text())
    assert best["files"]["composite"] == best["sets"]["val"]["composite"]["step"]
    assert outcome.quality.best is not None and outcome.quality.best.exists()
    assert outcome.weights.exists()
    summary = outcome.summary()
    assert "worse than the base for 2 validations in a row" in summary
    assert "validations in a row" not in caplog.text  # the summary says it, and nothing else
    assert "worse: PSNR" in summary
    assert f"best     {outcome.quality.best}" in summary
    assert "upscale" not in summary


def test_a_warning_lets_the_run_end_with_exit_code_0(mapping, caplog) -> None:
    mapping["train"]["total_iter"] = 3
    outcome = _train(_ruin(mapping, "warn"))
    assert outcome.exit_code == 0
    assert _validated(outcome) == list(range(4))
    assert "ended" not in outcome.summary()
    assert "warning: worse than the base for 2 validations in a row" in caplog.text
    assert "verdict  worse than the base: composite" in outcome.summary()


def test_a_rollback_goes_to_the_best_with_half_the_rate_once_and_then_the_run_ends(mapping, caplog) -> None:
    outcome = _train(_ruin(mapping, "rollback"))
    assert outcome.exit_code == 4
    steps = _validated(outcome)
    said = caplog.text
    assert said.count("going back to step") == 1
    back_to = int(said.partition("going back to step ")[2].split()[0])
    assert steps == list(range(back_to + 3))  # what was after the step that the run went back to is made again
    state = _extras(outcome, back_to + 2)
    assert (state["rate_factor"], state["guard"]["rollbacks"]) == (0.5, 1)
    # The state that a resume would start from has been trained at half the rate.
    saved = torch.load(outcome.run_folder.state(back_to + 2), weights_only=True)
    assert RUINED / 2 in _numbers_named(saved, "lr")


def test_a_rollback_that_a_kill_prevents_is_made_after_the_resume(mapping, monkeypatch) -> None:
    _ruin(mapping, "rollback")
    straight = _train({**mapping, "name": "straight"})

    def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(Trainer, "_roll_back", killed)
        _train({**mapping, "name": "killed"})
    resumed = _train({**mapping, "name": "killed"}, auto_resume=True)
    last = CheckpointStore(straight.run_folder).newest_step()
    assert last is not None
    assert CheckpointStore(resumed.run_folder).newest_step() == last
    assert _extras(resumed, last) == _extras(straight, last)


def test_a_rollback_needs_no_checkpoints_that_are_kept_for_other_reasons(mapping, caplog) -> None:
    mapping["logger"] |= {"keep_best": False, "keep_last": 1}
    outcome = _train(_ruin(mapping, "rollback"))
    assert outcome.exit_code == 4
    assert "going back to step" in caplog.text
    assert "not whole" not in caplog.text


def test_a_run_from_the_state_of_another_one_has_that_state_before_its_first_step(mapping, monkeypatch) -> None:
    mapping["train"]["total_iter"] = 2
    other = _train({**mapping, "name": "other"})

    def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr("realesrgan_arch.training.rounds.ValidationRounds.score_base", killed)
        mapping["path"]["resume_state"] = str(other.run_folder.state(2))
        _train({**mapping, "name": "own", "train": {**mapping["train"], "total_iter": 4}})
    own = type(other.run_folder)(other.run_folder.root.parent / "own")
    assert CheckpointStore(own).newest_step() == 2


def test_best_weights_that_are_gone_are_said_once(mapping, caplog, monkeypatch) -> None:
    monkeypatch.setattr(BestWeights, "refresh", lambda *_, **__: ["psnr"])
    _train(mapping)
    assert caplog.text.count("the weights of the best psnr are not there any more") == 1


def test_only_the_first_rank_keeps_best_weights_and_what_a_crash_leaves(mapping, monkeypatch) -> None:
    inside, seen, original = [0], [], Ranks.on_first

    def noted(ranks: Ranks, action):
        inside[0] += 1
        try:
            return original(ranks, action)
        finally:
            inside[0] -= 1

    monkeypatch.setattr(Ranks, "on_first", noted)
    monkeypatch.setattr(BestWeights, "refresh", lambda *_, **__: seen.append(inside[0]) or [])
    _train(mapping)
    assert seen == [1] * 6

    train_step = Trainer._train_step

    def boom(self: Trainer, step: int, *rest):
        if step == 2:
            raise RuntimeError("boom")
        return train_step(self, step, *rest)

    monkeypatch.setattr(Trainer, "_train_step", boom)
    monkeypatch.setattr("realesrgan_arch.training.crash._save", lambda *_: seen.append("crash") or "")
    monkeypatch.setattr(Ranks, "is_first", property(lambda _: False))
    with pytest.raises(RuntimeError, match="boom"):
        _train({**mapping, "name": "second"})
    assert "crash" not in seen


def _numbers_named(values: object, name: str) -> list[float]:
    if isinstance(values, dict):
        mine = [value for key, value in values.items() if key == name and isinstance(value, float)]
        return mine + [number for value in values.values() for number in _numbers_named(value, name)]
    return [number for value in values for number in _numbers_named(value, name)] if isinstance(values, list) else []


def test_a_resume_in_the_middle_of_guard_and_table_is_as_if_there_was_none(mapping) -> None:
    mapping["val"]["early_stopping"] = {"patience": 5}
    mapping["train"]["total_iter"] = 4
    straight = _train({**mapping, "name": "straight"})
    _train({**mapping, "name": "stopped", "train": {**mapping["train"], "total_iter": 2}})
    resumed = _train({**mapping, "name": "stopped"}, auto_resume=True)
    assert _extras(resumed, 4) == _extras(straight, 4)
    assert resumed.run_folder.best.read_text() == straight.run_folder.best.read_text()
    assert _validated(resumed) == _validated(straight)
    for name in json.loads(straight.run_folder.best.read_text())["files"]:
        expected, found = (
            torch.load(run.run_folder.weights("net_g", f"best_{name}"), weights_only=True)["params"]
            for run in (straight, resumed)
        )
        assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_resumed_run_scores_the_base_anew_only_where_something_has_changed(mapping, monkeypatch, tmp_path) -> None:
    scored: list[str] = []
    original = Validation.score_base

    def counting(self: Validation, upscale) -> dict[str, float]:
        scored.append(self.name)
        return original(self, upscale)

    monkeypatch.setattr(Validation, "score_base", counting)
    mapping["train"]["total_iter"] = 1
    first = _train(mapping)
    mapping["train"]["total_iter"] = 2
    second = _train(mapping, auto_resume=True)
    assert scored == ["val"]
    assert _row(second.table, "base") == _row(first.table, "base")
    mapping["train"]["total_iter"] = 3
    mapping["datasets"]["val"]["max_images"] = 4
    _train(mapping, auto_resume=True)
    assert scored == ["val", "val"]


def _row(table: str, method: str) -> str:
    return next(line for line in table.splitlines() if line.startswith(method))


def test_tables_start_anew_where_the_validation_has_changed(mapping, caplog) -> None:
    mapping["train"]["total_iter"] = 1
    _train(mapping)
    mapping["train"]["total_iter"] = 2
    mapping["datasets"]["val"]["max_images"] = 4
    outcome = _train(mapping, auto_resume=True)
    assert "the validation has changed" in caplog.text
    assert json.loads(outcome.run_folder.best.read_text())["files"] == {"psnr": 2, "composite": 2}
    with outcome.run_folder.results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    last = {record["step"]: record["psnr"] for record in records if record["kind"] == "validation"}
    assert [int(row["step"]) for row in rows] == [0, 1, 2]
    assert {int(row["step"]): float(row["psnr"]) for row in rows} == pytest.approx(last, rel=1e-5)


def test_early_stopping_ends_the_run_with_exit_code_0_and_says_why(mapping) -> None:
    outcome = _train(_ruin(mapping, "none", early_stopping={"patience": 1, "min_delta": 50}))
    assert outcome.exit_code == 0
    assert _validated(outcome) == [0, 1, 2]
    assert "ended    composite has not improved by more than 50 for 1 validation" in outcome.summary()


def test_early_stopping_looks_at_a_metric_of_which_less_is_better(mapping) -> None:
    mapping["val"]["metrics"]["color"] = {"type": "calculate_color", "crop_border": 4}
    early = {"patience": 1, "metric": "color"}
    outcome = _train(_ruin(mapping, "none", early_stopping=early))
    records = [json.loads(line) for line in outcome.run_folder.metrics.read_text().splitlines()]
    *before, last = [record["color"] for record in records if record["kind"] == "validation"][1:]
    assert last >= min(before)
    assert "ended    color has not improved for 1 validation" in outcome.summary()


def test_a_run_that_early_stopping_ended_stays_ended_until_the_rules_change(mapping) -> None:
    early = _ruin(mapping, "none", early_stopping={"patience": 1, "min_delta": 50})
    mapping["val"]["metrics"]["niqe"] = {"type": "calculate_niqe", "crop_border": 4}
    _train(early)
    again = _train(early, auto_resume=True)
    assert again.exit_code == 0
    assert _validated(again) == [0, 1, 2]
    assert "finished at step 2; change the rules in `val` to go on" in again.summary()
    early["val"]["early_stopping"]["patience"] = 2
    assert _validated(_train(early, auto_resume=True)) == [0, 1, 2, 3]


def test_one_picture_has_no_interval_and_the_guard_says_once_that_it_cannot_act(mapping, caplog) -> None:
    mapping["datasets"]["val"]["max_images"] = 1
    mapping["train"]["total_iter"] = 3
    outcome = _train(_ruin(mapping, "stop"))
    assert outcome.exit_code == 0
    assert _validated(outcome) == list(range(4))
    assert caplog.text.count("the guard cannot act") == 1
    assert "cannot be told from the base" in outcome.summary()


def test_how_many_scenes_a_claim_takes_goes_by_the_metrics_that_are_measured(mapping, caplog) -> None:
    names = ("psnr", "ssim", "color")
    mapping["val"]["metrics"] = {name: {"type": f"calculate_{name}", "crop_border": 4} for name in names}
    mapping["train"]["total_iter"] = 1
    outcome = _train(mapping)
    assert "so few prove nothing" in caplog.text and "take 7 or more" in caplog.text
    assert "cannot be told from the base (that takes at least 7 scenes): composite" in caplog.text
    assert "cannot be told from the base (that takes at least 7 scenes): composite" in outcome.summary()


def test_the_exit_code_reaches_the_shell(mapping, tmp_path) -> None:
    from realesrgan_arch.train import main

    assert main(["-opt", str(write_options(tmp_path / "x.yml", _ruin(mapping, "stop")))]) == 4


def test_without_a_validation_there_is_no_verdict(mapping) -> None:
    del mapping["val"]
    outcome = _train(mapping)
    assert "verdict" not in outcome.summary()
    assert f"evaluate {outcome.weights} --data TEST_SET" in outcome.summary()
    assert not outcome.run_folder.best.exists()


def test_early_stopping_by_a_metric_that_is_not_measured_is_refused(mapping) -> None:
    mapping["val"]["early_stopping"] = {"patience": 1, "metric": "niqe"}
    with pytest.raises(OptionsError, match="expected composite or one that is measured .psnr., got niqe"):
        parse_options(mapping)


def test_the_scenes_of_a_manifest_are_what_intervals_count(mapping, tmp_path) -> None:
    from realesrgan_arch.data.manifest import write_split
    from realesrgan_arch.data.split import split_by_folder
    from realesrgan_arch.training.rounds import open_validations

    write_split(split_by_folder(tmp_path / "photos", seed=0, val_share=0.6, test_share=0), tmp_path / "split")
    mapping["datasets"]["val"] |= {"manifest": str(tmp_path / "split/val.csv"), "max_images": None}
    validation = open_validations(parse_options(mapping))[0]

    def blank(lq: torch.Tensor) -> torch.Tensor:
        return torch.full((3, lq.shape[1] * 4, lq.shape[2] * 4), 0.5)

    validation.score_base(blank)
    validation.score_now(blank)
    assert len(validation.names) == 4
    assert validation.judgements["base"].composite.scenes == 2
