"""Matched ranges as YAML with the keys of an option file, each with what it was before."""

from collections.abc import Iterator, Mapping, Sequence

from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.options.degradation_keys import KeyValue, degradation_keys


def matched_yaml(before: DegradationSettings, after: DegradationSettings, *, heading: Sequence[str]) -> str:
    """Return all degradation keys of `after`, ready to paste; `heading` becomes comments at the top."""
    (top_before, train_before), (top, train) = (degradation_keys(settings) for settings in (before, after))
    lines = [*(f"# {line}" for line in heading), *_lines(top, top_before)]
    return "\n".join([*lines, "datasets:", "  train:", *(f"    {line}" for line in _lines(train, train_before)), ""])


def changed_keys(before: DegradationSettings, after: DegradationSettings) -> Iterator[str]:
    """Yield `key: before -> after` for every key that differs."""
    sections = zip(degradation_keys(before), degradation_keys(after), ("", "datasets.train."), strict=True)
    for old, new, prefix in sections:
        changed = (key for key in new if new[key] != old[key])
        yield from (f"{prefix}{key}: {_text(old[key])} -> {_text(new[key])}" for key in changed)


def _lines(values: Mapping[str, KeyValue], before: Mapping[str, KeyValue]) -> Iterator[str]:
    for key, value in values.items():
        change = "" if value == before[key] else f"  # {_text(before[key])} -> {_text(value)}"
        yield f"{key}: {_text(value)}{change}"


def _text(value: KeyValue | str) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"
    return value if isinstance(value, str) else f"{value:g}"
