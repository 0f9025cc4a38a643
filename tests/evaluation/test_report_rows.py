"""Findings in words, and as places on an axis on which right is always better."""

import math

import pytest

from realesrgan_arch.evaluation.report_rows import (
    cells_of,
    explanations,
    headline,
    label_of,
    means_table,
    rows_of,
    signed,
)
from realesrgan_arch.evaluation.statistics import Judgement
from tests.evaluation.proof_builders import finding, judgement, proof, undefined_judgement


@pytest.mark.parametrize(
    ("psnr", "niqe", "text", "tone"),
    [
        ("better", "better", "Better in PSNR and NIQE", "good"),
        ("better", "worse", "A trade: better in PSNR, worse in NIQE", "none"),
        ("worse", "cannot be told", "Worse in PSNR", "bad"),
        ("cannot be told", "cannot be told", "It cannot be told whether tuned is better or worse than base", "none"),
    ],
)
def test_the_headline_names_every_metric_that_has_a_verdict_and_no_other(psnr, niqe, text, tone):
    found = headline(judgement(psnr=psnr, niqe=niqe))
    assert (found.text, found.tone) == (text, tone)


def test_a_row_tells_means_difference_interval_and_how_sure_it_is():
    row = rows_of(judgement(), proof().means)[0]
    assert (row.label, row.before, row.after) == ("PSNR (dB)", "24.50", "25.12")
    assert (row.mean, row.interval) == ("+0.62", "+0.41 to +0.83")
    assert (row.wins, row.detectable, row.p_value, row.counts) == ("75 %", "0.31", "0.001", "20 / 24")


def test_on_the_axis_right_is_better_even_where_lower_is_better():
    psnr, _, niqe, _ = rows_of(judgement(psnr="better", niqe="worse"), {})
    assert niqe.mean == "+0.300"
    assert psnr.bar and niqe.bar
    assert psnr.bar.low > 50
    assert niqe.bar.high < 50


def test_all_intervals_share_one_axis_in_steps():
    # 0.62 dB is 1.24 steps of 0.5 dB, 0.30 of NIQE 0.60 steps of 0.5; the farthest end, 1.66 steps, is at 98 of 100.
    psnr, _, niqe, _ = rows_of(judgement(psnr="better", niqe="better"), {})
    assert psnr.bar and niqe.bar
    assert psnr.bar.high == pytest.approx(98)
    assert psnr.bar.middle == pytest.approx(50 + 48 * 1.24 / 1.66)
    assert niqe.bar.middle == pytest.approx(50 + 48 * 0.60 / 1.66)


def test_a_tiny_difference_does_not_fill_the_axis():
    tiny = finding("psnr", 0.001, 0.0005, "better")
    row, _ = rows_of(
        Judgement("tuned", "base", {"psnr": tiny}, finding("composite", 0, 0.001, "cannot be told"), ""), {}
    )
    assert row.bar
    assert 50 < row.bar.high < 51


def test_what_is_not_defined_is_a_dash_without_an_interval():
    for row in rows_of(undefined_judgement(), {}):
        assert (row.mean, row.interval, row.bar, row.wins, row.p_value) == ("–", "", None, "–", "–")
        assert row.verdict == "cannot be told"


def test_numbers_are_signed_with_a_true_minus():
    assert [signed(value, 2) for value in (0.5, -0.5, math.nan, math.inf)] == ["+0.50", "−0.50", "–", "+∞"]


def test_a_table_of_many_has_a_cell_for_each_metric_and_the_composite():
    assert [cell.label for cell in cells_of(judgement())] == ["PSNR (dB)", "SSIM", "NIQE", "Overall (points)"]
    assert [cell.tone for cell in cells_of(judgement())] == ["good", "none", "bad", "none"]


def test_mean_scores_say_which_way_is_better_and_leave_out_what_is_not_there():
    labels, rows = means_table(proof())
    assert labels == ["PSNR (dB) ↑", "SSIM ↑", "NIQE ↓"]
    assert dict(rows)["Ground truth"] == ["–", "–", "4.000"]
    assert dict(rows)["Tuned"][2] == "–"


def test_a_metric_of_a_later_version_is_shown_plainly():
    found = Judgement("tuned", "base", {"sharpness": finding("sharpness", 1, 0.5, "better")}, judgement().composite, "")
    assert rows_of(found, {})[0].label == "sharpness"
    assert headline(found).text == "Better in sharpness"


def test_methods_have_captions():
    assert [label_of(name) for name in ("lq", "tuned", "base + USM")] == ["Input", "Tuned", "Base + USM"]


def test_the_composite_and_niqe_are_explained_where_a_proof_has_them():
    overall, niqe = explanations(proof())
    assert overall.startswith("Overall: fidelity and naturalness alike, in points of 0.5 dB of PSNR")
    assert niqe.startswith("NIQE: how natural a picture looks, judged without the truth; lower is more natural")
    assert explanations(proof(judgements=(), means={"model": {"psnr": 30.0}})) == []
