"""Scores by picture and method, the CSV, and what is said of pictures that cannot be scored."""

import math
from functools import partial

import pytest
import torch

from realesrgan_arch.evaluation.evaluate import (
    GROUND_TRUTH,
    EvaluationError,
    ImageScore,
    ScoreRules,
    evaluate,
    left_out_notes,
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


def test_a_picture_smaller_than_the_window_is_named():
    with pytest.raises(EvaluationError, match="a has 14x14 pixels; inside the border of 2"):
        evaluate([_pair(size=(14, 14))], methods={"base": BICUBIC}, rules=RULES)


def test_no_picture_is_an_error():
    with pytest.raises(EvaluationError, match="at least one picture"):
        evaluate([], methods={"base": BICUBIC}, rules=RULES)


@pytest.mark.parametrize(("metrics", "got"), [(("psnr", "lpisp"), "got lpisp"), ((), "got none")])
def test_unknown_metrics_are_named(metrics, got):
    with pytest.raises(EvaluationError, match=f"psnr, ssim, .*niqe, lpips, .*edges, {got}"):
        ScoreRules(metrics)
