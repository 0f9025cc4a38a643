"""When a run is warned, ended or sent back."""

import json
from dataclasses import replace

import pytest

from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.finding import Finding, Judgement, no_finding
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.training.quality_guard import (
    NO_INTERVAL,
    EarlyStopping,
    GuardRules,
    QualityGuard,
    rounds_without_gain,
)
from realesrgan_arch.training.verdict import Verdict

NAN = float("nan")
WORSE, UNCLEAR, BETTER = (Interval(mean, mean - 0.2, mean + 0.2, 8) for mean in (-0.5, -0.1, 0.5))


def _judge(guard: QualityGuard, step: int, composite: Interval, *, best_step: int | None = None) -> Verdict:
    is_worse = composite.below_zero()
    niqe = replace(no_finding("niqe"), verdict="worse" if is_worse else "cannot be told")
    judgement = Judgement("tuned", "base", {"niqe": niqe}, _finding(composite), "")
    return guard.judge(step, judgement, {"psnr": 24.0}, best_step=best_step)


def _finding(composite: Interval) -> Finding:
    verdict = "worse" if composite.below_zero() else "better" if composite.above_zero() else "cannot be told"
    return replace(
        no_finding(COMPOSITE),
        mean=composite.mean,
        low=composite.low,
        high=composite.high,
        scenes=composite.scenes,
        verdict=verdict,
    )


def _actions(guard: QualityGuard, *composites: Interval) -> list[str]:
    return [_judge(guard, step, composite).action for step, composite in enumerate(composites, start=1)]


def test_the_guard_acts_when_it_is_worse_so_many_times_in_a_row() -> None:
    guard = QualityGuard(GuardRules("stop", patience=3))
    assert _actions(guard, WORSE, WORSE, UNCLEAR, WORSE, WORSE, WORSE) == ["continue"] * 5 + ["finish"]


def test_worse_means_that_the_whole_interval_is() -> None:
    assert _actions(QualityGuard(GuardRules("stop", patience=1)), UNCLEAR, BETTER, WORSE)[:2] == ["continue"] * 2


def test_a_warning_says_what_got_worse_and_goes_on() -> None:
    guard = QualityGuard(GuardRules("warn", patience=2))
    assert _judge(guard, 1, WORSE).reason == ""
    verdict = _judge(guard, 2, WORSE, best_step=1)
    assert verdict.action == "continue"
    assert verdict.reason == (
        "warning: worse than the base for 2 validations in a row (composite -0.50 [-0.70, -0.30]; worse: NIQE); "
        "training goes on, as val.guard is warn; the best so far is step 1"
    )


def test_none_says_nothing() -> None:
    guard = QualityGuard(GuardRules("none", patience=1))
    assert _judge(guard, 1, WORSE) == Verdict("continue")


def test_a_stop_has_the_exit_code_of_a_check_that_found_something() -> None:
    verdict = _judge(QualityGuard(GuardRules("stop", patience=1)), 1, WORSE)
    assert (verdict.action, verdict.exit_code) == ("finish", 4)
    assert verdict.reason.startswith("worse than the base in this validation")


def test_a_rollback_goes_to_the_best_step_once_and_then_the_run_ends() -> None:
    guard = QualityGuard(GuardRules("rollback", patience=2, rollbacks=1))
    assert _judge(guard, 2, BETTER).action == "continue"
    assert _judge(guard, 4, WORSE).action == "continue"
    verdict = _judge(guard, 6, WORSE, best_step=2)
    assert (verdict.action, verdict.step, verdict.exit_code) == ("rollback", 2, 4)
    assert "halved" not in verdict.reason  # the loop says that once it is so
    assert guard.go_back(2)
    assert [_judge(guard, step, WORSE).action for step in (4, 6)] == ["continue", "finish"]
    assert guard.go_back(0) is False


def test_a_rollback_that_another_guard_asked_for_does_not_count() -> None:
    guard = QualityGuard(GuardRules("rollback", patience=1))
    _judge(guard, 2, BETTER)
    assert guard.go_back(2) is False
    assert _judge(guard, 4, WORSE).action == "rollback"


