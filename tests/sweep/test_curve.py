"""Every share against the base, from scores of pictures."""

import math

import pytest

from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.sweep.curve import build_curve, method_name, natural_metrics, tell_alike
from tests.sweep.curves import point

SCENES = {f"{index}.png": f"scene {index // 2}" for index in range(24)}


def scores(*, gains: dict[float, float], niqe: float = 5.0) -> list[ImageScore]:
    """PSNR of every share: that of the base, which differs from picture to picture, and a gain that varies a little."""
    return [
        ImageScore(name, method_name(alpha), {"psnr": 20 + index % 5 + gain * (1 + 0.1 * (index % 3)), "niqe": niqe})
        for alpha, gain in gains.items()
        for index, name in enumerate(SCENES)
    ]


def test_names_of_the_ends_are_those_of_every_table():
    assert [method_name(alpha) for alpha in (0.0, 0.3, 0.25, 1.0)] == ["base", "blend 0.3", "blend 0.25", "tuned"]


def test_each_share_is_compared_with_the_base_over_scenes():
    found = build_curve(scores(gains={0.0: 0, 0.5: 0.4, 1.0: -0.3}), alphas=(0.0, 0.5, 1.0), scenes=SCENES)
    assert (found.pictures, found.scenes, found.metrics) == (24, 12, ("psnr", "niqe"))
    base, half, tuned = found.points
    assert (base.judgement, base.difference("psnr"), base.losses) == (None, 0.0, ())
    assert base.means == pytest.approx({"psnr": 20 + 46 / 24, "niqe": 5.0})
    assert half.difference("psnr") == pytest.approx(0.44)
    assert half.judgement is not None and half.judgement.better == ("psnr",)
    assert (half.losses, tuned.losses) == ((), ("psnr",))
    assert found.at(0.5) is half and found.tried == (half, tuned)


def test_the_truth_and_other_methods_do_not_count():
    rows = [*scores(gains={0.0: 0, 1.0: 0.4}), ImageScore("0.png", "ground truth", {"niqe": 3.0})]
    found = build_curve(rows, alphas=(0.0, 1.0), scenes=SCENES)
    assert len(found.points) == 2 and found.points[0].means["niqe"] == 5.0


def test_a_loss_needs_no_correction_for_many_metrics():
    lost = point(1.0, 0.0, psnr=(0.5, 0.1), niqe=(0.2, 0.1), ssim=(-0.01, 0.02))
    assert lost.losses == ("niqe",)
    assert point(1.0, 0.0, psnr=(0.5, math.nan)).losses == ()


def test_utility_is_that_of_pictures_and_has_an_interval():
    rows = [
        *scores(gains={0.0: 0}, niqe=5.0),
        *scores(gains={1.0: 0.5}, niqe=5.25),
    ]
    found = build_curve(rows, alphas=(0.0, 1.0), scenes=SCENES, utility={"psnr": 1.0, "niqe": -2.0})
    # A step is 0.5 dB, and 0.5 of NIQE: 0.55 / 0.5 - 2 * 0.25 / 0.5.
    assert found.points[1].utility.mean == pytest.approx(0.1)
    assert found.points[1].utility.low < 0.1 < found.points[1].utility.high
    assert found.points[0].utility.mean == 0


def test_shares_that_cannot_be_told_from_the_chosen_one_are_named():
    rows = scores(gains={0.0: 0, 0.4: 0.5, 0.5: 0.5, 1.0: -0.5})
    found = build_curve(rows, alphas=(0.0, 0.4, 0.5, 1.0), scenes=SCENES)
    assert tell_alike(rows, found, chosen=0.5, scenes=SCENES) == (0.4,)


def test_fidelity_stands_against_naturalness_and_perception():
    assert natural_metrics(("psnr", "ssim", "niqe")) == ["niqe"]
    assert natural_metrics(("psnr", "lpips", "niqe", "color")) == ["niqe", "lpips"]
    assert natural_metrics(("psnr", "ssim", "edges")) == []
