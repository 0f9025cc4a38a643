"""Score methods on a chosen set, picture by picture: only scores are kept, and a killed run goes on where it was."""

import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from torch import Tensor
from tqdm import tqdm

from realesrgan_arch import __version__
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.errors import EXIT_INTERRUPTED, EXIT_NO_ROOM
from realesrgan_arch.evaluation.chosen_set import DataChoice, UnreadablePairError
from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.evaluate import (
    METRICS,
    EvaluationError,
    ImageScore,
    ScoreRules,
    defined_metrics,
    measured_metrics,
    score_outputs,
    score_truth,
    score_without_truth,
)
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.score_journal import ScoreJournal, journal_name, rules_by_content
from realesrgan_arch.evaluation.table import reason_undefined
from realesrgan_arch.image_header import printable, shown
from realesrgan_arch.images import ImageError
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.one_job import is_full

_log = logging.getLogger(__name__)
_MOST_WARNINGS = 5
"""Of one metric."""


class NoRoomError(EvaluationError):
    """The disk is full."""

    exit_code = EXIT_NO_ROOM


class InterruptedScoring(KeyboardInterrupt):
    """Ctrl-C or SIGTERM while pictures were scored."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("interrupted; what is scored is kept: the same command goes on")


class PictureKeeper(Protocol):
    """Takes every method's picture."""

    def holds(self, name: str) -> bool:
        """Return whether the pictures of a pair are there already."""
        ...

    def keep(self, pair: EvaluationPair, outputs: Mapping[str, Tensor]) -> None:
        """Take the pictures by method, RGB float (3, H, W)."""
        ...


@dataclass(frozen=True)
class ScoredSet:
    """Scores of a set: picture by picture, the truth's first."""

    scores: tuple[ImageScore, ...]
    left_out: tuple[str, ...]
    """Pictures that could not be read or scored, with the reason."""

    def of(self, method: str) -> list[ImageScore]:
        """Return the scores of one method."""
        return [score for score in self.scores if score.method == method]

    def with_defined_metrics(self) -> "ScoredSet":
        """Return the set without the metrics that are defined for no picture."""
        names = defined_metrics(self.scores)
        kept = [
            replace(one, values={key: one.values[key] for key in names if key in one.values}) for one in self.scores
        ]
        return replace(self, scores=tuple(kept))

    def note(self) -> str:
        """Return a line for the end of a table; empty where every picture was scored."""
        if not self.left_out:
            return ""
        return f"{count_of(len(self.left_out), 'picture')} not scored: {' '.join(self.left_out)}"


def score_set(
    choice: DataChoice,
    contenders: Sequence[Contender],
    rules: ScoreRules,
    *,
    journal: ScoreJournal | None = None,
    keeper: PictureKeeper | None = None,
) -> ScoredSet:
    """Score the contenders on every picture of a set; a picture that cannot be scored is left out and named.

    Args:
        choice: the set; without a truth only metrics that need none are measured.
        contenders: of different names.
        rules: what is measured.
        journal: of what is done, see `open_journal`; its scores are taken over.
        keeper: takes the pictures; one that it does not hold is made again.

    Raises:
        EvaluationError: no picture could be scored, or a file cannot be written.
        DataError: a frozen picture that changed.
    """
    run = _Run(choice, contenders, rules_for(choice, rules), journal, keeper)
    scores: list[ImageScore] = []
    left_out: list[str] = []
    undefined = _UndefinedWarnings()
    for number, name in enumerate(tqdm(choice.pairs.names, desc=choice.title, unit="picture", disable=None)):
        try:
            found = run.scores_of(number, name)
            undefined.look_at(name, found)
            scores += found
        except _NotScoredError as error:
            left_out.append(str(error))
            _log.warning("%s It is not scored.", left_out[-1])
    if not scores:
        first = f": {left_out[0]}" if left_out else "; look at the folders"
        raise EvaluationError(f"expected at least one readable picture in {choice.title}, got none{first}")
    return ScoredSet(tuple(scores), tuple(left_out))


def rules_for(choice: DataChoice, rules: ScoreRules) -> ScoreRules:
    """Return the rules with those metrics that a set can have: without a truth, those that need none.

    Raises:
        EvaluationError: none is left.
    """
    if choice.has_truth:
        return rules
    alone = tuple(name for name in rules.metrics if METRICS[name].judge is not None)
    if not alone:
        able = [name for name, metric in METRICS.items() if metric.judge is not None]
        raise EvaluationError(
            f"expected a metric that needs no ground truth for {choice.title} ({', '.join(able)}), got "
            f"{', '.join(rules.metrics)}; add one to --metrics, or name the truths with --gt"
        )
    return replace(rules, metrics=alone)


