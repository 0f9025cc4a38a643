"""Bad steps are told, counted and, when they do not end, answered once by going back and then by an end."""

import json
import math
from pathlib import Path

import pytest
import torch

from realesrgan_arch.errors import UserError
from realesrgan_arch.losses.adversarial import AdversarialLoss
from realesrgan_arch.losses.terms import Losses
from realesrgan_arch.training.adversary_watch import AdversaryWatch, Bounds
from realesrgan_arch.training.numbers_guard import NumbersGuard, TrainingError
from realesrgan_arch.training.step_numbers import StepNumbers

BATCH = {"gt_path": ["photos/a.png", "photos/b.png"], "failed_path": ["", "photos/broken.jpg"]}


def _numbers(*, finite: bool) -> StepNumbers:
    loss = torch.tensor(0.25 if finite else math.nan)
    return StepNumbers({"l_g_pix": loss}, {"network_g": torch.tensor(1.0)}, torch.tensor(finite))


def _run(guard: NumbersGuard, pattern: str, *, first: int = 1) -> list[str]:
    """One letter a step, `x` for a bad one; return the actions."""
    return [
        guard.after_step(step, BATCH, _numbers(finite=letter == ".")).action
        for step, letter in enumerate(pattern, start=first)
    ]


def test_a_single_bad_step_is_told_with_its_number_and_files_and_the_run_goes_on() -> None:
    said: list[str] = []
    guard = NumbersGuard(write=said.append)
    assert set(_run(guard, "..x..")) == {"continue"}
    assert said == [
        "step 3 is skipped, nothing has moved: l_g_pix nan; its batch brought photos/a.png, photos/b.png "
        "(1 skipped so far)"
    ]
    assert guard.skipped == 1


def test_bad_steps_between_good_ones_are_counted_but_told_ever_more_seldom() -> None:
    said: list[str] = []
    guard = NumbersGuard(write=said.append)
    assert set(_run(guard, "x." * 40)) == {"continue"}
    assert guard.skipped == 40
    assert [words.rpartition("(")[2] for words in said] == [f"{n} skipped so far)" for n in (1, 2, 3, 4, 8, 16, 32)]


@pytest.mark.parametrize("bad_steps", [1, 3, 5])
def test_so_many_in_a_row_go_back_once_with_half_the_rate_and_then_end_the_run(bad_steps: int) -> None:
    guard = NumbersGuard(bad_steps=bad_steps)
    good = ["continue"] * (bad_steps - 1)
    assert _run(guard, "x" * bad_steps) == [*good, "rollback"]
    assert guard.rate_factor == 0.5
    assert _run(guard, "." + "x" * (bad_steps - 1)) == ["continue", *good]
    with pytest.raises(
        TrainingError, match=r"row, up to step 9, are not finite, although the learning rate was halved"
    ):
        guard.after_step(9, BATCH, _numbers(finite=False))


def test_a_good_step_between_begins_the_count_anew() -> None:
    assert set(_run(NumbersGuard(bad_steps=3), "xx.xx.xx")) == {"continue"}


def test_the_decision_and_the_count_survive_a_resume() -> None:
    guard = NumbersGuard(bad_steps=3)
    _run(guard, "xxx.xx")
    resumed = NumbersGuard(bad_steps=3)
    resumed.load_state_dict(json.loads(json.dumps(guard.state_dict())))
    assert (resumed.rate_factor, resumed.skipped) == (0.5, 5)
    with pytest.raises(TrainingError):
        resumed.after_step(7, BATCH, _numbers(finite=False))


def test_the_report_is_written_before_the_run_goes_back_and_names_the_steps() -> None:
    reported = []

    def report(steps, reason) -> Path:
        reported.append(([bad.step for bad in steps], steps[-1].files, steps[-1].failed_files, reason))
        return Path("crash/report_3.json")

    guard = NumbersGuard(bad_steps=2, report=report)
    _run(guard, ".x", first=1)
    verdict = guard.after_step(3, BATCH, _numbers(finite=False))
    assert "see crash/report_3.json" in verdict.reason
    reason = "2 steps in a row, up to step 3, are not finite"
    assert reported == [([2, 3], ("photos/a.png", "photos/b.png"), ("photos/broken.jpg",), reason)]


