"""The lines of `metrics.jsonl` after a run went back to an older step: those of later steps go, none is there twice."""

import json
from collections.abc import Iterator
from pathlib import Path

from realesrgan_arch.atomic import write_text

Key = tuple[object, object, object]
"""Kind, step and validation set of a line."""
SCORES = "validation"
"""The kind of a line with the scores of a set."""


def key_of(record: dict[str, object]) -> Key:
    """Return what there is one line of."""
    return record.get("kind"), record.get("step"), record.get("set")


def is_of_scores(key: Key) -> bool:
    """Return whether that is a line with the scores of a set."""
    return key[0] == SCORES


def cut_after(path: Path, step: int) -> set[Key]:
    """Drop the lines of steps after `step`, and a line that a kill cut off, and return the keys of the others.

    The run makes those steps again, and writes them again. The file is replaced in one piece, or left alone where
    nothing goes.
    """
    if not path.exists():
        return set()
    text = path.read_text(encoding="utf-8", errors="replace")
    kept = [(line, record) for line, record in _records(text) if _step(record) <= step]
    whole = "".join(f"{line}\n" for line, _ in kept)
    if whole != text:
        write_text(path, whole)
    return {key_of(record) for _, record in kept}


def _records(text: str) -> Iterator[tuple[str, dict[str, object]]]:
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict):
            yield line, record


def _step(record: dict[str, object]) -> float:
    step = record.get("step")
    return step if isinstance(step, int | float) else 0
