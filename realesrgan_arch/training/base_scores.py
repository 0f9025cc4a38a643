"""The base's scores of a run, kept in its folder, so that a resumed run does not score the base anew."""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.evaluation.evaluate import EvaluationError, ImageScore, ScoreRules
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.score_journal import rules_by_content

FORMAT = 1


class KeptBaseScores:
    """Scores of the truth, bicubic and the base by a key of all that decides them; a damaged file counts as none.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str) -> list[ImageScore] | None:
        """Return the scores that were kept under `key`, or None."""
        rows = self._read().get(key)
        if rows is None:
            return None
        return [
            ImageScore(row["name"], row["method"], {name: float(value) for name, value in row["values"].items()})
            for row in rows
        ]

    def keep(self, key: str, scores: Sequence[ImageScore]) -> None:
        """Keep `scores` under `key` beside those that are there.

        Raises:
            EvaluationError: the file cannot be written.
        """
        rows = [
            {
                "name": score.name,
                "method": score.method,
                # JSON has no NaN and no infinity, and float() reads their names.
                "values": {name: value if math.isfinite(value) else str(value) for name, value in score.values.items()},
            }
            for score in scores
        ]
        sets = {**self._read(), key: rows}
        content = {"format": FORMAT, "sha256": hash_json(sets), "sets": sets}
        try:
            write_text(self._path, json.dumps(content, indent=1) + "\n")
        except OSError as error:
            raise EvaluationError(f"{self._path} cannot be written: {error.strerror}") from error

    def _read(self) -> dict:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            whole = content["format"] == FORMAT and content["sha256"] == hash_json(content["sets"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return content["sets"] if whole else {}


def content_digest(pairs: Iterable[EvaluationPair], rules: ScoreRules) -> str:
    """Return a SHA-256 of all pixels and of what is measured on them: scores of two digests cannot be compared."""
    digest = hashlib.sha256(hash_json(asdict(rules_by_content(rules))).encode())
    for pair in pairs:
        for image in (pair.lq, pair.gt):
            digest.update(f"{tuple(image.shape)}".encode())
            digest.update(image.mul(255).round().to(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def network_digest(network: nn.Module) -> str:
    """Return a SHA-256 of the class of `network` and of all its tensors."""
    digest = hashlib.sha256(type(network).__name__.encode())
    for name, value in network.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
