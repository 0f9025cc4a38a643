"""One evaluation from a set and its contenders to a folder: scores, table, pictures and `proof.json`."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from realesrgan_arch.atomic import try_writing, write_text
from realesrgan_arch.errors import why_not
from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH, EvaluationError, ScoreRules
from realesrgan_arch.evaluation.group_choice import Groups
from realesrgan_arch.evaluation.judging import judge_all, judge_each_group, main_pair, means_of, notes_on
from realesrgan_arch.evaluation.metric_table import available_metrics
from realesrgan_arch.evaluation.proof import (
    PROOF_FILE,
    SCORES_FILE,
    MethodFacts,
    Proof,
    ProofError,
    ShownPicture,
    read_proof,
    write_proof,
)
from realesrgan_arch.evaluation.proof_text import proof_lines
from realesrgan_arch.evaluation.proved import Proved
from realesrgan_arch.evaluation.score_file import write_scores
from realesrgan_arch.evaluation.scoring_run import (
    NoRoomError,
    PictureKeeper,
    ScoredSet,
    disk_faults,
    open_journal,
    rules_for,
    saying_how_to_go_on,
    score_set,
)
from realesrgan_arch.evaluation.seen_pictures import Seen
from realesrgan_arch.evaluation.selection import (
    SHOWN_METHODS,
    choose_shown,
    picture_composites,
    remove_shown,
    write_shown,
)
from realesrgan_arch.evaluation.table import format_table
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.one_job import is_full

TABLE_FILE = "table.txt"
_JOURNAL = "journal"
"""The fact that says which journal holds the scores of a proof."""


@dataclass(frozen=True)
class ProofRequest:
    """What is evaluated, and how."""

    choice: DataChoice
    contenders: Sequence[Contender]
    """Of different names; `tuned` is judged against `base`, and a lone `model` against `bicubic`."""
    rules: ScoreRules
    folder: Path
    scale: int
    groups: Groups = field(default_factory=dict)
    seed: int = 0
    """Of the bootstrap and of the pictures at random."""
    with_pictures: bool = True
    computed: str = ""
    """What computes, as far as it changes scores."""
    notes: tuple[str, ...] = ()
    seen: Seen = field(default_factory=Seen)
    """What of the set is not new to the contenders."""
    facts: Mapping[str, str] = field(default_factory=dict)
    replaces_others: bool = False
    """A proof of other weights, or of another set, may go; one of the same with other rules always may."""


def prove(request: ProofRequest, *, keeper: PictureKeeper | None = None) -> Proved:
    """Score, judge, and write `scores.csv`, `table.txt`, `pictures/` and, last of all, `proof.json`.

    A run that was killed goes on where it was: what is scored stands in a journal, `scores-<key>.jsonl`. An earlier
    proof in the folder is taken away before anything is scored by another key, and before anything is written by its
    own, so that no file of one stands beside another's.

    Args:
        request: what is evaluated.
        keeper: takes every method's whole picture.

    Raises:
        UserError: data that cannot be used, no picture that can be scored, a folder that cannot be written to or that
            holds another proof.
        InterruptedScoring: Ctrl-C or SIGTERM; the same call goes on.
    """
    check_writable(request.folder)
    with sole_writer(request.folder), saying_how_to_go_on():
        return _prove(request, keeper)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of results; it lies beside the folder.

    Raises:
        EvaluationError: another process holds it, or it cannot be written.
    """
    place = folder.absolute()
    lock = place.parent / f".{place.name}.lock"
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(lock))
        except BlockingIOError as error:
            raise EvaluationError(
                f"another process is evaluating into {shown(folder)}; wait, or choose --output"
            ) from error
        except OSError as error:
            raise EvaluationError(
                f"{shown(lock)} cannot be locked ({error.strerror}); choose another folder with --output"
            ) from error
        yield


def check_beside(folder: Path, walked: Iterable[Path]) -> None:
    """Check that a folder of results lies in none of those whose pictures are taken, all that there are.

    Raises:
        EvaluationError: it does, and its pictures would be among those that are scored the next time.
    """
    for root in walked:
        if folder.resolve().is_relative_to(root.resolve()):
            raise EvaluationError(
                f"expected a folder of results that is not among the pictures, got {shown(folder)} in {shown(root)}, "
                "all of whose pictures are scored: those of the results would be, too, the next time; choose another "
                "with --output"
            )


def check_writable(folder: Path, *, flag: str = "--output") -> None:
    """Find out before hours of scoring; `flag` is the one that names another folder.

    Raises:
        NoRoomError: the disk is full.
        EvaluationError: `folder` cannot be written to.
    """
    try:
        try_writing(folder)
    except OSError as error:
        kind = NoRoomError if is_full(error) else EvaluationError
        raise kind(
            f"expected a folder that can be written to, got {shown(folder)} ({why_not(error)}); choose another with "
            f"{flag}"
        ) from error


