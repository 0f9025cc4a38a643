"""The table: means, differences to base picture by picture, units, and what is left out."""

import math

from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH, ImageScore
from realesrgan_arch.evaluation.statistics import judge
from realesrgan_arch.evaluation.table import format_table, notes_on_scores

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
        "NIQE is not defined for 1 of 2 pictures (smaller than 96 pixels inside the border or with fewer than two "
        "blocks of texture), which count in no mean of it: b",
    ]


def test_the_heading_names_the_channel():
    assert "PSNR and SSIM on Y (BT.601)" in format_table(SCORES[:4], border=0, y_channel=True)
    assert "mean over 1 picture;" in format_table(SCORES[:4], border=0, y_channel=True)


def test_without_a_base_there_are_no_differences():
    table = format_table([score for score in SCORES if score.method != "base"], border=4, y_channel=False)
    assert "(+" not in table
    assert "22.00" in table


def test_the_heading_names_what_was_measured_and_no_more():
    values = {"psnr": 20.0, "psnr_y": 21.0, "lpips": 0.2, "dists": 0.1, "color": 1.0}
    heading = format_table([ImageScore("a", "base", values)], border=4, y_channel=True).splitlines()[0]
    assert heading == (
        "mean over 1 picture; PSNR on Y (BT.601), PSNR-Y on Y, LPIPS and DISTS on RGB (lower is better), "
        "color on CIELAB (lower is better), border 4"
    )


def _psnr_rows(*values: float) -> list[ImageScore]:
    return [ImageScore("a", method, {"psnr": value}) for method, value in zip(("base", "tuned"), values, strict=True)]


def test_a_difference_that_is_not_finite_is_left_out():
    for base in (math.inf, 25.0):
        rows = [*_psnr_rows(base, math.inf), ImageScore("b", "base", {"psnr": 20.0})]
        line = format_table(rows, border=4, y_channel=False, with_notes=False).splitlines()[-1]
        assert line == ("tuned   inf (+0.00 dB)" if base == math.inf else "tuned   inf")


def test_the_table_has_the_differences_of_the_judgement():
    rows = [*_psnr_rows(25.0, math.inf), *(ImageScore("b", row.method, row.values) for row in _psnr_rows(20.0, 21.5))]
    base, tuned = ([row for row in rows if row.method == method] for method in ("base", "tuned"))
    assert judge(tuned, base, scenes={}).findings["psnr"].mean == 1.5
    assert "inf (+1.50 dB)" in format_table(rows, border=4, y_channel=False)


def test_each_metric_has_one_note_whatever_the_number_of_methods():
    assert notes_on_scores(SCORES) == [
        "NIQE is not defined for 1 of 2 pictures (smaller than 96 pixels inside the border or with fewer than two "
        "blocks of texture), which count in no mean of it: b"
    ]
    equal = [ImageScore("a", method, {"psnr": math.inf, "color": math.nan}) for method in ("base", "tuned")]
    assert notes_on_scores(equal) == [
        "PSNR is infinite for 1 of 1 picture (the result of base and tuned equals the truth there)",
        "color is left out: it is defined for none of 1 picture",
    ]


def test_a_metric_that_is_defined_for_no_picture_has_no_column_and_one_note():
    flat = [ImageScore(name, method, {"psnr": 20.0, "niqe": math.nan}) for name in "ab" for method in ("base", "tuned")]
    lines = format_table(flat, border=4, y_channel=False).splitlines()
    assert lines[0] == "mean over 2 pictures; PSNR on RGB, border 4"
    assert lines[1].split() == ["method", "PSNR", "[dB]"]
    assert "nan" not in "\n".join(lines)
    assert [line for line in lines if "NIQE" in line] == [
        "NIQE is left out: it is defined for none of 2 pictures (smaller than 96 pixels inside the border or with "
        "fewer than two blocks of texture)"
    ]