def open_journal(
    folder: Path,
    choice: DataChoice,
    contenders: Sequence[Contender],
    rules: ScoreRules,
    *,
    computed: str = "",
    stem: str = "scores",
) -> ScoreJournal:
    """Return the journal in `folder` of this set, these weights and rules and `computed`, begun where there is none.

    Args:
        folder: of the results.
        choice: as for `score_set`, as are `contenders` and `rules`.
        contenders: of different names.
        rules: what is measured.
        computed: what computes, as far as it changes scores.
        stem: what the name of the file begins with.

    Raises:
        EvaluationError: perceptual weights that cannot be read, or the file cannot be read or written.
    """
    key = journal_key(choice, contenders, rules_for(choice, rules), computed=computed)
    path = folder / journal_name(key, stem=stem)
    with disk_faults(path):
        return ScoreJournal(path, key)


def journal_key(choice: DataChoice, contenders: Sequence[Contender], rules: ScoreRules, *, computed: str) -> str:
    """Return a SHA-256 of all that decides the scores; perceptual weights count by what they are, wherever they lie.

    Raises:
        EvaluationError: they cannot be read.
    """
    methods = [[one.facts.name, one.facts.sha256] for one in contenders]
    return hash_json([__version__, choice.identity, methods, asdict(rules_by_content(rules)), computed])


@contextmanager
def disk_faults(path: Path | None) -> Iterator[None]:
    """Make a sentence of what the system refuses while something is written to `path`.

    Raises:
        NoRoomError: the disk is full.
        EvaluationError: anything else.
    """
    try:
        yield
    except (OSError, ImageError) as error:
        place = shown(path) if path is not None else "a file"
        go_on = "what is scored is kept: run the same command again"
        if is_full(error):
            raise NoRoomError(f"{place} cannot be written: the disk is full; make room; {go_on}") from error
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise EvaluationError(f"{place} cannot be written ({why}); mend that; {go_on}") from error


@contextmanager
def saying_how_to_go_on() -> Iterator[None]:
    """Raise InterruptedScoring for a signal in the block, whose scores a journal keeps."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise InterruptedScoring(getattr(stop, "exit_code", EXIT_INTERRUPTED)) from stop


class _UndefinedWarnings:
    """A line for each picture that a metric is not defined for; a few, as of small pictures there may be thousands."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def look_at(self, name: str, scores: Sequence[ImageScore]) -> None:
        for metric in measured_metrics(scores):
            if not any(math.isnan(score.values.get(metric, 0.0)) for score in scores):
                continue
            self._counts[metric] += 1
            if self._counts[metric] <= _MOST_WARNINGS:
                told, more = METRICS[metric], self._counts[metric] == _MOST_WARNINGS
                counted = "; how many more there are is told at the end" if more else ""
                reason = reason_undefined(told)
                words = f"{told.label} is not defined for {name}{reason}, which counts in no mean of it{counted}."
                _log.warning("%s", printable(words))


class _NotScoredError(EvaluationError):
    """One picture that cannot be read or scored; the others can."""


@dataclass(frozen=True)
class _Run:
    """What all pictures of a set share; the fields are arguments of `score_set`."""

    choice: DataChoice
    contenders: Sequence[Contender]
    rules: ScoreRules
    journal: ScoreJournal | None
    keeper: PictureKeeper | None

    def scores_of(self, number: int, name: str) -> Sequence[ImageScore]:
        """Return the scores of one picture, from the journal or made.

        Raises:
            _NotScoredError: it cannot be read or scored.
            EvaluationError: a file cannot be written.
        """
        found = None
        if self.journal is not None and (self.keeper is None or self.keeper.holds(name)):
            found = self.journal.find(name)
        return self._made(number, name) if found is None else found

    def _made(self, number: int, name: str) -> Sequence[ImageScore]:
        try:
            pair = self.choice.pairs[number]
            outputs = {one.facts.name: one.upscale(pair.lq) for one in self.contenders}
            scores = self._scores(pair, outputs)
        except (UnreadablePairError, EvaluationError) as error:
            raise _NotScoredError(printable(str(error))) from error
        with disk_faults(self.journal and self.journal.path):
            if self.keeper is not None:
                self.keeper.keep(pair, outputs)
            if self.journal is not None:
                self.journal.add(name, scores)
        return scores

    def _scores(self, pair: EvaluationPair, outputs: Mapping[str, Tensor]) -> tuple[ImageScore, ...]:
        if self.choice.has_truth:
            return (*score_truth(pair, self.rules), *score_outputs(pair, outputs, self.rules))
        return tuple(score_without_truth(pair.name, outputs, self.rules))
