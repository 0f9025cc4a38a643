"""Fidelity against naturalness as a picture."""

import re

from realesrgan_arch.evaluation.pair_plot import Mark, draw_pair
from realesrgan_arch.evaluation.paired import Interval


def test_the_axes_bear_round_numbers_and_the_base_is_at_0() -> None:
    mark = Mark("last:1", Interval(0.13, -0.92, 0.56, 7), Interval(-0.4, -1.166, 1.97, 7), is_taken=True)
    svg = draw_pair([mark], across="gain in PSNR", up="change of NIQE")
    across = re.findall(r'text-anchor="middle">([^<]+)<', svg)
    up = [words for words in re.findall(r'text-anchor="end">([^<]+)<', svg) if "PSNR" not in words]
    assert across == ["-1.0", "-0.5", "0", "+0.5"]
    assert up == ["-1", "0", "+1", "+2"]
