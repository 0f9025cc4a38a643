"""Which steps are the best, and which checkpoints must stay."""

import json
import math

from realesrgan_arch.training.best import Best, BestTable


def _table(*rounds: tuple[int, dict[str, float]], **arguments) -> BestTable:
    table = BestTable("val", **arguments)
    for step, scores in rounds:
        table.add("val", step, scores)
    return table


def test_higher_or_lower_is_better_as_the_metric_says() -> None:
    table = _table((1, {"psnr": 24.0, "niqe": 5.0}), (2, {"psnr": 25.0, "niqe": 6.0}), (3, {"psnr": 24.5, "niqe": 4.0}))
    assert table.best("val") == {"psnr": Best(2, 25.0), "niqe": Best(3, 4.0)}


def test_better_of_the_options_goes_before_the_metric() -> None:
    assert _table((1, {"psnr": 24.0}), (2, {"psnr": 25.0}), better={"psnr": "lower"}).best("val")["psnr"].step == 1


def test_equal_scores_leave_the_earlier_step_and_nan_is_never_the_best() -> None:
    rounds = [(1, {"psnr": math.nan}), (2, {"psnr": 24.0}), (3, {"psnr": 24.0}), (4, {"psnr": math.nan})]
    assert _table(*rounds).best("val") == {"psnr": Best(2, 24.0)}


def test_only_the_deciding_set_keeps_checkpoints() -> None:
    table = _table((1, {"psnr": 24.0, "niqe": 5.0, "composite": 0.1}))
    table.add("other", 2, {"psnr": 30.0, "niqe": 3.0, "composite": 9.0})
    assert table.steps_to_keep() == {1}
    assert table.best("other")["psnr"].step == 2


def test_the_front_is_kept_too() -> None:
    table = _table((1, {"psnr": 24.0, "niqe": 4.0}), (2, {"psnr": 25.0, "niqe": 5.0}), (3, {"psnr": 26.0, "niqe": 6.0}))
    assert [point.step for point in table.front()] == [1, 2, 3]
    assert table.steps_to_keep() == {1, 2, 3}
    assert table.scores_of(table.front()[1]) == {"psnr": 25.0, "niqe": 5.0}


def test_going_back_keeps_the_best_scores_but_asks_for_no_checkpoint_that_is_gone() -> None:
    table = _table((2, {"psnr": 24.0, "composite": 0.5}), (4, {"psnr": 25.0, "composite": 0.2}))
    table.go_back(2)
    assert table.best("val")["psnr"] == Best(4, 25.0, discarded=True)
    assert table.step_to_return_to() == 2
    assert table.steps_to_keep() == {2}
    table.add("val", 4, {"psnr": 25.5, "composite": 0.1})
    assert table.steps_to_keep() == {2, 4}


def test_the_state_is_plain_json_and_comes_back_equal() -> None:
    table = _table((1, {"psnr": 24.1, "niqe": 4.3}), (2, {"psnr": 25.2, "niqe": math.nan}))
    again = BestTable("val")
    again.load_state_dict(json.loads(json.dumps(table.state_dict(), allow_nan=False)))
    assert again.state_dict() == table.state_dict()
    assert again.steps_to_keep() == table.steps_to_keep()
