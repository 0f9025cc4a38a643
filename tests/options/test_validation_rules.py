"""What the `val` section may ask for."""

from typing import get_args

import pytest

from realesrgan_arch.evaluation.evaluate import ScoreRules
from realesrgan_arch.options.load import OptionsError, parse_options
from realesrgan_arch.options.train import MetricOptions
from realesrgan_arch.options.validation_rules import MEASURED_UNASKED
from tests.options.files import TESTING

TYPES = get_args(MetricOptions.model_fields["type"].annotation)


def early_stopping(metric: str, *measured: str) -> dict:
    metrics = {kind: {"type": kind} for kind in measured}
    return {**TESTING, "val": {"metrics": metrics, "early_stopping": {"patience": 1, "metric": metric}}}


@pytest.mark.parametrize("kind", TYPES)
def test_early_stopping_may_look_at_every_metric_that_the_validation_measures(kind: str) -> None:
    options = parse_options(early_stopping(kind.removeprefix("calculate_"), "calculate_psnr", kind))
    assert options.val is not None and options.val.early_stopping is not None
    assert options.val.early_stopping.metric == kind.removeprefix("calculate_")


@pytest.mark.parametrize(
    ("metric", "measured", "text"),
    [
        ("lpips", ("calculate_psnr", "calculate_niqe"), "(niqe, psnr), got lpips"),
        ("psnt", ("calculate_psnr",), "(psnr), got psnt"),
        ("lpips", (), "(psnr, ssim, niqe), got lpips"),
    ],
)
def test_one_sentence_says_which_are_measured(metric: str, measured: tuple[str, ...], text: str) -> None:
    with pytest.raises(OptionsError) as caught:
        parse_options(early_stopping(metric, *measured))
    assert list(caught.value.problems) == [
        f"val.early_stopping.metric: expected composite or one that is measured {text}"
    ]


def test_a_validation_without_metrics_measures_what_the_rule_says() -> None:
    assert ScoreRules().metrics == MEASURED_UNASKED
