"""Verdicts on made-up scores whose truth is known."""

import math

import numpy as np
import pytest

from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.statistics import Judgement, judge, judge_groups, no_finding

LEVELS = {"psnr": 25.0, "ssim": 0.75, "niqe": 5.5}
SPREADS = {"psnr": 0.5, "ssim": 0.02, "niqe": 0.5}


def _base(count: int) -> list[ImageScore]:
    levels = np.random.default_rng(99).normal(0, 1, count)
    return [
        ImageScore(f"{index}.png", "base", {name: LEVELS[name] * (1 + 0.1 * level) for name in LEVELS})
        for index, level in enumerate(levels)
    ]


def _tuned(base: list[ImageScore], seed: int = 0, **gains: float) -> list[ImageScore]:
    """Scores that are better than the base's by so much on average, with the spread over pictures of our pilots."""
    generator = np.random.default_rng(seed)
    return [
        ImageScore(
            row.name,
            "tuned",
            {name: row.values[name] + gain + generator.normal(0, SPREADS[name]) for name, gain in gains.items()},
        )
        for row in base
    ]


def _plain(**values: list[float]) -> list[ImageScore]:
    rows = zip(*values.values(), strict=True)
    return [ImageScore(f"{index}.png", "any", dict(zip(values, row, strict=True))) for index, row in enumerate(rows)]


def _changed(scores: list[ImageScore], metric: str, value: float, count: int | None = None) -> list[ImageScore]:
    return [
        ImageScore(row.name, row.method, {**row.values, metric: value}) if index < (count or len(scores)) else row
        for index, row in enumerate(scores)
    ]


def _verdicts(judgement: Judgement) -> dict[str, str]:
    return {name: finding.verdict for name, finding in judgement.findings.items()}


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_identical_models_cannot_be_told_apart(count) -> None:
    found = judge(_base(count), _base(count), scenes={})
    assert set(_verdicts(found).values()) == {"cannot be told"} == {found.composite.verdict}
    assert (found.better, found.worse, found.both_improve) == ((), (), False)
    assert all(finding.win_rate == 0.5 and finding.p_adjusted == 1 for finding in found.findings.values())
    said = "no score differs" if count > 1 else "the pictures show only 1 scene"
    assert "cannot be told" in found.sentence and said in found.sentence


def test_a_planted_0_3_db_is_found_with_a_hundred_scenes_and_not_claimed_with_five() -> None:
    for seed in range(10):
        many, few = _base(100), _base(5)
        found = judge(_tuned(many, seed, psnr=0.3), many, scenes={}).findings["psnr"]
        assert found.verdict == "better"
        assert found.low <= found.mean <= found.high
        assert found.detectable == pytest.approx(0.14, abs=0.03)
        assert judge(_tuned(few, seed, psnr=0.3), few, scenes={}).better == ()


def test_models_that_only_differ_by_chance_are_rarely_called_better_or_worse() -> None:
    base = _base(20)
    claims = [judge(_tuned(base, seed, psnr=0, ssim=0, niqe=0), base, scenes={}, seed=seed) for seed in range(60)]
    # Holm: in one study of twenty at most is there any claim at all.
    assert sum(bool(found.better or found.worse) for found in claims) <= 6


def test_lower_is_better_for_niqe_and_the_difference_stays_plain() -> None:
    base = _base(40)
    found = judge(_tuned(base, niqe=-0.6), base, scenes={}).findings["niqe"]
    assert found.mean < found.high < 0
    assert (found.verdict, found.pictures, found.scenes) == ("better", 40, 40)
    assert found.win_rate > 0.7
    turned = judge(_tuned(base, niqe=-0.6), base, scenes={}, better={"niqe": "higher"})
    assert turned.worse == ("niqe",)
    assert turned.findings["niqe"].win_rate == pytest.approx(1 - found.win_rate)


def test_a_gain_in_fidelity_does_not_hide_a_loss_of_naturalness() -> None:
    base = _base(40)
    found = judge(_tuned(base, psnr=2.0, ssim=0.05, niqe=0.9), base, scenes={})
    assert found.composite.verdict == "better"
    assert found.better == ("psnr", "ssim")
    assert found.worse == ("niqe",)
    assert not found.both_improve
    assert "worse than base in naturalness (NIQE +" in found.sentence


