"""How many more scenes, seeds or steps would tell."""

import numpy as np
import pytest

from realesrgan_arch.layer_study.enough import what_would_tell

Z = 1.959964 + 0.841621  # both errors: 5 % two-sided, and a power of 80 %


def _table(scene: float, seed: float, mean: float) -> dict[int, dict[str, float]]:
    """Ten scenes and three seeds, with effects of exactly these variances and no rest."""
    scenes, seeds = np.linspace(-1, 1, 10), np.linspace(-1, 1, 3)
    scenes *= np.sqrt(scene / scenes.var(ddof=1))
    seeds *= np.sqrt(seed / seeds.var(ddof=1))
    return {k: {f"p{n}": float(mean + scenes[n] + seeds[k]) for n in range(10)} for k in range(3)}


def test_the_scenes_that_would_tell_follow_from_their_variance() -> None:
    found = what_would_tell(_table(1.0, 0.0, 0.1), {}, confidence=0.95, means=[])
    assert found.scenes == pytest.approx(Z**2 * 1.0 / 0.1**2, rel=0.01)  # 785
    assert found.seeds is None  # however many: ten scenes are too few


def test_no_number_of_scenes_tells_what_the_seeds_hide() -> None:
    found = what_would_tell(_table(0.0, 1.0, 0.1), {}, confidence=0.95, means=[])
    assert found.scenes is None
    assert found.seeds == pytest.approx(785, rel=0.01)


def test_steps_are_foreseen_only_where_the_difference_grows() -> None:
    table = _table(1.0, 0.0, 0.1)
    grows = what_would_tell(table, {}, confidence=0.95, means=[(100, 0.05), (200, 0.1)])
    # The error stays sqrt(1 / 10) with 9 degrees of freedom; the difference grows by 0.05 each 100 steps.
    assert grows.steps == pytest.approx(200 + ((2.262157 + 0.883404) * 0.1**0.5 - 0.1) / 0.0005, rel=0.001)
    assert what_would_tell(table, {}, confidence=0.95, means=[(100, 0.2), (200, 0.1)]).steps is None
    assert what_would_tell(table, {}, confidence=0.95, means=[(100, -0.05), (200, 0.1)]).steps is None


def test_it_is_more_than_there_is_and_few_seeds_weigh_as_much_as_they_know() -> None:
    two = {seed: row for seed, row in _table(0.01, 0.1, 1.0).items() if seed < 2}
    found = what_would_tell(two, {}, confidence=0.95, means=[])
    assert found.scenes is None  # with one degree of freedom the seeds' interval is 12.7 errors wide to either side
    assert found.seeds is not None
    assert 3 <= found.seeds <= 6


def test_one_scene_or_none_tells_nothing() -> None:
    nothing = what_would_tell({0: {"p": 1.0}}, {}, confidence=0.95, means=[(1, 1.0)])
    assert nothing.words() == "no number of scenes, seeds or steps that could be named"
    assert what_would_tell({}, {}, confidence=0.95, means=[]) == nothing
