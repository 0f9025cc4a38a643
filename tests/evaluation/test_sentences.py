"""Judgements in words."""

import math
from dataclasses import replace

from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.evaluation.evaluate import METRICS, Better
from realesrgan_arch.evaluation.finding import Finding, Judgement, no_finding
from realesrgan_arch.evaluation.sentences import sentence_of
from realesrgan_arch.evaluation.statistics import Verdict

BETTER: dict[str, Better] = {name: metric.better for name, metric in METRICS.items()}


def _finding(metric: str, mean: float, reach: float, *, detectable: float, verdict: Verdict) -> Finding:
    clear = 0.001 if verdict != "cannot be told" else 0.5
    return Finding(metric, mean, mean - reach, mean + reach, 63, 70, 0.5, detectable, clear, clear, verdict)


PSNR = _finding("psnr", 0.62, 0.21, detectable=0.2, verdict="better")
SSIM = _finding("ssim", 0.012, 0.004, detectable=0.006, verdict="better")
NIQE = _finding("niqe", -0.4, 0.1, detectable=0.18, verdict="better")


def _said(*findings: Finding, pictures: int = 70) -> str:
    by_metric = {finding.metric: finding for finding in findings}
    judgement = Judgement("tuned", "base", by_metric, no_finding(COMPOSITE), "")
    return sentence_of(judgement, BETTER, pictures=pictures)


def test_both_better() -> None:
    assert _said(PSNR, SSIM, NIQE) == (
        "Better than base in fidelity (PSNR +0.62 dB [+0.41, +0.83]; also SSIM) and naturalness (NIQE -0.400 "
        "[-0.500, -0.300], lower is better), in both at once. "
        "On 63 scenes a difference of 0.20 dB and 0.180 NIQE could have been seen."
    )


def test_better_in_one_and_worse_in_the_other() -> None:
    assert _said(PSNR, replace(NIQE, mean=0.4, low=0.3, high=0.5, verdict="worse")).startswith(
        "Better than base in fidelity (PSNR +0.62 dB [+0.41, +0.83]); worse than base in naturalness (NIQE +0.400 "
        "[+0.300, +0.500], lower is better). On 63 scenes"
    )


def test_what_cannot_be_told_is_said_beside_what_can() -> None:
    unclear = _finding("niqe", -0.05, 0.1, detectable=0.18, verdict="cannot be told")
    assert _said(PSNR, unclear).startswith(
        "Better than base in fidelity (PSNR +0.62 dB [+0.41, +0.83]); whether it differs in naturalness (NIQE -0.050 "
        "[-0.150, +0.050], lower is better) cannot be told."
    )
    assert _said(unclear).startswith("Whether tuned is better or worse than base in naturalness (NIQE -0.050")


def test_both_at_once_is_said_by_the_verdicts_and_not_by_uncorrected_p_values() -> None:
    # Clear alone, though not after the correction.
    unclear = replace(NIQE, p_value=0.03, p_adjusted=0.09, verdict="cannot be told")
    said = _said(PSNR, SSIM, unclear)
    assert "in both at once" not in said
    assert "whether it differs in naturalness (NIQE -0.400" in said


def test_a_metric_of_too_few_scenes_is_named_beside_what_the_others_could_show() -> None:
    few = replace(NIQE, scenes=6, detectable=math.nan, verdict="cannot be told")
    assert _said(PSNR, SSIM, few).endswith(
        "On 63 scenes a difference of 0.20 dB could have been seen. NIQE has 6 scenes, and fewer than 7 show nothing."
    )


def test_pictures_without_a_score_are_counted() -> None:
    assert _said(PSNR, replace(NIQE, pictures=67), pictures=70).endswith(
        "NIQE counts 67 of 70 pictures; the others have no finite difference."
    )


def test_what_could_have_been_seen_is_never_said_to_be_nothing() -> None:
    assert _said(replace(PSNR, detectable=0.002)).endswith("On 63 scenes a difference of 0.01 dB could have been seen.")
