"""Curves as places in a picture."""

import re

import pytest

from realesrgan_arch.evaluation.report_curves import plot
from realesrgan_arch.evaluation.report_story import Curve


def test_a_line_goes_from_the_left_edge_to_the_right_and_up_where_the_value_rises():
    drawn = plot(Curve("PSNR", {"val": [(0, 20.0), (100, 21.0)]}, "dB"))
    assert drawn
    start, end = (tuple(map(float, pair.split())) for pair in drawn.lines[0].path[1:].split("L"))
    assert (start[0], end[0]) == (drawn.left, drawn.right)
    assert drawn.bottom > start[1] > end[1] > drawn.top
    assert drawn.title == "PSNR (dB)"


def test_the_base_is_as_high_as_its_value_and_inside_even_where_the_line_never_comes_near():
    drawn = plot(Curve("PSNR", {"val": [(10, 20.0), (100, 21.0)]}, base=18.0))
    assert drawn and drawn.base is not None
    assert drawn.lines[0].end[1] < drawn.base < drawn.bottom


@pytest.mark.parametrize(("step", "place"), [(50, True), (500, False), (None, False)])
def test_the_step_of_the_weights_is_marked_where_it_is_on_the_axis(step, place):
    drawn = plot(Curve("PSNR", {"val": [(0, 1.0), (100, 2.0)]}), step=step)
    assert drawn
    assert (drawn.marker is not None) is place
    if place:
        assert drawn.marker == pytest.approx((drawn.left + drawn.right) / 2)


def test_a_curve_of_one_step_is_not_drawn():
    assert plot(Curve("PSNR", {"val": [(0, 1.0)]})) is None
    assert plot(Curve("PSNR", {})) is None


def test_a_constant_is_drawn():
    drawn = plot(Curve("PSNR", {"val": [(0, 0.0), (5, 0.0)]}))
    assert drawn and drawn.lines[0].end[1] == pytest.approx((drawn.top + drawn.bottom) / 2)


def test_ticks_are_round_numbers_each_once():
    drawn = plot(Curve("PSNR", {"val": [(0, 20.0), (1500, 20.11)]}))
    assert drawn
    assert [tick.text for tick in drawn.across] == ["0", "500", "1,000", "1,500"]
    texts = [tick.text for tick in drawn.up]
    assert len(texts) == len(set(texts)) >= 3
    assert all(re.fullmatch(r"20\.\d+|19\.\d+", text) for text in texts)


def test_a_long_line_is_thinned_by_means():
    points = [(float(step), float(step % 2)) for step in range(4000)]
    drawn = plot(Curve("Losses", {"pixel": points}))
    assert drawn
    assert drawn.lines[0].path.count("L") < 400
    assert drawn.lines[0].end[1] == pytest.approx((drawn.top + drawn.bottom) / 2, abs=1)
