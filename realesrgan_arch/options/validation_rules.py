"""Rules between the keys of the `val` section."""

from collections.abc import Callable, Iterator

from realesrgan_arch.options.problems import Problem
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

MEASURED_UNASKED = ("psnr", "ssim", "niqe")
"""Without `val.metrics`."""
_METRICS: KeyPath = ("val", "metrics")


def early_stopping_has_its_metric(options: Options) -> Iterator[Problem]:
    """What early stopping looks at is measured."""
    val = options.val
    if val is None or val.early_stopping is None:
        return
    measured = sorted({metric.type.removeprefix("calculate_") for metric in val.metrics.values()}) or MEASURED_UNASKED
    if val.early_stopping.metric not in ("composite", *measured):
        text = f"expected composite or one that is measured ({', '.join(measured)}), got {val.early_stopping.metric}"
        yield Problem(("val", "early_stopping", "metric"), text, reads=(_METRICS,))


def better_is_said_once(options: Options) -> Iterator[Problem]:
    """Two entries of `val.metrics` that measure the same agree on what is better."""
    said: dict[str, str] = {}
    for name, metric in options.val.metrics.items() if options.val else ():
        if metric.better is not None and said.setdefault(metric.type, metric.better) != metric.better:
            text = f"expected {said[metric.type]}, as another {metric.type} says, got {metric.better}"
            yield Problem((*_METRICS, name, "better"), text, reads=(_METRICS,))


VALIDATION_RULES: tuple[Callable[[Options], Iterator[Problem]], ...] = (
    early_stopping_has_its_metric,
    better_is_said_once,
)
"""A part of `rules.RULES`."""
