"""One evaluation from a set and its contenders to a folder: scores, table, pictures and `proof.json`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from realesrgan_arch.atomic import try_writing, write_text
from realesrgan_arch.data.files import is_below_root
from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.contender import Contender
from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH, EvaluationError, ScoreRules
from realesrgan_arch.evaluation.group_choice import Groups
from realesrgan_arch.evaluation.judging import judge_all, judge_each_group, main_pair, means_of, notes_on
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
from realesrgan_arch.evaluation.score_file import write_scores
from realesrgan_arch.evaluation.score_journal import JOURNAL_FILE
from realesrgan_arch.evaluation.scoring_run import PictureKeeper, ScoredSet, disk_faults, rules_for, score_set
from realesrgan_arch.evaluation.selection import SHOWN_METHODS, choose_shown, picture_composites, write_shown
from realesrgan_arch.evaluation.table import format_table, with_hash
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown

TABLE_FILE = "table.txt"


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
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proved:
    """A proof, what it is made of, and where."""

    proof: Proof
    scored: ScoredSet
    table: str
    folder: Path

    @property
    def heading(self) -> str:
        """The title with the hash of a frozen set."""
        return with_hash(self.proof.title, self.proof.set_hash)

    @property
    def verdict(self) -> str:
        """The first judgement in plain words; empty where there is nothing to compare."""
        return self.proof.judgements[0].sentence if self.proof.judgements else ""


def prove(request: ProofRequest, *, keeper: PictureKeeper | None = None) -> Proved:
    """Score, judge, and write `scores.csv`, `table.txt`, `pictures/` and, last of all, `proof.json`.

    A run that was killed goes on where it was: what is scored stands in `scores.jsonl`. An earlier proof in the folder
    is taken away before anything is written, so that no file of one stands beside another's.

    Args:
        request: what is evaluated.
        keeper: takes every method's whole picture.

    Raises:
        UserError: data that cannot be used, no picture that can be scored, a folder that cannot be written to.
    """
    folder = request.folder
    check_writable(folder)
    try:
        with file_lock(folder.absolute().parent / f".{folder.absolute().name}.lock"):
            return _prove(request, keeper)
    except BlockingIOError as error:
        raise EvaluationError(
            f"another process is evaluating into {shown(folder)}; wait, or choose --output"
        ) from error


def check_writable(folder: Path) -> None:
    """Find out before hours of scoring.

    Raises:
        EvaluationError: `folder` cannot be written to.
    """
    try:
        try_writing(folder)
    except OSError as error:
        raise EvaluationError(
            f"expected a folder that can be written to, got {shown(folder)} ({error.strerror}); choose another with "
            "--output"
        ) from error


def _prove(request: ProofRequest, keeper: PictureKeeper | None) -> Proved:
    choice, folder = request.choice, request.folder
    earlier = _earlier_proof(folder)
    rules = rules_for(choice, request.rules)
    scored = score_set(
        choice, request.contenders, rules, journal=folder / JOURNAL_FILE, computed=request.computed, keeper=keeper
    )
    with disk_faults(folder):
        if earlier is not None:
            _take_away(earlier, folder)
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


def _earlier_proof(folder: Path) -> Proof | None:
    """The proof that will be replaced; found out before hours of scoring."""
    if not (folder / PROOF_FILE).exists():
        return None
    try:
        return read_proof(folder)
    except ProofError as error:
        raise EvaluationError(f"{error} It would be overwritten: move it away, or choose another --output") from error


def _take_away(earlier: Proof, folder: Path) -> None:
    (folder / PROOF_FILE).unlink()
    for name in (name for picture in earlier.shown for name in picture.files.values()):
        if is_below_root(name):
            (folder / name).unlink(missing_ok=True)


def _show(request: ProofRequest, scored: ScoredSet) -> tuple[ShownPicture, ...]:
    pair = main_pair(request.contenders)
    names = dict.fromkeys(score.name for score in scored.scores)
    composites = picture_composites(*map(scored.of, pair)) if pair else dict.fromkeys(names, math.nan)
    visible = [one for one in request.contenders if one.facts.name in SHOWN_METHODS] or request.contenders
    chosen = choose_shown(composites, seed=request.seed)
    return tuple(write_shown(chosen, request.choice, visible, request.folder))


def table_text(proved: Proved) -> str:
    """Return what `table.txt` holds: the verdict, the title, the means and the notes."""
    parts = (proved.verdict, proved.heading, proved.table, *(f"note: {note}" for note in proved.proof.notes))
    return "\n".join(part for part in parts if part) + "\n"


def _proof(
    request: ProofRequest, rules: ScoreRules, scored: ScoredSet, shown_pictures: tuple[ShownPicture, ...]
) -> Proof:
    choice, contenders, seed = request.choice, request.contenders, request.seed
    names = list(dict.fromkeys(score.name for score in scored.scores))
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
        means=means_of(scored),
        judgements=judge_all(contenders, scored, scenes=choice.scenes, seed=seed),
        groups=judge_each_group(contenders, scored, choice=choice, groups=request.groups, seed=seed),
        shown=shown_pictures,
        left_out=scored.left_out,
        notes=(*request.notes, *notes_on(scored, choice=choice, asked=request.rules)),
        facts={"pictures": choice.made, "identity": choice.identity, **request.facts},
    )
