"""What a tuned model is worth against rows that cost no training: the control rows of an evaluation, in words."""

from collections.abc import Sequence

from realesrgan_arch.evaluation.contender import BICUBIC
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.finding import Finding, Judgement
from realesrgan_arch.evaluation.proof import Proof
from realesrgan_arch.evaluation.sentences import in_words
from realesrgan_arch.evaluation.table import listed
from realesrgan_arch.plural import count_of

_MOST_WITH_NUMBERS = 2
"""Of the rows of a metric; the table of differences has the numbers of more, and the names of those that are level."""
_Rows = Sequence[tuple[str, Finding]]
"""Of one metric: the name of a row, and what the method is against it."""


def against_controls(proof: Proof) -> str:
    """Return which control rows the judged model does not beat, metric by metric; empty without rows but bicubic.

    A row is beaten where its own judgement says `better`: by the interval and after Holm's correction. That all of
    them are beaten needs no further one, as each of them has to be (Berger, "Multiparameter hypothesis testing and
    acceptance sampling", Technometrics 1982).
    """
    rivals = _rivals(proof)
    if all(one.against == BICUBIC for one in rivals):
        return ""
    method, first = rivals[0].method, rivals[0]
    names = [name for name, finding in first.findings.items() if finding.scenes]
    scenes = max((finding.scenes for finding in first.findings.values()), default=0)
    if scenes < first.fewest_scenes:
        return f"Whether {method} beats the rows that cost no training cannot be told from {count_of(scenes, 'scene')}."
    held = {name: _not_beaten(rivals, name) for name in names}
    beaten = [METRICS[name].label for name in names if not held[name]]
    opening = (
        f"{method[0].upper()}{method[1:]} beats every row that costs no training in {listed(beaten)}"
        if beaten
        else f"In no metric does {method} beat every row that costs no training"
    )
    return f"{'; '.join([opening, *(_clause(method, name, rows) for name, rows in held.items() if rows)])}."


def _rivals(proof: Proof) -> list[Judgement]:
    """The judgements against controls; those of the controls themselves are against the base."""
    controls = {one.name for one in proof.methods if one.kind == "control"}
    return [one for one in proof.judgements if one.against in controls]


def _not_beaten(rivals: Sequence[Judgement], metric: str) -> _Rows:
    found = [(one.against, one.findings[metric]) for one in rivals if metric in one.findings]
    return [(name, finding) for name, finding in found if finding.verdict != "better"]


def _clause(method: str, metric: str, rows: _Rows) -> str:
    """`in SSIM base + USM (tuned against it: SSIM +0.001 [-0.002, +0.004]) cannot be told from tuned`."""
    with_numbers = len(rows) <= _MOST_WITH_NUMBERS
    told = [
        (f"{name} ({method} against it: {in_words(finding)})" if with_numbers else name, finding.verdict)
        for name, finding in rows
    ]
    ahead = [words for words, verdict in told if verdict == "worse"]
    level = [words for words, verdict in told if verdict != "worse"]
    if len(level) > _MOST_WITH_NUMBERS:
        level = [count_of(len(level), "row")]
    parts = [
        *([f"{listed(ahead)} {'is' if len(ahead) == 1 else 'are'} better than {method}"] if ahead else []),
        *([f"{listed(level)} cannot be told from {method}"] if level else []),
    ]
    return f"in {METRICS[metric].label} {' and '.join(parts)}"