def test_a_report_that_cannot_be_written_does_not_keep_the_run_from_going_back() -> None:
    def full(steps, reason) -> Path:
        raise OSError(28, "No space left on device")

    verdict = NumbersGuard(bad_steps=1, report=full).after_step(1, BATCH, _numbers(finite=False))
    assert verdict.action == "rollback"
    assert "no report could be written (No space left on device)" in verdict.reason


def test_weights_that_are_not_finite_go_back_at_once_and_the_second_time_end_the_run() -> None:
    guard = NumbersGuard()
    assert guard.check_weights(4, []).action == "continue"
    verdict = guard.check_weights(4, ["network_g body.0.weight", "average of network_g body.0.weight"])
    assert verdict.action == "rollback"
    assert verdict.reason.startswith(
        "the weights of step 4 are not finite any more (network_g body.0.weight and 1 others)"
    )
    with pytest.raises(TrainingError, match="learning rate was halved before"):
        guard.check_weights(6, ["network_g body.0.weight"])


@pytest.mark.parametrize(("scale", "back_at", "is_said"), [(2.0**20, 19, False), (1.0, 3, True)])
def test_fp16_may_skip_while_its_scale_falls_but_not_for_ever(scale: float, back_at: int, is_said: bool) -> None:
    said: list[str] = []
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    guard = NumbersGuard(bad_steps=3, write=said.append, scaler=scaler)
    scaler.scale(torch.ones(1))
    assert _run(guard, "x" * back_at) == ["continue"] * (back_at - 1) + ["rollback"]
    assert bool(said) == is_said


def test_a_flag_on_its_way_is_read_one_step_later_and_before_a_save(monkeypatch) -> None:
    """On CUDA the flag of a step is asked for when the next step is queued."""
    monkeypatch.setattr("realesrgan_arch.training.numbers_guard.FlagOnItsWay", _Late)
    guard = NumbersGuard(bad_steps=2)
    assert _run(guard, "xx") == ["continue", "continue"]
    assert guard.skipped == 1
    assert guard.state_dict()["in_a_row"] == 2
    assert _run(guard, ".", first=3) == ["rollback"]


class _Late:
    is_here = False

    def __init__(self, flag: torch.Tensor) -> None:
        self._flag = flag

    def read(self) -> bool:
        return bool(self._flag)


class SickPixels:
    """A pixel loss of NaN in the steps that are named; the loop says which one it is."""

    def __init__(self, steps: set[int]) -> None:
        self.steps = steps
        self.step = 0

    def __call__(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        loss = (prediction - target).abs().mean()
        return loss + math.nan if self.step in self.steps else loss


def make_sick(model, steps: set[int], monkeypatch) -> None:
    """Let the pixel loss of `model` be NaN in `steps`."""
    sick = SickPixels(steps)
    model.game.losses = Losses(sick, None, AdversarialLoss() if model.discriminator else None)
    play = model.game.play

    def played(lq, targets, *, step):
        sick.step = step
        return play(lq, targets, step=step)

    monkeypatch.setattr(model.game, "play", played)


def test_a_user_mends_a_training_error() -> None:
    assert issubclass(TrainingError, UserError)


def test_going_back_ends_a_streak_and_the_steps_that_wait_are_not_counted_into_the_new_one(monkeypatch) -> None:
    monkeypatch.setattr("realesrgan_arch.training.numbers_guard.FlagOnItsWay", _Late)
    guard = NumbersGuard(bad_steps=3)
    _run(guard, "xxx")
    guard.go_back(0)
    assert guard.state_dict()["in_a_row"] == 0
    assert _run(guard, "xxx") == ["continue"] * 3


def test_going_back_takes_the_watch_of_the_discriminator_along() -> None:
    watch = AdversaryWatch(Bounds(2 * math.log(2), 0.0))
    gone_back: list[bool] = []
    watch.go_back = lambda: gone_back.append(True)
    NumbersGuard(adversary=watch).go_back(4)
    assert gone_back == [True]
