"""The table of differences, as it stands on the console."""

from dataclasses import replace

from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.difference_table import against_the_base, format_differences, worse_metrics
from realesrgan_arch.evaluation.finding import Finding, Judgement, Verdict, no_finding
from realesrgan_arch.evaluation.paired import Interval

NAN = float("nan")


def _finding(metric: str, mean: float, low: float, high: float, scenes: int, verdict: Verdict) -> Finding:
    return replace(no_finding(metric), mean=mean, low=low, high=high, scenes=scenes, verdict=verdict)


def _judgement(*findings: Finding) -> Judgement:
    *metrics, composite = findings
    return Judgement("tuned", "base", {finding.metric: finding for finding in metrics}, composite, "")


TRADE = _judgement(
    _finding("psnr", 0.8, 0.5, 1.1, 8, "better"),
    _finding("niqe", 0.9, 0.6, 1.2, 8, "worse"),
    _finding(COMPOSITE, -0.1, -0.4, 0.2, 8, "cannot be told"),
)


def test_each_metric_has_its_interval_and_what_can_be_told_has_a_mark() -> None:
    assert format_differences({"base": TRADE}, method="tuned").splitlines() == [
        "tuned against  PSNR [dB]               NIQE                       composite",
        "--------------------------------------------------------------------------------------",
        "base           +0.80 [+0.50, +1.10] *  +0.900 [+0.600, +1.200] !  -0.10 [-0.40, +0.20]",
        "[95 % interval over 8 scenes]; * better, ! worse, by the interval and by a sign-flip test corrected for 2 "
        "metrics; unmarked: cannot be told",
        "composite: fidelity and naturalness alike, in points of 0.5 dB of PSNR, 0.5 of NIQE; above 0 is better",
    ]


def test_one_scene_has_differences_without_intervals_and_says_why() -> None:
    one = _judgement(
        _finding("psnr", 0.8, NAN, NAN, 1, "cannot be told"), _finding(COMPOSITE, 1.6, NAN, NAN, 1, "cannot be told")
    )
    lines = format_differences({"base": one}, method="tuned").splitlines()
    assert lines[2] == "base           +0.80      +1.60"
    assert lines[3:] == [
        "no intervals: they need at least two scenes",
        "composite: in points of 0.5 dB of PSNR; above 0 is better",
    ]


def test_of_a_few_scenes_the_legend_says_that_they_prove_nothing() -> None:
    few = _judgement(
        _finding("psnr", 0.8, 0.5, 1.1, 5, "cannot be told"), _finding(COMPOSITE, 1.6, 1.0, 2.2, 5, "cannot be told")
    )
    legend = format_differences({"base": few}, method="tuned").splitlines()[3]
    assert legend == "[95 % interval over 5 scenes]; fewer than 6 scenes prove nothing, so nothing is marked"


def test_six_scenes_are_too_few_for_three_metrics_and_enough_for_one() -> None:
    six = Interval(0.2, 0.1, 0.3, 6)
    three = _judgement(*(_finding(name, 0.2, 0.1, 0.3, 6, "cannot be told") for name in ("psnr", "ssim", "niqe", "x")))
    assert three.fewest_scenes == 7
    said = against_the_base("cannot be told", six, fewest_scenes=three.fewest_scenes)
    assert said == "cannot be told from the base (that takes at least 7 scenes): composite +0.20 [+0.10, +0.30]"
    assert "takes" not in against_the_base("cannot be told", six, fewest_scenes=6)


def test_against_the_base_in_words() -> None:
    whole, few = Interval(0.2, 0.1, 0.3, 8), Interval(0.2, 0.1, 0.3, 5)
    said = against_the_base("better", whole, fewest_scenes=6)
    assert said == "better than the base: composite +0.20 [+0.10, +0.30]"
    assert against_the_base("worse", whole, fewest_scenes=6).startswith("worse than the base: ")
    assert against_the_base("cannot be told", whole, fewest_scenes=6).startswith("cannot be told from the base: ")
    assert against_the_base("cannot be told", few, fewest_scenes=6).startswith(
        "cannot be told from the base (that takes at least 6 scenes): "
    )
    assert worse_metrics(("ssim", "niqe")) == "; worse: SSIM, NIQE"
