"""The table of differences, as it stands on the console."""

from realesrgan_arch.evaluation.composite import Contrast
from realesrgan_arch.evaluation.difference_table import format_differences, judgement, worse_metrics
from realesrgan_arch.evaluation.paired import Interval

NAN = float("nan")
TRADE = Contrast(
    {"psnr": Interval(0.8, 0.5, 1.1, 8), "niqe": Interval(0.9, 0.6, 1.2, 8)}, Interval(-0.1, -0.4, 0.2, 8), ("niqe",)
)


def test_each_metric_has_its_interval_and_what_got_worse_has_a_mark() -> None:
    assert format_differences({"base": TRADE}, method="tuned").splitlines() == [
        "tuned against  PSNR [dB]             NIQE                       composite",
        "------------------------------------------------------------------------------------",
        "base           +0.80 [+0.50, +1.10]  +0.900 [+0.600, +1.200] !  -0.10 [-0.40, +0.20]",
        "[95 % interval over 8 scenes]; composite in steps, above 0 is better; ! is worse",
    ]


def test_one_scene_has_differences_without_intervals_and_says_why() -> None:
    one = Contrast({"psnr": Interval(0.8, NAN, NAN, 1)}, Interval(1.6, NAN, NAN, 1), ())
    lines = format_differences({"base": one}, method="tuned").splitlines()
    assert lines[2] == "base           +0.80      +1.60"
    assert lines[3] == "no intervals: they need at least two scenes; composite in steps, above 0 is better"


def test_nothing_is_called_better_or_worse_while_the_interval_holds_zero() -> None:
    assert judgement(Interval(0.1, -0.1, 0.3, 5)) == "cannot be told from the base"
    assert judgement(Interval(0.2, 0.1, 0.3, 5)) == "better than the base"
    assert judgement(Interval(-0.2, -0.3, -0.1, 5)) == "worse than the base"
    assert "two scenes" in judgement(Interval(0.2, NAN, NAN, 1))
    assert worse_metrics(("ssim", "niqe")) == "; worse: SSIM, NIQE"
