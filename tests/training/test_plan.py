"""The plan says what fits, what is best of it and why; `accumulate: auto` takes the smallest number of parts."""

import re
from pathlib import Path

import pytest

from realesrgan_arch.networks.spec import SRResNetSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training import plan as plan_module
from realesrgan_arch.training.memory import MemoryModel
from realesrgan_arch.training.micro_batch import MemoryPlanError, settle_accumulate
from realesrgan_arch.training.plan import Budget, advice, largest_that_fits, make_plan, read_budget
from realesrgan_arch.training.plan_table import plan_lines
from tests.tiny_run import tiny_options


def _options(**train):
    mapping = tiny_options(Path("photos"), Path("runs"))
    mapping["network_g"] = {"type": "RRDBNet", "num_feat": 8, "num_block": 2, "num_grow_ch": 4}
    mapping["datasets"]["train"]["batch_size_per_gpu"] = 4
    mapping["train"] |= {"trainable": {"network_g": "conv_last"}, **train}
    return parse_options(mapping)


@pytest.fixture(scope="module")
def model() -> MemoryModel:
    return MemoryModel(_options())


def _sizes(options, model=None) -> dict:
    rows = make_plan(options, Budget(1, "test"), model=model).rows
    return {(r.choice.label, r.checkpointing, r.at_once): r.size for r in rows if r.precision == "fp32"}


def test_where_all_fits_only_with_checkpointing_it_is_named_with_it(model) -> None:
    options = _options()
    sizes = _sizes(options, model)
    plan = make_plan(options, Budget(sizes["all", True, 4], "test"), model=model)
    assert plan.best is not None
    assert (plan.best.choice.label, plan.best.checkpointing, plan.best.at_once) == ("all", True, 4)
    said = advice(plan)
    assert said[1].startswith("The most that fits: `all` (100.0 % of the parameters) with 4 at once and checkpointing")
    assert said[2].startswith("Memory follows the earliest trained layer, not the number of parameters")
    assert "which recomputes the generator's forward pass" in said[3]
    assert "no layer has to be frozen for memory" in said[3]


def test_where_nothing_fits_the_least_is_named_with_the_ways_out(model) -> None:
    said = advice(make_plan(_options(), Budget(1000, "test"), model=model))
    assert "do not fit into 1 kB" in said[0]
    assert re.match(r"Nothing fits into 1 kB in fp32: the least, `\w+` with 1 at once, needs ", said[1])
    assert said[1].endswith("Ways out: lower gt_size (32).")
    assert not any("no layer has to be frozen" in text for text in said)


def test_the_table_is_narrow_sorted_and_marks_the_present_row(model) -> None:
    plan = make_plan(_options(), Budget(10**9, "test"), model=model)
    lines = plan_lines(plan, with_parts=True)
    assert max(map(len, lines)) <= 100
    first = [line.split()[0] for line in lines if " either " in line or " off " in line]
    assert first[:2] == ["conv_last", "last:2"]
    assert first[len(first) // 2 - 1] == "all"
    assert sum("*" in line for line in lines) == 2  # the row and the legend
    assert "not counted: Python, PyTorch and a CUDA context (0.3 to 0.6 GB together)" in lines


def test_patterns_that_are_not_in_the_list_get_rows_of_their_own(model) -> None:
    options = _options(trainable={"network_g": ["body.1.rdb3.conv5"]})
    plan = make_plan(options, Budget(10**9, "test"), model=model)
    assert plan.present.choice.label == "body.1.rdb3.conv5"
    last, all_of_it = (next(r for r in plan.rows if r.choice.label == label) for label in ("last:5", "all"))
    own = next(r for r in plan.rows if r.choice == plan.present.choice)
    assert last.prediction.saved < own.prediction.saved < all_of_it.prediction.saved


def test_processes_on_one_cpu_share_what_is_free_and_settle_into_their_part_of_it(model, monkeypatch) -> None:
    two_at_once = _sizes(_options(), model)["all", False, 2]
    monkeypatch.setattr(plan_module, "free_memory", lambda device: int(2.2 * two_at_once / 0.9))
    options = _options(accumulate="auto", memory_budget="auto", trainable={"network_g": "all"})
    assert read_budget("auto", options).size == pytest.approx(2.2 * two_at_once, rel=1e-6)
    shared = read_budget("auto", options, sharers=2)
    assert shared.size == pytest.approx(1.1 * two_at_once, rel=1e-6)
    assert shared.words.endswith("free on cpu, shared by 2 processes")
    assert read_budget("8MB", options, sharers=2).size == 8_000_000
    assert settle_accumulate(options, sharers=2).options.train.accumulate == 2
    assert settle_accumulate(options).options.train.accumulate == 1


def test_auto_takes_the_fewest_parts_that_fit_and_keeps_the_batch(model) -> None:
    options = _options(accumulate="auto", trainable={"network_g": "all"})
    two_at_once = _sizes(options, model)["all", False, 2]
    budget = -(-two_at_once // 1000)
    wanted = _options(accumulate="auto", memory_budget=f"{budget}KB", trainable={"network_g": "all"})
    settled = settle_accumulate(wanted)
    assert settled.options.train.accumulate == 2
    assert settled.options.datasets.train.batch_size_per_gpu == 4
    assert settled.words.startswith("accumulate: auto is 2 part(s) of 2 picture(s)")
    assert largest_that_fits(options, MemoryModel(options), Budget(two_at_once - 1, "test"))[0] == 1


def test_a_resumed_run_keeps_its_number_and_a_plain_number_stays() -> None:
    options = _options(accumulate="auto", memory_budget="1GB")
    assert settle_accumulate(options).options.train.accumulate == 1
    assert settle_accumulate(options, earlier=4).options.train.accumulate == 4
    assert settle_accumulate(options, earlier=3).options.train.accumulate == 1
    plain = _options(accumulate=2)
    assert settle_accumulate(plain, earlier=4).options is plain


def _batch_norm_options(**train):
    return _options(**train).model_copy(update={"network_g": SRResNetSpec(num_feat=4, num_block=2)})


def test_auto_never_leaves_batch_norm_a_single_picture() -> None:
    options = _batch_norm_options(accumulate="auto", memory_budget="10KB", trainable={"network_g": "all"})
    with pytest.raises(MemoryPlanError, match="2 at once, for batch norm's sake, need .* `realesrgan-arch plan FILE`"):
        settle_accumulate(options)
    single = _batch_norm_options(accumulate="auto", trainable={"network_g": "conv_last"})
    assert largest_that_fits(single, MemoryModel(single), Budget(1, "test"))[0] == 1


def test_a_plan_offers_no_parts_of_a_single_picture_to_batch_norm() -> None:
    plan = make_plan(_batch_norm_options(trainable={"network_g": "all"}), Budget(10**12, "test"))
    assert {row.at_once for row in plan.rows if row.accumulate is None and row.choice.label == "all"} == {1}
    assert all(row.accumulate for row in plan.rows if row.choice.label == "conv_last")
    assert {row.checkpointing for row in plan.rows} == {False}
    assert "last:4" in {row.choice.label for row in plan.rows}


def test_auto_refuses_what_does_not_fit_at_all() -> None:
    with pytest.raises(MemoryPlanError, match="one picture at once needs .* `realesrgan-arch plan FILE`"):
        settle_accumulate(_options(accumulate="auto", memory_budget="10KB"))
