"""The composite in steps, and the metrics that got worse."""

import math

import pytest

from realesrgan_arch.evaluation.composite import composite_of, contrast
from realesrgan_arch.evaluation.evaluate import METRICS, Better, ImageScore

BETTER: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}


def _scores(**values: list[float]) -> list[ImageScore]:
    rows = zip(*values.values(), strict=True)
    return [ImageScore(f"{index}.png", "any", dict(zip(values, row, strict=True))) for index, row in enumerate(rows)]


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


def test_a_gain_in_fidelity_does_not_hide_a_loss_of_naturalness() -> None:
    base = _scores(psnr=[24.0, 25.0, 26.0], niqe=[5.0, 5.5, 6.0])
    tuned = _scores(psnr=[26.0, 27.1, 27.9], niqe=[5.9, 6.4, 6.9])
    found = contrast(tuned, base, scenes={})
    assert found.composite.above_zero()
    assert found.worse == ("niqe",)
    assert found.metrics["psnr"].mean == pytest.approx(2.0)
    assert found.metrics["niqe"].mean == pytest.approx(0.9)


def test_pictures_are_paired_by_name_and_equal_to_the_truth_twice_is_no_difference() -> None:
    base = _scores(psnr=[math.inf, 20.0])
    tuned = [*reversed(_scores(psnr=[math.inf, 21.0])), ImageScore("other.png", "any", {"psnr": 99.0})]
    found = contrast(tuned, base, scenes={}).metrics["psnr"]
    assert (found.mean, found.scenes) == (0.5, 2)


def test_second_readings_of_the_same_sides_do_not_count():
    plain = {"psnr": 0.5, "niqe": -0.5}
    further = {"psnr_y": 9.0, "ssim_usm": 1.0, "lpips_like": 1.0, "color": 5.0, "edges": 30.0}
    assert composite_of({**plain, **further}, BETTER) == composite_of(plain, BETTER) == 1.0
