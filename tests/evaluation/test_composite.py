"""The composite in steps."""

import math

import pytest

from realesrgan_arch.evaluation.composite import composite_in_words, composite_of
from realesrgan_arch.evaluation.evaluate import METRICS, Better

BETTER: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}


def test_a_step_is_half_a_decibel_or_two_hundredths_of_ssim_or_half_a_niqe() -> None:
    assert composite_of({"psnr": 0.5}, BETTER) == pytest.approx(1)
    assert composite_of({"ssim": 0.02}, BETTER) == pytest.approx(1)
    assert composite_of({"niqe": 0.5}, BETTER) == pytest.approx(-1)


def test_fidelity_and_naturalness_weigh_the_same_however_many_metrics_they_have() -> None:
    # fidelity (2 + 1) / 2 = 1.5 steps, naturalness -2 steps
    assert composite_of({"psnr": 1.0, "ssim": 0.02, "niqe": 1.0}, BETTER) == pytest.approx(-0.25)


def test_a_metric_that_is_not_defined_does_not_count() -> None:
    assert composite_of({"psnr": 1.0, "niqe": math.nan}, BETTER) == pytest.approx(2)
    assert math.isnan(composite_of({"niqe": math.nan}, BETTER))


def test_the_side_of_better_can_be_turned_round() -> None:
    assert composite_of({"psnr": 0.5}, {**BETTER, "psnr": "lower"}) == pytest.approx(-1)


def test_other_metrics_do_not_count() -> None:
    assert composite_of({"psnr": 0.5, "another": 99.0}, BETTER) == pytest.approx(1)
    assert math.isnan(composite_of({"another": 99.0}, BETTER))


def test_an_infinite_difference_does_not_count() -> None:
    assert composite_of({"psnr": math.inf, "ssim": 0.02}, BETTER) == pytest.approx(1)


def test_second_readings_of_the_same_sides_do_not_count():
    plain = {"psnr": 0.5, "niqe": -0.5}
    further = {"psnr_y": 9.0, "ssim_usm": 1.0, "lpips_like": 1.0, "color": 5.0, "edges": 30.0}
    assert composite_of({**plain, **further}, BETTER) == composite_of(plain, BETTER) == 1.0


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            ["psnr", "ssim", "niqe", "color"],
            "composite: fidelity and naturalness alike, in points of 0.5 dB of PSNR, 0.02 of SSIM, 0.5 of NIQE; "
            "above 0 is better",
        ),
        (["psnr_y"], "composite: in points of 0.5 dB of PSNR-Y; above 0 is better"),
        (["color"], "composite: not defined, as no metric that counts in it was measured"),
    ],
)
def test_a_reader_is_told_what_a_point_of_the_composite_is_of_the_metrics_that_were_measured(metrics, said) -> None:
    assert composite_in_words(metrics) == said
