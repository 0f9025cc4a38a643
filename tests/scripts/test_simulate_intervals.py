"""The script behind the choice of the interval: its studies are what they say, and its row can be read."""

import numpy as np
import pytest

from scripts.simulate_intervals import KINDS, interval_rules, measure


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_mean_is_zero_and_a_scene_counts_once(kind) -> None:
    table = KINDS[kind](np.random.default_rng(0), 20_000)
    assert abs(table.means[0]) < 5 * table.errors[0]
    assert table.sums.shape == (20_000, 1)


@pytest.mark.parametrize("kind", ["normal", "skewed", "heavy"])
def test_differences_have_the_spread_one(kind) -> None:
    table = KINDS[kind](np.random.default_rng(1), 20_000)
    assert table.sums.std() == pytest.approx(1, abs=0.1)


def test_with_many_normal_scenes_all_rules_agree() -> None:
    table = KINDS["normal"](np.random.default_rng(2), 400)
    bounds = np.array(list(interval_rules(table, seed=0, draws=4000).values()))
    assert bounds.std(axis=0).max() < 0.01


def test_a_row_has_a_cell_for_each_rule_and_what_was_claimed_and_found() -> None:
    row = measure("normal", 8, trials=20, draws=100, seed=0)
    assert row[:2] == ["normal", "8"]
    assert len(row) == 2 + 6 + 2
    assert " of " in row[-1]
