"""The size of a result: upstream's by a magnification, the aspect by a width, never above the longest side."""

import pytest

from realesrgan_arch.upscaling.result_size import ResultSize


@pytest.mark.parametrize(
    ("rule", "size", "expected"),
    [
        (ResultSize(4), (7, 5), (28, 20)),
        (ResultSize(1.5), (7, 5), (10, 7)),
        (ResultSize(0.1), (7, 5), (1, 1)),
        (ResultSize(4, width=1000), (300, 200), (1000, 667)),
        (ResultSize(4, width=10), (300, 2), (10, 1)),
        (ResultSize(4, max_side=1000), (300, 200), (1000, 667)),
        (ResultSize(4, max_side=1000), (200, 300), (667, 1000)),
        (ResultSize(4, max_side=1200), (300, 200), (1200, 800)),
        (ResultSize(4, max_side=5000), (300, 200), (1200, 800)),
        (ResultSize(4, width=1000, max_side=900), (200, 300), (600, 900)),
        (ResultSize(4, max_side=10), (300, 2), (10, 1)),
    ],
)
def test_sizes(rule, size, expected):
    assert rule.of(size) == expected


@pytest.mark.parametrize("arguments", [{"outscale": 0}, {"outscale": 2, "width": 0}, {"outscale": 2, "max_side": -3}])
def test_sizes_of_nothing_are_refused(arguments):
    with pytest.raises(ValueError, match="above 0"):
        ResultSize(**arguments)
