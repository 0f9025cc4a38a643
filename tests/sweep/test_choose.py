"""Which share a rule chooses, and that it says what it did not see."""

import math

import pytest

from realesrgan_arch.sweep.choose import SweepError, check_rule, choose, parse_utility
from tests.sweep.curves import curve, point, tradeoff


def test_the_best_composite_without_a_loss_is_chosen_though_a_losing_share_has_a_better_one():
    found = choose(
        curve(
            point(0.3, 0.4, psnr=(0.5, 0.1), niqe=(-0.2, 0.1)),
            point(0.6, 0.7, psnr=(0.9, 0.1), niqe=(0.0, 0.1)),
            point(1.0, 0.9, psnr=(1.5, 0.1), niqe=(0.3, 0.1)),
        ),
        "not-worse",
    )
    assert (found.rule, found.alpha) == ("not-worse", 0.6)
    assert found.sentence == (
        "blend 0.6 has the best composite of 2 shares without a loss that was seen; 1 share loses in NIQE. "
        "It is +0.70 [+0.60, +0.80] points. blend 0.6: So it is."
    )


def test_the_base_stays_where_every_share_loses_and_the_sentence_says_in_what():
    found = choose(
        curve(point(0.5, 0.2, psnr=(0.5, 0.1), niqe=(0.2, 0.1)), point(1.0, 0.1, psnr=(-0.5, 0.1), niqe=(-0.2, 0.1))),
        "not-worse",
    )
    assert found.alpha == 0
    assert found.sentence.startswith(
        "the base stays: every share loses in PSNR or NIQE on 20 scenes (20 pictures). blend 0.5: So it is."
    )


def test_the_base_stays_where_no_composite_is_above_0_as_of_identical_models():
    found = choose(curve(point(0.5, 0.0, psnr=(0.0, 0.0)), point(1.0, 1e-12, psnr=(0.0, 0.0))), "not-worse")
    assert found.alpha == 0
    assert "of 2 shares without a loss that was seen, none has a composite above 0" in found.sentence


def test_one_scene_chooses_nothing():
    found = choose(curve(point(1.0, 0.5, psnr=(0.5, math.nan)), scenes=1), "not-worse")
    assert (found.alpha, found.sentence) == (
        0,
        "the base stays: one scene shows no loss and no gain. tuned: So it is.",
    )


def test_a_composite_that_cannot_be_told_and_losses_that_may_be_there_are_said():
    found = choose(curve(point(1.0, 0.05, psnr=(-0.1, 0.6), ssim=(0.0, 0.01), niqe=(-0.5, 1.1))), "not-worse")
    assert found.alpha == 1
    assert "+0.05 [-0.05, +0.15] points, but that it is above 0, which is the base's, cannot be told." in found.sentence
    assert found.sentence.endswith(
        "So it is. Its intervals leave room for losses of more than 0.5 dB of PSNR and 0.5 of NIQE."
    )


def test_of_equal_composites_the_share_nearest_to_the_base_is_chosen():
    equal = [point(alpha, 0.5, psnr=(0.5, 0.1)) for alpha in (0.2, 0.4, 1.0)]
    assert choose(curve(*equal), "not-worse").alpha == 0.2


def test_the_knee_is_farthest_above_the_line_between_the_ends():
    psnr = {0.25: 0.8, 0.5: 1.3, 0.75: 1.5, 1.0: 1.6}
    niqe = {0.25: 0.1, 0.5: 0.5, 0.75: 1.2, 1.0: 2.0}
    # In units of what is spanned: 0.5 + 0.95, 0.8125 + 0.75, 0.9375 + 0.4, and 1 at both ends.
    found = choose(tradeoff(psnr, niqe), "knee")
    assert (found.rule, found.alpha) == ("knee", 0.5)
    assert found.sentence.startswith("blend 0.5 is the knee of PSNR and NIQE, which weighs what the sweep spans")


def test_a_straight_curve_has_no_knee_and_the_base_stays():
    found = choose(tradeoff({0.5: 0.5, 1.0: 1.0}, {0.5: 0.5, 1.0: 1.0}), "knee")
    assert (found.alpha, found.sentence) == (
        0,
        "the curve of PSNR and NIQE has no knee: none lies above its end base. the base stays.",
    )