def test_the_patience_starts_anew_where_the_run_was_sent_back_even_to_a_worse_step() -> None:
    guard = QualityGuard(GuardRules("rollback", patience=2))
    assert [_judge(guard, step, WORSE, best_step=2).action for step in (2, 4)] == ["continue", "rollback"]
    guard.go_back(2)
    assert [_judge(guard, step, WORSE).action for step in (4, 6)] == ["continue", "finish"]


def test_a_validation_that_is_made_again_counts_once() -> None:
    guard = QualityGuard(GuardRules("stop", patience=2))
    assert [_judge(guard, step, WORSE).action for step in (1, 1, 1, 2)] == ["continue"] * 3 + ["finish"]


def test_without_an_interval_the_guard_never_acts_and_says_so_once() -> None:
    guard = QualityGuard(GuardRules("stop", patience=1))
    verdicts = [_judge(guard, step, Interval(-9.0, NAN, NAN, 1)) for step in (1, 2, 3)]
    assert [verdict.action for verdict in verdicts] == ["continue"] * 3
    assert [verdict.reason for verdict in verdicts] == [NO_INTERVAL, "", ""]


@pytest.mark.parametrize("resumed_after", [1, 2, 3, 4])
def test_a_resume_in_the_middle_of_the_patience_changes_nothing(resumed_after) -> None:
    rules = GuardRules("stop", patience=3, early=EarlyStopping(5))
    straight, first = QualityGuard(rules), QualityGuard(rules)
    course = [UNCLEAR, WORSE, WORSE, WORSE, WORSE]
    expected = [_judge(straight, step, composite) for step, composite in enumerate(course)]
    found = [_judge(first, step, composite) for step, composite in enumerate(course[:resumed_after])]
    second = QualityGuard(rules)
    second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
    found += [_judge(second, step, composite) for step, composite in list(enumerate(course))[resumed_after:]]
    assert found == expected
    assert second.state_dict() == straight.state_dict()


def test_early_stopping_ends_in_good_order_with_exit_code_0() -> None:
    guard = QualityGuard(GuardRules("warn", patience=9, early=EarlyStopping(2)))
    assert _actions(guard, UNCLEAR, BETTER, UNCLEAR)[-1] == "continue"
    verdict = _judge(guard, 4, UNCLEAR)
    assert verdict == Verdict("finish", "composite has not improved for 2 validations: the run ends early")


def test_an_improvement_must_be_larger_than_min_delta() -> None:
    early = EarlyStopping(2, min_delta=0.1)
    assert rounds_without_gain([1.0, 1.05, 1.1, 1.2], early) == 0
    assert rounds_without_gain([1.0, 1.05, 1.0625], early) == 2
    lower = EarlyStopping(2, metric="niqe", better="lower")
    assert rounds_without_gain([5.0, 4.0, 4.5], lower) == 1


def test_a_score_that_is_not_a_number_is_no_improvement_and_alone_ends_nothing() -> None:
    assert rounds_without_gain([1.0, NAN, NAN], EarlyStopping(2)) == 2
    assert rounds_without_gain([NAN, NAN, NAN], EarlyStopping(2)) == 0


def test_what_a_validation_said_of_the_composite_is_still_known_after_a_resume() -> None:
    first, second = QualityGuard(GuardRules()), QualityGuard(GuardRules())
    three = {name: replace(no_finding(name), scenes=8) for name in ("psnr", "ssim", "niqe")}
    judgement = Judgement("tuned", "base", three, _finding(BETTER), "")
    first.judge(3, judgement, {}, best_step=None)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    seen = second.round_at(3)
    assert seen is not None
    assert (seen.verdict, seen.composite, seen.fewest_scenes) == ("better", BETTER, 7)


def test_a_state_without_verdicts_claims_nothing() -> None:
    guard = QualityGuard(GuardRules())
    _judge(guard, 3, BETTER)
    state = json.loads(json.dumps(guard.state_dict()))
    del state["rounds"][0]["verdict"], state["rounds"][0]["fewest_scenes"]
    guard.load_state_dict(state)
    seen = guard.round_at(3)
    assert seen is not None
    assert (seen.verdict, seen.fewest_scenes) == ("cannot be told", 6)
