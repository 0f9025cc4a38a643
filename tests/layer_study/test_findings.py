"""Differences, and the choice that follows from them."""

import math

import pytest

from realesrgan_arch.evaluation.crossed import CrossedInterval
from realesrgan_arch.evaluation.paired import Interval
from realesrgan_arch.layer_study.costs import Cost
from realesrgan_arch.layer_study.findings import Evidence, choose, compare_all, spread_of_seeds
from tests.layer_study.studies import ALL, EARLY, LAST, made_up

COSTS = {EARLY: Cost(1000, 900), LAST: Cost(500, 100), ALL: Cost(9000, 1000)}


def _choose(evidence, *candidates):
    return choose(compare_all(evidence, candidates), candidates, COSTS)


def test_a_difference_is_the_mean_over_scenes_and_seeds_of_the_better_less_the_worse() -> None:
    evidence = made_up({EARLY: {0: 0.1, 1: 0.3}, LAST: {0: 0.5, 1: 0.5}}, wobble=0)
    (pair,) = compare_all(evidence, [EARLY, LAST])
    assert (pair.first, pair.second) == ("body.6", "body.2")
    assert pair.metrics["psnr"].interval.mean == pytest.approx(0.3)
    assert pair.metrics["psnr"].by_seed == pytest.approx({0: 0.4, 1: 0.2})


def test_only_seeds_that_both_candidates_have_are_compared() -> None:
    evidence = made_up({EARLY: {0: 0.1, 1: 0.1}, LAST: {1: 0.2, 2: 9.0}}, wobble=0)
    (pair,) = compare_all(evidence, [EARLY, LAST])
    assert pair.metrics["psnr"].by_seed == pytest.approx({1: 0.1})


def test_each_candidate_is_compared_with_the_base() -> None:
    row = made_up({EARLY: {0: 0.25, 1: 0.35}}, wobble=0).against_base(EARLY, "probe")
    assert (row.first, row.second) == ("body.2 after probe", "base")
    assert row.metrics["psnr"].interval.mean == pytest.approx(0.3)


def test_a_candidate_that_is_better_for_certain_is_chosen_whatever_it_costs() -> None:
    choice = _choose(made_up({EARLY: {0: 1.0, 1: 1.01, 2: 0.99}, LAST: {0: 0.5, 1: 0.5, 2: 0.5}}), LAST, EARLY)
    assert choice.candidate == EARLY
    assert choice.reason == "its PSNR is above that of every other one"


def test_of_those_that_cannot_be_told_apart_the_cheapest_is_chosen_and_the_words_say_what_psnr_would_name() -> None:
    evidence = made_up({EARLY: {0: 0.1, 1: -0.1, 2: 0.1}, LAST: {0: 0.0, 1: 0.05, 2: 0.0}})
    choice = _choose(evidence, EARLY, LAST)
    assert choice.candidate == LAST
    assert choice.reason.endswith("(PSNR alone would name body.2)")
    same = made_up({LAST: {0: 0.1, 1: -0.1, 2: 0.1}, EARLY: {0: 0.0, 1: 0.05, 2: 0.0}})
    assert _choose(same, EARLY, LAST).reason.endswith("(PSNR alone would name it as well)")


def test_a_candidate_that_is_worse_for_certain_is_not_chosen_for_being_cheap() -> None:
    evidence = made_up({ALL: {0: 1.0, 1: 0.9, 2: 1.1}, EARLY: {0: 0.95, 1: 1.0, 2: 1.0}, LAST: {0: 0, 1: 0.01, 2: 0}})
    assert _choose(evidence, ALL, EARLY, LAST).candidate == EARLY


def test_with_more_pairs_each_interval_is_wider() -> None:
    gains = {EARLY: {0: 0.3, 1: 0.2}, LAST: {0: 0.1, 1: 0.0}}
    (one,) = compare_all(made_up(gains), [EARLY, LAST])
    three = compare_all(made_up({**gains, ALL: {0: -1.0, 1: -1.1}}), [EARLY, LAST, ALL])
    assert [(row.first, row.second) for row in three] == [("body.2", "body.6"), ("body.2", "all"), ("body.6", "all")]
    assert three[0].metrics["psnr"].interval.low < one.metrics["psnr"].interval.low


def test_the_spread_of_seeds_is_their_standard_deviation() -> None:
    interval = Interval(2.0, 1.0, 3.0, 5)
    assert spread_of_seeds(CrossedInterval(interval, {0: 1.0, 1: 3.0})) == pytest.approx(math.sqrt(2))
    assert math.isnan(spread_of_seeds(CrossedInterval(interval, {0: 1.0})))


def test_means_count_each_scene_once_so_that_they_differ_by_the_difference() -> None:
    plain = made_up({EARLY: {0: 0.25}, LAST: {0: 0.0}}, wobble=0)
    runs = {
        run: {"psnr": {**row["psnr"], "a": row["psnr"]["a"] + 9 * (run.candidate == EARLY)}}
        for run, row in plain.runs.items()
    }
    evidence = Evidence(plain.base, runs, dict.fromkeys("abcde", "villa"))
    (pair,) = compare_all(evidence, [LAST, EARLY])
    means = [evidence.mean(candidate, "probe", "psnr") for candidate in (EARLY, LAST)]
    assert pair.metrics["psnr"].interval.mean == pytest.approx(means[0] - means[1]) == pytest.approx(0.25 + 9 / 5 / 6)
    assert evidence.base_mean("psnr") == pytest.approx(24.0)
