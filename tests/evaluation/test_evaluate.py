"""Scores by picture and method, the CSV, and what is said of pictures that cannot be scored."""

import math
from functools import partial

import pytest
import torch

from realesrgan_arch.evaluation.evaluate import (
    GROUND_TRUTH,
    METRICS,
    EvaluationError,
    ImageScore,
    ScoreRules,
    evaluate,
    left_out_notes,
    score_outputs,
    score_truth,
    score_without_truth,
)
from realesrgan_arch.evaluation.metrics import niqe, psnr, ssim
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.resampling import magnify_bicubic

BICUBIC = partial(magnify_bicubic, scale=2)
RULES = ScoreRules(border=2)


def _pair(name="a", size=(96, 192), seed=0):
    gt = torch.rand(3, *size, generator=torch.Generator().manual_seed(seed))
    return EvaluationPair(name, gt[:, ::2, ::2], gt)


def test_every_method_is_scored_on_every_picture_and_the_truth_has_its_own_niqe():
    pairs = [_pair("a"), _pair("b", seed=1)]
    scores = evaluate(iter(pairs), methods={"bicubic": BICUBIC, "base": BICUBIC}, rules=RULES)
    assert [(score.name, score.method) for score in scores] == [
        (name, method) for name in "ab" for method in (GROUND_TRUTH, "bicubic", "base")
    ]
    assert scores[0].values == {"niqe": niqe(pairs[0].gt, border=2)}
    sr = BICUBIC(pairs[1].lq)
    assert scores[4].values["psnr"] == psnr(sr, pairs[1].gt, border=2)
    assert scores[4].values["ssim"] == ssim(sr, pairs[1].gt, border=2)


def test_luma_is_scored_on_request():
    pair = _pair()
    (score,) = evaluate([pair], methods={"m": BICUBIC}, rules=ScoreRules(("psnr",), border=2, y_channel=True))
    assert score.values == {"psnr": psnr(BICUBIC(pair.lq), pair.gt, border=2, y_channel=True)}


def test_a_small_picture_has_no_niqe_but_its_other_scores():
    scores = evaluate([_pair(size=(40, 40))], methods={"m": BICUBIC}, rules=RULES)
    assert math.isnan(scores[1].values["niqe"])
    assert math.isfinite(scores[1].values["psnr"])


def test_flat_blocks_are_counted_by_metric_and_noted():
    pair = _pair(size=(96, 384))
    pair.gt[:, :, :110] = 0.5
    scores = evaluate([pair], methods={"m": BICUBIC}, rules=ScoreRules(("psnr", "niqe"), border=0))
    assert scores[0].left_out == {"niqe": 1}
    assert math.isfinite(scores[0].values["niqe"])
    assert left_out_notes(scores[:1]) == ["NIQE leaves out 1 block without texture"]
    assert left_out_notes(evaluate([_pair()], methods={"m": BICUBIC}, rules=RULES)) == []


def test_pictures_without_truth_have_the_scores_that_need_none():
    gt = _pair().gt
    (score,) = score_without_truth("a", {"base": gt}, RULES)
    assert score == ImageScore("a", "base", {"niqe": niqe(gt, border=2)})
    assert score_without_truth("a", {"base": gt}, ScoreRules(("psnr", "color"))) == []


def test_a_method_of_another_scale_is_named():
    with pytest.raises(EvaluationError, match=r"a: base made a picture of 384x192 pixels, but the truth has 192x96"):
        evaluate([_pair()], methods={"base": partial(magnify_bicubic, scale=4)}, rules=RULES)


def test_a_picture_too_small_for_a_metric_has_its_other_scores():
    (truth, score) = evaluate([_pair(size=(14, 14))], methods={"base": BICUBIC}, rules=RULES)
    assert math.isfinite(score.values["psnr"])
    assert math.isnan(score.values["ssim"]) and math.isnan(score.values["niqe"]) and math.isnan(truth.values["niqe"])


@pytest.mark.parametrize("name", list(METRICS))
def test_below_its_smallest_side_no_metric_is_even_computed(name):
    side = METRICS[name].smallest - 1 + 2 * 10
    image = torch.rand(3, side + 40, side)
    if METRICS[name].smallest == 1:
        with pytest.raises(EvaluationError, match=r"a has 20x60 pixels, of which a border of 10 leaves nothing"):
            score_outputs(EvaluationPair("a", image, image), {"base": image}, ScoreRules((name,), border=10))
        return
    # No weights are here, so that a learned metric would raise.
    rules = ScoreRules((name,), border=10, perceptual_weights="nowhere")
    (score,) = score_outputs(EvaluationPair("a", image, image), {"base": image}, rules)
    assert math.isnan(score.values[name])


@pytest.mark.parametrize("name", ["psnr", "ssim", "psnr_usm", "ssim_usm", "niqe", "color", "edges"])
def test_of_its_smallest_side_every_metric_is_computed(name):
    image = torch.rand(3, METRICS[name].smallest, METRICS[name].smallest)
    score_outputs(EvaluationPair("a", image, image), {"base": image}, ScoreRules((name,), border=0))


def test_a_border_that_leaves_nothing_is_one_sentence_for_truths_and_for_pictures_without_one():
    pair = _pair("broken\udcff\n", size=(8, 8))
    said = r"broken\\udcff\\n has 8x8 pixels, of which a border of 4 leaves nothing"
    with pytest.raises(EvaluationError, match=said):
        score_truth(pair, ScoreRules(("niqe",)))
    with pytest.raises(EvaluationError, match=said):
        score_without_truth(pair.name, {"base": pair.gt}, ScoreRules(("niqe",)))


def test_a_name_that_is_no_text_can_be_printed_where_sizes_differ():
    with pytest.raises(EvaluationError) as caught:
        evaluate([_pair("a\udcff")], methods={"base": partial(magnify_bicubic, scale=4)}, rules=RULES)
    assert str(caught.value).encode("utf-8").startswith(rb"a\udcff: base made")


def test_no_picture_is_an_error():
    with pytest.raises(EvaluationError, match="at least one picture"):
        evaluate([], methods={"base": BICUBIC}, rules=RULES)


@pytest.mark.parametrize(("metrics", "got"), [(("psnr", "lpisp"), "got lpisp"), ((), "got none")])
def test_unknown_metrics_are_named(metrics, got):
    with pytest.raises(EvaluationError, match=f"psnr, ssim, .*niqe, lpips, .*edges, {got}"):
        ScoreRules(metrics)