def test_both_improve_needs_each_of_the_pair() -> None:
    base = _base(60)
    assert judge(_tuned(base, psnr=0.5, niqe=-0.5), base, scenes={}).both_improve
    assert not judge(_tuned(base, psnr=0.5, niqe=0.0), base, scenes={}).both_improve
    assert not judge(_tuned(base, psnr=0.5), base, scenes={}).both_improve
    assert not judge(_tuned(base, psnr=-0.5, niqe=-0.5), base, scenes={}).both_improve


def test_holm_goes_over_the_metrics_and_not_over_the_composite() -> None:
    # Seven scenes, all but the smallest agree: p = 4 / 128 each, so 0.031 alone and 0.0625 of two.
    base = _plain(psnr=[24.0] * 7, ssim=[0.7] * 7)
    gains = [-0.01, 0.5, 0.6, 0.7, 0.7, 0.6, 0.5]
    tuned = _plain(psnr=[24 + gain for gain in gains], ssim=[0.7 + gain / 25 for gain in gains])
    found = judge(tuned, base, scenes={})
    assert [finding.p_adjusted for finding in found.findings.values()] == pytest.approx([0.0625, 0.0625])
    assert found.better == ()
    assert found.composite.p_adjusted == pytest.approx(4 / 128)
    assert found.composite.verdict == "better"
    alone = judge([ImageScore(row.name, "", {"psnr": row.values["psnr"]}) for row in tuned], base, scenes={})
    assert alone.better == ("psnr",)


def test_six_scenes_and_three_metrics_claim_nothing_and_say_why() -> None:
    base = _plain(psnr=[24.0] * 7, ssim=[0.7] * 7, niqe=[5.0] * 7)
    gains = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]
    tuned = _plain(
        psnr=[24 + gain for gain in gains],
        ssim=[0.7 + gain / 10 for gain in gains],
        niqe=[5 - gain for gain in gains],
    )
    found = judge(tuned[:6], base[:6], scenes={})
    assert (found.better, found.composite.verdict, found.both_improve) == ((), "cannot be told", False)
    assert all(math.isnan(finding.detectable) for finding in (*found.findings.values(), found.composite))
    assert (
        "the pictures show only 6 scenes, and with 3 metrics it takes at least 7 to rule out chance (" in found.sentence
    )
    one_more = judge(tuned, base, scenes={})
    assert (one_more.better, one_more.composite.verdict) == (("psnr", "ssim", "niqe"), "better")
    assert "in both at once" in one_more.sentence


def test_what_could_have_been_seen_is_no_less_than_what_may_be_claimed() -> None:
    found = judge(_plain(psnr=[24.001] * 50), _plain(psnr=[24.0] * 50), scenes={}).findings["psnr"]
    assert (found.detectable, found.verdict) == (0.005, "cannot be told")


def test_both_improve_follows_the_direction_that_was_asked_for() -> None:
    base = _base(60)
    tuned = _tuned(base, psnr=0.5, niqe=0.5)
    assert judge(tuned, base, scenes={}, better={"niqe": "higher"}).both_improve
    assert not judge(tuned, base, scenes={}).both_improve


def test_the_composite_is_in_steps() -> None:
    base, tuned = _plain(psnr=[24.0] * 8, niqe=[5.0] * 8), _plain(psnr=[25.0] * 8, niqe=[5.5] * 8)
    # fidelity 2 steps, naturalness -1 step
    assert judge(tuned, base, scenes={}).composite.mean == pytest.approx(0.5)


def test_many_pictures_of_few_scenes_prove_no_more_than_the_scenes() -> None:
    base = _base(100)
    scenes = {f"{index}.png": f"house {index % 5}" for index in range(100)}
    found = judge(_tuned(base, psnr=1.0), base, scenes=scenes)
    assert (found.findings["psnr"].scenes, found.findings["psnr"].pictures) == (5, 100)
    assert found.better == ()
    assert "the pictures show only 5 scenes" in found.sentence


