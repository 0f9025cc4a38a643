"""`report.md`: the verdict, the tables and how to use the weights, for the page of a repository."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from realesrgan_arch.evaluation.proof import Proof, ShownPicture
from realesrgan_arch.evaluation.report_rows import (
    caution,
    cells_of,
    contrast,
    explanations,
    label_of,
    means_table,
    rows_of,
)
from realesrgan_arch.evaluation.report_story import Story, Trial
from realesrgan_arch.evaluation.statistics import Judgement
from realesrgan_arch.evaluation.verdict_text import headline_of, verdict_sentences
from realesrgan_arch.image_header import printable
from realesrgan_arch.plural import count_of

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_COLUMNS = ("bicubic", "base", "tuned", "model", "ground truth")
MARK = "<!-- written by realesrgan-arch report -->"
"""In the page and in `report.md`: a file with it is ours to write again."""
Links = Sequence[tuple[ShownPicture, Mapping[str, str]]]


def markdown(
    title: str,
    proof: Proof,
    story: Story,
    links: Links,
    others: Mapping[str, Proof],
    *,
    trials: Sequence[Trial] = (),
) -> str:
    """Return the text, in GitHub's dialect.

    Args:
        title: of the page.
        proof: what was found.
        story: how the model came about, and how it is used.
        links: pictures to show with their places by method, as seen from the file.
        others: further sets by heading: the general one, on which it shows what was forgotten.
        trials: of layers and of blends; their tables.
    """
    parts = [
        _opening(title, proof),
        _verdict(proof),
        _elsewhere(others),
        _controls(proof),
        _means(proof),
        _groups(proof),
        _pictures(links),
        _tried(trials),
        _usage(proof, story, trials),
        _origin(proof, story),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _opening(title: str, proof: Proof) -> Iterator[str]:
    yield MARK
    yield f"# {_escaped(title)}"
    yield ""
    yield from _said(proof)
    yield _seen(proof)
    yield from _notes(proof)


def _said(proof: Proof) -> Iterator[str]:
    if brief := headline_of(proof):
        yield f"**{_escaped(brief.text)}.** {_escaped(' '.join(verdict_sentences(proof)))}"
        yield ""


def _seen(proof: Proof) -> str:
    seen = f"{count_of(proof.pictures, 'picture')} of {count_of(proof.scenes, 'scene')}"
    frozen = f", set `{proof.set_hash}`" if proof.set_hash else ""
    return f"{_escaped(proof.title)}: {seen}{frozen}, x{proof.scale}, border {proof.border}, {_channel(proof)}."


def _notes(proof: Proof) -> Iterator[str]:
    for note in proof.notes:
        yield f"\n> {_escaped(note)}"


def _channel(proof: Proof) -> str:
    return "PSNR and SSIM of luma" if proof.y_channel else "PSNR and SSIM of RGB"


def _verdict(proof: Proof) -> Iterator[str]:
    if not proof.judgements:
        return
    first = proof.judgements[0]
    head = ("", label_of(first.against), label_of(first.method), "Difference", "95 % interval", "Scenes won", "Verdict")
    yield from _table(
        head,
        [
            (row.label, row.before, row.after, row.mean, row.interval or "–", row.wins, _marked(row.verdict))
            for row in rows_of(first, proof.means)
        ],
    )


def _elsewhere(others: Mapping[str, Proof]) -> Iterator[str]:
    for heading, proof in others.items():
        yield f"\n## {_escaped(heading)}\n"
        yield from _said(proof)
        yield _seen(proof)
        yield from _notes(proof)
        yield from _verdict(proof)


def _controls(proof: Proof) -> Iterator[str]:
    if len(proof.judgements) < 2:
        return
    yield "\n## Against controls"
    yield from _judgement_table(((contrast(one), one) for one in proof.judgements[1:]), first="Comparison")


def _judgement_table(judgements: Iterator[tuple[str, Judgement]], *, first: str) -> Iterator[str]:
    rows = [(name, cells_of(judgement)) for name, judgement in judgements]
    labels = list(dict.fromkeys(cell.label for _, cells in rows for cell in cells))
    body = []
    for name, cells in rows:
        words = {cell.label: f"{cell.mean} ({cell.interval})" if cell.interval else cell.mean for cell in cells}
        body.append((name, *(words.get(label, "–") for label in labels)))
    yield from _table((first, *labels), body)


def _means(proof: Proof) -> Iterator[str]:
    labels, rows = means_table(proof)
    if rows:
        yield "\n## Mean scores"
        yield from _table(("", *labels), [(name, *values) for name, values in rows])
        yield from (f"\n{words}" for words in explanations(proof))


def _groups(proof: Proof) -> Iterator[str]:
    for kind, groups in proof.groups.items():
        yield f"\n## By {_escaped(kind)}"
        yield from _judgement_table(iter(groups.items()), first="Group")


def _pictures(links: Links) -> Iterator[str]:
    if not links:
        return
    columns = [method for method in _COLUMNS if any(method in files for _, files in links)]
    yield "\n## Pictures"
    yield from _table(
        ("", *map(label_of, columns)),
        [(f"{picture.why}: {picture.name}", *(_image(files, one) for one in columns)) for picture, files in links],
        is_escaped=True,
    )


def _image(files: Mapping[str, str], method: str) -> str:
    return f"![{method}]({quote(files[method])})" if method in files else ""


def _tried(trials: Sequence[Trial]) -> Iterator[str]:
    for trial in trials:
        yield f"\n## {_escaped(trial.heading)}\n"
        yield f"**{_escaped(trial.words)}** {_escaped(trial.reading)}"
        yield from _table(trial.head, trial.rows)


def _usage(proof: Proof, story: Story, trials: Sequence[Trial]) -> Iterator[str]:
    if story.commands:
        yield "\n## Use it\n"
        if words := caution(proof.judgements[0] if proof.judgements else None, trials):
            yield f"{_escaped(words)}\n"
        yield from _fenced(story.commands)
    if story.places:
        yield from _table(("Format", "Where it goes"), story.places)
    for method in proof.methods:
        if method.kind == "tuned" and method.sha256:
            yield f"\nSHA-256 of the weights: `{method.sha256}`"


def _fenced(commands: Sequence[str]) -> Iterator[str]:
    """Names of files are untrusted: neither a line of their own nor backticks end the block."""
    lines = [printable(command) for command in commands]
    longest = max((len(ticks) for line in lines for ticks in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence, *lines, fence)


def _origin(proof: Proof, story: Story) -> Iterator[str]:
    rows = [*story.data, *proof.facts.items()]
    if rows:
        yield "\n## Where it comes from"
        yield from _table(("", ""), rows)
    for note in story.notes:
        yield f"\n> {_escaped(note)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, is_escaped: bool = False) -> Iterator[str]:
    yield ""
    yield _line(head)
    yield "|" + " --- |" * len(head)
    for first, *others in rows:
        yield _line([_escaped(first), *(others if is_escaped else map(_cell, others))])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Escape what is not our own emphasis."""
    return text if re.fullmatch(r"\*\*[a-z ]+\*\*", text) else _escaped(text)


def _marked(verdict: str) -> str:
    return verdict if verdict == "cannot be told" else f"**{verdict}**"


def _escaped(text: str) -> str:
    """Names of files are untrusted: no mark-up, no line of their own."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
