"""The table: means, differences to base picture by picture, units, and what is left out."""

import math

from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH, ImageScore
from realesrgan_arch.evaluation.table import format_table

SCORES = [
    ImageScore("a", GROUND_TRUTH, {"niqe": 4.0}),
    ImageScore("a", "bicubic", {"psnr": 24.0, "ssim": 0.7, "niqe": 7.0}),
    ImageScore("a", "base", {"psnr": 25.0, "ssim": 0.75, "niqe": 5.0}),
    ImageScore("a", "tuned", {"psnr": 25.5, "ssim": 0.76, "niqe": 4.5}),
    ImageScore("b", GROUND_TRUTH, {"niqe": math.nan}),
    ImageScore("b", "bicubic", {"psnr": 20.0, "ssim": 0.5, "niqe": math.nan}),
    ImageScore("b", "base", {"psnr": 21.0, "ssim": 0.55, "niqe": math.nan}),
    ImageScore("b", "tuned", {"psnr": 21.12, "ssim": 0.56, "niqe": math.nan}),
]


def test_the_table_shows_means_and_differences_to_base():
    assert format_table(SCORES, border=4, y_channel=False).splitlines() == [
        "mean over 2 pictures; PSNR and SSIM on RGB, NIQE on Y (lower is better), border 4",
        "method        PSNR [dB]         SSIM              NIQE",
        "-" * 64,
        "ground truth  -                 -                 4.000",
        "bicubic       22.00 (-1.00 dB)  0.6000 (-0.0500)  7.000 (+2.000)",
        "base          23.00             0.6500            5.000",
        "tuned         23.31 (+0.31 dB)  0.6600 (+0.0100)  4.500 (-0.500)",
        "NIQE is not defined for 1 of these pictures (too small or flat)",
    ]


def test_the_heading_names_the_channel():
    assert "PSNR and SSIM on Y (BT.601)" in format_table(SCORES[:4], border=0, y_channel=True)
    assert "mean over 1 picture;" in format_table(SCORES[:4], border=0, y_channel=True)


def test_without_a_base_there_are_no_differences():
    table = format_table([score for score in SCORES if score.method != "base"], border=4, y_channel=False)
    assert "(+" not in table
    assert "22.00" in table


def test_a_difference_that_is_not_defined_is_left_out():
    scores = [ImageScore("a", method, {"psnr": math.inf}) for method in ("base", "tuned")]
    assert format_table(scores, border=4, y_channel=False).splitlines()[-1] == "tuned   inf"
