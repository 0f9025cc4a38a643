"""Lines and numbers of an SVG picture."""

import pytest

from realesrgan_arch.svg_lines import round_ticks


@pytest.mark.parametrize(
    ("low", "high", "count", "ticks", "decimals"),
    [
        (-1.05, 1.86, 5, [-1, 0, 1], 0),
        (0.03, 0.89, 4, [0.25, 0.5, 0.75], 2),
        (20.0, 60.0, 4, [20, 30, 40, 50, 60], 0),
        (22.02, 22.14, 2, [22.1], 1),
    ],
)
def test_ticks_are_round_numbers_within_the_bounds_with_the_decimals_they_need(low, high, count, ticks, decimals):
    values, needed = round_ticks(low, high, count)
    assert values == pytest.approx(ticks)
    assert needed == decimals