def _prove(request: ProofRequest, keeper: PictureKeeper | None) -> Proved:
    choice, folder = request.choice, request.folder
    earlier = check_replaceable(request)
    rules = rules_for(choice, request.rules)
    journal = open_journal(folder, choice, request.contenders, rules, computed=request.computed)
    if earlier is not None and earlier.facts.get(_JOURNAL) != journal.path.name:
        with disk_faults(folder):
            _take_away(folder)
    scored = score_set(choice, request.contenders, rules, journal=journal, keeper=keeper)
    request = replace(request, facts={**request.facts, _JOURNAL: journal.path.name})
    with disk_faults(folder):
        _take_away(folder)
        shown_pictures = _show(request, scored) if request.with_pictures else ()
        proof = _proof(request, rules, scored, shown_pictures)
        table = format_table(scored.scores, border=rules.border, y_channel=rules.y_channel, with_notes=False)
        proved = Proved(proof, scored, "\n".join(part for part in (table, scored.note()) if part), folder)
        _write(proved, request)
    return proved


def _write(proved: Proved, request: ProofRequest) -> None:
    choice, folder = request.choice, proved.folder
    scores = proved.scored.scores
    write_scores(folder / SCORES_FILE, scores, scenes=choice.scenes, groups=request.groups, set_hash=choice.set_hash)
    write_text(folder / TABLE_FILE, table_text(proved))
    write_proof(proved.proof, folder)


def check_replaceable(request: ProofRequest) -> Proof | None:
    """Return the proof that will be replaced, None where there is none; found out before hours of scoring.

    Raises:
        EvaluationError: it cannot be read, or it is of other weights or of another set.
    """
    folder = request.folder
    if not (folder / PROOF_FILE).exists():
        return None
    try:
        earlier = read_proof(folder)
    except ProofError as error:
        raise EvaluationError(f"{error} It would be overwritten: move it away, or choose another --output") from error
    if not request.replaces_others and _subject_of(earlier) != _subject(request):
        raise EvaluationError(
            f"expected a folder without results of other weights or pictures, got {shown(folder)} with those of "
            f"{earlier.title}; choose another with -o or --name, or move it away"
        )
    return earlier


def _subject(request: ProofRequest) -> object:
    return request.choice.identity, _weights(one.facts for one in request.contenders)


def _subject_of(proof: Proof) -> object:
    return proof.facts.get("identity"), _weights(proof.methods)


def _weights(methods: Iterable[MethodFacts]) -> list[tuple[str, str]]:
    return [(one.name, one.sha256) for one in methods if one.kind in ("base", "tuned")]


def _take_away(folder: Path) -> None:
    """Remove an earlier proof, first of all the file that says it is whole, and pictures that a killed run left."""
    if (folder / PROOF_FILE).exists():
        (folder / PROOF_FILE).unlink()
        (folder / SCORES_FILE).unlink(missing_ok=True)
        (folder / TABLE_FILE).unlink(missing_ok=True)
    remove_shown(folder)


def usable_rules(asked: ScoreRules) -> tuple[ScoreRules, tuple[str, ...]]:
    """Return what can be measured on this machine, and a sentence for each metric that cannot.

    Raises:
        EvaluationError: nothing can.
    """
    usable, absent = available_metrics(asked.metrics, weights=asked.conditions.weights)
    if not usable:
        raise EvaluationError(f"expected a metric that can be measured on this machine, got none: {' '.join(absent)}")
    return replace(asked, metrics=usable), absent


def _show(request: ProofRequest, scored: ScoredSet) -> tuple[ShownPicture, ...]:
    pair = main_pair(request.contenders)
    names = dict.fromkeys(score.name for score in scored.scores)
    composites = picture_composites(*map(scored.of, pair)) if pair else dict.fromkeys(names, math.nan)
    visible = [one for one in request.contenders if one.facts.name in SHOWN_METHODS] or request.contenders
    chosen = choose_shown(composites, seed=request.seed)
    return tuple(write_shown(chosen, request.choice, visible, request.folder))


def table_text(proved: Proved) -> str:
    """Return what `table.txt` holds: all that a person is told of the proof."""
    return "\n".join(proof_lines(proved)) + "\n"


def _notes(request: ProofRequest, scored: ScoredSet) -> Iterator[str]:
    """Yield what a reader must know, what takes a verdict its worth first."""
    yield from (*request.seen.trained, *request.choice.notes, *request.seen.validated, *request.notes)
    yield from notes_on(scored, choice=request.choice, asked=request.rules)


def _proof(
    request: ProofRequest, rules: ScoreRules, scored: ScoredSet, shown_pictures: tuple[ShownPicture, ...]
) -> Proof:
    choice, contenders, seed = request.choice, request.contenders, request.seed
    names = list(dict.fromkeys(score.name for score in scored.scores))
    counted = scored.with_defined_metrics()
    truth = (MethodFacts(GROUND_TRUTH, "truth"),) if choice.has_truth else ()
    return Proof(
        title=choice.title,
        set_hash=choice.set_hash,
        scale=request.scale,
        border=rules.border,
        y_channel=rules.y_channel,
        pictures=len(names),
        scenes=len({choice.scenes.get(name, name) for name in names}),
        methods=(*truth, *(one.facts for one in contenders)),
        means=means_of(counted),
        judgements=judge_all(contenders, counted, scenes=choice.scenes, seed=seed),
        groups=judge_each_group(contenders, counted, choice=choice, groups=request.groups, seed=seed),
        shown=shown_pictures,
        left_out=scored.left_out,
        notes=tuple(_notes(request, scored)),
        warning="; ".join(request.seen.trained),
        facts={"pictures": choice.made, "identity": choice.identity, **request.facts},
    )
