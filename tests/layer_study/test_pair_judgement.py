"""Who is dominated by the pair of fidelity and naturalness, and when a winner may be named."""

import math

import pytest

from realesrgan_arch.layer_study.pair_judgement import ProbeEvidence, decide, dominated, relation
from tests.layer_study.probes import COSTS, FIRST, PICTURES, SECOND, THIRD, made_up_probe


@pytest.mark.parametrize(("gain", "said"), [
    ((0.5, -0.5), "dominates"),  # better in both
    ((0.0, -0.5), "dominates"),  # as good in PSNR, more natural
    ((-0.05, -0.5), "dominates"),  # less than a tenth of a dB of harm
    ((-0.5, -0.5), "trade-off"),
    ((0.5, 0.5), "trade-off"),
    ((0.0, 0.5), "is dominated"),
    ((-0.5, 0.5), "is dominated"),
    ((0.0, 0.0), "cannot be told"),
    ((0.06, 0.06), "trade-off"),  # each is better in one by what nobody sees: neither goes
])  # fmt: skip
def test_a_candidate_dominates_where_it_is_better_in_one_and_harmless_in_the_other(gain, said) -> None:
    evidence = made_up_probe({FIRST: gain, SECOND: (0.0, 0.0)})
    assert relation(evidence.between(FIRST, SECOND, 4)) == said


@pytest.mark.parametrize("metric", ["psnr", "niqe"])
def test_one_of_the_pair_alone_tells_nothing(metric) -> None:
    known = made_up_probe({FIRST: (0.5, -0.5), SECOND: (0.0, 0.0)})
    lost = dict.fromkeys(PICTURES, math.nan)
    runs = {key: {**row, metric: lost} for key, row in known.runs.items()}
    evidence = ProbeEvidence({**known.base, metric: lost}, runs, {})
    assert relation(evidence.between(FIRST, SECOND, 4)) == "cannot be told"
    assert dominated(evidence, [FIRST, SECOND], 4) == {}
    assert not decide(evidence, [FIRST, SECOND], {one: COSTS[one] for one in (FIRST, SECOND)}, [4]).winner


def test_only_the_dominated_go_and_what_is_better_in_one_stays() -> None:
    evidence = made_up_probe({FIRST: (1.0, 0.8), SECOND: (0.5, -0.5), THIRD: (0.4, 0.9)})
    assert dominated(evidence, [FIRST, SECOND, THIRD], 4) == {THIRD: SECOND}


def test_nobody_goes_where_nothing_can_be_told() -> None:
    evidence = made_up_probe({FIRST: (0.01, 0.0), SECOND: (0.0, 0.01), THIRD: (0.0, 0.0)}, wobble=1.0)
    assert dominated(evidence, [FIRST, SECOND, THIRD], 4) == {}


def test_the_one_that_dominates_all_others_is_the_winner() -> None:
    evidence = made_up_probe({FIRST: (1.0, -0.5), SECOND: (0.5, 0.0)})
    found = decide(evidence, [FIRST, SECOND], {one: COSTS[one] for one in (FIRST, SECOND)}, [4])
    assert (found.taken, found.winner, dict(found.rivals)) == (FIRST, True, {})


def test_no_winner_is_named_where_intervals_overlap_and_the_cheapest_is_taken() -> None:
    evidence = made_up_probe({FIRST: (0.50, 0.0), SECOND: (0.49, 0.0)}, wobble=1.0)
    found = decide(evidence, [FIRST, SECOND], {one: COSTS[one] for one in (FIRST, SECOND)}, [4])
    assert not found.winner
    assert found.taken == SECOND  # a third of the memory
    assert list(found.rivals) == [SECOND]
    assert "none of the others that are left can be told from body.2" in found.words


def test_who_trades_fidelity_for_naturalness_is_no_winner_however_far_ahead() -> None:
    evidence = made_up_probe({FIRST: (3.0, 0.5), SECOND: (0.0, 0.0)})
    found = decide(evidence, [FIRST, SECOND], {one: COSTS[one] for one in (FIRST, SECOND)}, [4])
    assert (found.taken, found.winner) == (FIRST, False)
    assert "not in both" in found.words