@pytest.mark.parametrize("scenes", [{}, {"0.png": "villa", "1.png": "villa"}])
def test_one_picture_or_one_scene_cannot_tell_and_says_why(scenes) -> None:
    count = 2 if scenes else 1
    found = judge(_plain(psnr=[30.0] * count), _plain(psnr=[24.0] * count), scenes=scenes)
    finding = found.findings["psnr"]
    assert (finding.mean, finding.scenes, finding.verdict) == (6.0, 1, "cannot be told")
    assert math.isnan(finding.low) and math.isnan(finding.detectable)
    assert found.sentence == (
        "Whether tuned is better than base cannot be told: the pictures show only 1 scene, and it takes at "
        "least 6 to rule out chance (PSNR +6.00 dB)."
    )


def test_a_metric_that_is_nan_everywhere_neither_counts_nor_disturbs() -> None:
    base = _base(40)
    tuned = _tuned(base, psnr=0.5)
    found = judge(_changed(tuned, "niqe", math.nan), base, scenes={})
    alone = judge(tuned, base, scenes={})
    nothing = found.findings["niqe"]
    assert (nothing.pictures, nothing.scenes, nothing.verdict) == (0, 0, "cannot be told")
    assert math.isnan(nothing.mean) and math.isnan(nothing.p_adjusted) and math.isnan(nothing.win_rate)
    assert found.findings["psnr"] == alone.findings["psnr"]
    assert found.sentence.endswith("NIQE counts 0 of 40 pictures; the others have no finite difference.")


def test_only_nan_cannot_be_told() -> None:
    found = judge(_plain(niqe=[math.nan] * 8), _plain(niqe=[5.0] * 8), scenes={})
    assert found.sentence == "Whether tuned is better than base cannot be told: no score is defined for both."
    assert found.composite.verdict == "cannot be told"


def test_an_output_that_equals_the_truth_does_not_make_the_mean_infinite() -> None:
    base = _base(40)
    found = judge(_changed(_tuned(base, psnr=0.5), "psnr", math.inf, 3), base, scenes={}).findings["psnr"]
    assert (found.pictures, found.verdict) == (37, "better")
    assert math.isfinite(found.mean) and math.isfinite(found.high)


def test_outputs_that_equal_the_truth_in_both_are_no_difference() -> None:
    found = judge(_plain(psnr=[math.inf, 21.0]), _plain(psnr=[math.inf, 20.0]), scenes={}).findings["psnr"]
    assert (found.mean, found.pictures) == (0.5, 2)


def test_a_difference_of_another_precision_is_no_claim() -> None:
    base = _base(50)
    tuned = [ImageScore(row.name, "tuned", {"psnr": row.values["psnr"] + 0.001}) for row in base]
    found = judge(tuned, base, scenes={}).findings["psnr"]
    assert found.p_value < 0.001 and found.low > 0
    assert found.verdict == "cannot be told"


def test_pictures_that_one_method_has_only_do_not_count() -> None:
    assert judge(_base(30), _base(20), scenes={}).findings["psnr"].pictures == 20
    nothing = judge(_base(3), [], scenes={})
    assert nothing.findings == {}
    assert nothing.sentence == "Whether tuned is better than base cannot be told: they have no picture in common."


def test_the_same_seed_gives_the_same_judgement() -> None:
    base = _base(30)
    first, again, other = (judge(_tuned(base, psnr=0.2), base, scenes={}, seed=seed) for seed in (4, 4, 5))
    assert first == again
    assert first.findings["psnr"].high != other.findings["psnr"].high


def test_each_group_is_judged_in_its_own_pictures() -> None:
    base = _base(60)
    inside = {f"{index}.png": "interior" for index in range(20)}
    outside = {f"{index}.png": "exterior" for index in range(20, 50)}
    better, worse = _tuned(base[:20], psnr=1.0), _tuned(base[20:], psnr=-1.0)
    found = judge_groups([*better, *worse], base, scenes={}, groups=inside | outside, other="bicubic")
    assert list(found) == ["exterior", "interior"]
    assert (found["interior"].better, found["exterior"].worse) == (("psnr",), ("psnr",))
    assert [one.findings["psnr"].pictures for one in found.values()] == [30, 20]
    assert "bicubic" in found["interior"].sentence
    assert found["interior"] == judge(better, base, scenes={}, other="bicubic")


def test_no_finding_knows_nothing() -> None:
    assert no_finding("psnr").verdict == "cannot be told"
    assert not no_finding("psnr").interval.is_defined
