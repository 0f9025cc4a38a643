"""Every share on every picture; each picture is read once."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.evaluation.chosen_set import DataChoice, UnreadablePairError
from realesrgan_arch.evaluation.evaluate import (
    GROUND_TRUTH,
    EvaluationError,
    ImageScore,
    Method,
    ScoreRules,
    score_outputs,
    score_truth,
)
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.sweep.choose import SweepError
from realesrgan_arch.sweep.kept_scores import KeptScores


@dataclass(frozen=True)
class Scored:
    """The scores of a sweep."""

    scores: tuple[ImageScore, ...]
    """Picture by picture: of the truth, then of each share."""
    left_out: tuple[str, ...]
    """Pictures that cannot be scored, with the reason."""


@dataclass(frozen=True)
class Scorer:
    """Scores methods on a set.

    `keys` say by method what decides its pictures; scores that are kept under the same key are not made again.
    """

    data: DataChoice
    rules: ScoreRules
    methods: Mapping[str, Method]
    keys: Mapping[str, str]

    def score(self, folder: Path) -> Scored:
        """Score what `folder` does not know yet, with a bar on standard error; memory is that of one picture.

        Raises:
            SweepError: no picture can be scored, or `folder` cannot be written to.
            UserError: a set that cannot be used; see `evaluation.data_choice`.
        """
        scores: list[ImageScore] = []
        left_out: list[str] = []
        names = self.data.pairs.names
        with closing(KeptScores(folder)) as kept:
            for index, name in enumerate(tqdm(names, desc=self.data.title, unit="picture", disable=None)):
                try:
                    scores += self._score_picture(index, name, kept)
                except (UnreadablePairError, EvaluationError) as error:
                    left_out.append(f"{name}: {error}")
        if not scores:
            raise SweepError(f"expected at least one picture to score in {self.data.title}, got none: {left_out[0]}")
        return Scored(tuple(scores), tuple(left_out))

    def _score_picture(self, index: int, name: str, kept: KeptScores) -> list[ImageScore]:
        pair: EvaluationPair | None = None
        rows: list[ImageScore] = []
        for method in (GROUND_TRUTH, *self.methods):
            key = self._key(method)
            values = kept.find(key, name)
            if values is None:
                pair = pair or self.data.pairs[index]
                values = self._values(method, pair)
                kept.keep(key, name, values)
            if values:
                rows.append(ImageScore(name, method, values))
        return rows

    def _values(self, method: str, pair: EvaluationPair) -> dict[str, float]:
        if method == GROUND_TRUTH:
            found = score_truth(pair, self.rules)
        else:
            with torch.inference_mode():
                outputs = {method: self.methods[method](pair.lq)}
            found = score_outputs(pair, outputs, self.rules)
        return dict(found[0].values) if found else {}

    def _key(self, method: str) -> str:
        return hash_json([self.data.identity, asdict(self.rules), self.keys.get(method, method)])
