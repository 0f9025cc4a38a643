"""The scores of the pictures that are done, line by line, so that an evaluation that was killed goes on."""

import errno
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.evaluation.evaluate import METRICS, EvaluationError, ImageScore, ScoreRules
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown

FORMAT = 1
_DIGITS = 12


def journal_name(key: str, *, stem: str = "scores") -> str:
    """Return the name of the journal of a key: each has a file of its own, so that none throws away another's scores.

    Args:
        key: a SHA-256 of all that decides a score.
        stem: what the name begins with.
    """
    return f"{stem}-{key[:_DIGITS]}.jsonl"


def hash_weights(folder: Path) -> str:
    """Return a SHA-256 of the weights files in a folder and below: of their names there and of what they hold.

    Raises:
        OSError: one cannot be read.
    """
    files = sorted(path for path in folder.rglob("*.pth") if path.is_file())
    return hash_json([[path.relative_to(folder).as_posix(), hash_file(path)] for path in files])


def rules_by_content(rules: ScoreRules) -> ScoreRules:
    """Return the rules with what the perceptual weights are in place of where they lie: a key that moves with them.

    Raises:
        EvaluationError: weights that cannot be read.
    """
    folder = rules.conditions.weights
    if folder is None or all(METRICS[name].side != "perceptual" for name in rules.metrics):
        return replace(rules, perceptual_weights="")
    try:
        digest = hash_weights(folder)
    except OSError as error:
        raise EvaluationError(
            f"expected perceptual weights that can be read in {shown(folder)}, got {error.strerror}; mend that"
        ) from error
    return replace(rules, perceptual_weights=digest)


class ScoreJournal:
    """Scores by picture. A file with another key is begun anew; torn and damaged lines do not count.

    Args:
        path: of the file, called by `journal_name`.
        key: of all that decides a score.

    Raises:
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        """Of the file."""
        self._done: dict[str, tuple[ImageScore, ...]] = {}
        header = json.dumps({"format": FORMAT, "key": key})
        lines = path.read_bytes().split(b"\n") if path.is_file() else []
        if not lines or lines[0] != header.encode():
            write_text(path, header + "\n")
            return
        for line in lines[1:]:
            self._take(line)
        if lines[-1]:  # a torn line
            _append(path, b"\n")

    def find(self, name: str) -> tuple[ImageScore, ...] | None:
        """Return the scores of a picture, None where it is not done."""
        return self._done.get(name)

    def add(self, name: str, scores: Iterable[ImageScore]) -> None:
        """Note the scores of a picture.

        Raises:
            OSError: the file cannot be written.
        """
        rows = [
            [score.method, {key: _as_json(value) for key, value in score.values.items()}, dict(score.left_out)]
            for score in scores
        ]
        _append(self.path, json.dumps({"picture": name, "scores": rows}).encode() + b"\n")

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            name = entry["picture"]
            scores = tuple(
                ImageScore(name, method, _as_floats(values), dict(left_out))
                for method, values, left_out in entry["scores"]
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        self._done[name] = scores


def _as_json(value: float) -> float | str:
    """JSON has no NaN and no infinity, and float() reads their names."""
    return value if math.isfinite(value) else str(value)


def _as_floats(values: Mapping[str, float | str]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items()}


def _append(path: Path, data: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        if file.write(data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