def test_tuned_weights_that_win_both_are_the_end_that_is_chosen():
    assert choose(tradeoff({0.5: 0.5, 1.0: 1.0}, {0.5: -0.5, 1.0: -1.0}), "knee").alpha == 1


def test_a_knee_of_chance_is_none():
    found = choose(tradeoff({0.5: 0.9, 1.0: 1.0}, {0.5: 0.1, 1.0: 1.0}, reach=2.0), "knee")
    assert found.alpha == 0
    assert "no share can be told from it in PSNR and in NIQE, so a knee would be one of chance" in found.sentence


def test_a_share_whose_niqe_is_not_defined_is_no_knee():
    found = choose(tradeoff({0.25: 0.5, 0.5: 1.0, 1.0: 1.2}, {0.25: 0.1, 0.5: math.nan, 1.0: 1.0}), "knee")
    assert found.alpha == 0.25


def test_the_largest_stated_utility_is_chosen_and_none_below_that_of_the_base():
    worths = [point(0.5, 0.0, worth=0.8, psnr=(0.5, 0.1)), point(1.0, 0.0, worth=0.3, psnr=(1.5, 0.1))]
    found = choose(curve(*worths), "utility", utility={"psnr": 1.0})
    assert found.alpha == 0.5
    assert found.sentence.startswith("blend 0.5 has the largest utility (psnr=1 a step): +0.80 [+0.70, +0.90]. ")
    loss = curve(point(1.0, 0.0, worth=-0.2, psnr=(-0.1, 0.1)))
    assert choose(loss, "utility", utility={"psnr": 1.0}).alpha == 0


def test_a_utility_is_read():
    assert parse_utility("psnr=1, niqe=-0.5") == {"psnr": 1.0, "niqe": -0.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("psnr", "expected metrics and what a step of each is worth, such as psnr=1,niqe=-1"),
        ("beauty=1", "got 'beauty=1'"),
        ("psnr=nan", "got 'psnr=nan'"),
        ("psnr=0", "got 'psnr=0'"),
        ("psnr=1,psnr=2", "got 'psnr=1,psnr=2'"),
        ("niqe=1", "NIQE is better where it is lower, so a weight of 1 would choose the worst; write niqe=-1"),
        ("psnr=-2", "write psnr=2"),
    ],
)
def test_a_utility_that_means_nothing_or_rewards_the_worse_is_one_sentence(text, words):
    with pytest.raises(SweepError) as fault:
        parse_utility(text)
    assert words in str(fault.value)


@pytest.mark.parametrize(
    ("rule", "utility", "metrics", "words"),
    [
        ("utility", {}, ("psnr",), "give both or neither"),
        ("knee", {"psnr": 1.0}, ("psnr", "niqe"), "give both or neither"),
        ("utility", {"niqe": -1.0}, ("psnr",), "expected metrics that are measured (psnr), got niqe"),
        ("knee", {}, ("psnr", "ssim"), "expected psnr and a metric such as niqe among --metrics, got psnr, ssim"),
        ("knee", {}, ("ssim", "niqe"), "expected psnr and a metric such as niqe"),
    ],
)
def test_a_rule_without_what_it_needs_is_refused_before_anything_is_scored(rule, utility, metrics, words):
    with pytest.raises(SweepError) as fault:
        check_rule(rule, utility=utility, metrics=metrics)
    assert words in str(fault.value)


@pytest.mark.parametrize(
    ("rule", "utility", "metrics"),
    [("utility", {"lpips": -1.0}, ["psnr"]), ("knee", {}, ["psnr"]), ("not-worse", {}, ["edges"])],
)
def test_a_metric_that_this_machine_lacks_is_told_with_its_own_remedy(rule, utility, metrics):
    with pytest.raises(SweepError, match=r"; lpips is left out: install it\.$") as caught:
        check_rule(rule, utility=utility, metrics=metrics, absent=["lpips is left out: install it."])
    assert "add them to --metrics" not in str(caught.value)
