"""One page about a tuned model: verdict first, then numbers, pictures and where all of it came from.

The page is a single file that fetches nothing. `report.md` beside it says the same in short, for a repository.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from realesrgan_arch import __version__, atomic, pages
from realesrgan_arch.errors import EXIT_NO_ROOM, UserError, why_not
from realesrgan_arch.evaluation.proof import Proof, ShownPicture
from realesrgan_arch.evaluation.report_curves import HEIGHT, WIDTH, Plot, plot
from realesrgan_arch.evaluation.report_markdown import MARK, markdown
from realesrgan_arch.evaluation.report_pictures import Exhibit, Gallery, hang
from realesrgan_arch.evaluation.report_rows import (
    caution,
    cells_of,
    contrast,
    explanations,
    label_of,
    means_table,
    rows_of,
    source_of,
)
from realesrgan_arch.evaluation.report_story import Story, Trial
from realesrgan_arch.evaluation.statistics import Judgement
from realesrgan_arch.evaluation.verdict_text import headline_of, verdict_sentences
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.one_job import is_full

MAX_BYTES = 15_000_000
"""Of the page: what goes through e-mail and opens on a phone."""
_MARGIN_BYTES = 200_000
"""Captions of the pictures."""
_MARKED_BYTES = 65_536
_MIN_PICTURE_BYTES = 500_000
MOST_GROUPS = 60
"""Of one kind on the page; the others are in proof.json."""


class ReportError(UserError):
    """A report that cannot be written."""


class NoRoomError(ReportError):
    """The disk is full."""

    exit_code = EXIT_NO_ROOM


@dataclass(frozen=True)
class FoundProof:
    """A proof, and the folder that its pictures lie in."""

    proof: Proof
    folder: Path


@dataclass(frozen=True)
class Content:
    """All that a report tells."""

    title: str
    found: FoundProof
    others: Mapping[str, FoundProof] = field(default_factory=dict)
    """Further sets by heading: the general set, on which it shows what was forgotten."""
    story: Story = field(default_factory=Story)
    trials: tuple[Trial, ...] = ()


def write_report(
    content: Content, path: Path, *, max_bytes: int = MAX_BYTES, tell: Callable[[str], None] | None = None
) -> tuple[Path, Path]:
    """Write the page and, beside it, the same in short as `.md`; return both paths.

    Either file is whole or as it was before: a report that is killed leaves none that is broken.

    Args:
        content: what it tells.
        path: of the page, `report.html`.
        max_bytes: that the page may have; its pictures are encoded to fit.
        tell: takes what is said of its pictures: those that are missing, and how they are encoded.

    Raises:
        NoRoomError: the disk is full.
        ReportError: the place cannot be written to, a file of another origin is there, or the text alone is too large.
    """
    short = path.with_suffix(".md")
    try:
        _check_ours(path, short)
        gallery = _fitting_gallery(content, max_bytes)
        atomic.write_text(path, _page(content, gallery))
        atomic.write_text(short, _short(content, short))
    except OSError as error:
        kind = NoRoomError if is_full(error) else ReportError
        raise kind(f"{shown(path)} cannot be written: {why_not(error)}; choose another place with -o") from error
    if tell is not None:
        for note in gallery.notes:
            tell(note)
    return path, short


def _short(content: Content, path: Path) -> str:
    others = {heading: found.proof for heading, found in content.others.items()}
    return markdown(
        content.title, content.found.proof, content.story, _links(content, path), others, trials=content.trials
    )


def _check_ours(*paths: Path) -> None:
    """Raise where a file of the user's own would be lost; ours bear a mark near their beginning."""
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                if MARK.encode() in file.read(_MARKED_BYTES):
                    continue
        elif not path.exists():
            continue
        raise ReportError(
            f"{shown(path)} is there already and was not written by `realesrgan-arch report`, so it stays; "
            "choose another place with -o, or move it away"
        )


def _fitting_gallery(content: Content, max_bytes: int) -> Gallery:
    bare = len(_page(content, Gallery((), ())).encode())
    room = max_bytes - bare - _MARGIN_BYTES
    if room < min(_MIN_PICTURE_BYTES, max_bytes // 2):
        raise ReportError(
            f"expected a page of at most {max_bytes:,} bytes, but its text alone has {bare:,}; "
            "evaluate with fewer groups or controls"
        )
    proof = content.found.proof
    return hang(proof.shown, content.found.folder, room=room)


def title_of(proof: Proof, run: Path | None) -> str:
    """Return a heading: the name of the training, and which model was tuned."""
    sources = {method.kind: source_of(method) for method in proof.methods if method.source}
    base, tuned = sources.get("base", "the base"), sources.get("tuned")
    name = shown(Path(run.resolve().name)) if run is not None else tuned
    if tuned is None:
        return f"{name}: {base}" if name else base
    return f"{name}, tuned from {base}"


def _page(content: Content, gallery: Gallery) -> str:
    proof = content.found.proof
    first = proof.judgements[0] if proof.judgements else None
    return pages.render(
        "report.html",
        title=content.title,
        proof=proof,
        story=content.story,
        first=first,
        headline=headline_of(proof),
        sentences=list(verdict_sentences(proof)),
        caution=caution(first, content.trials),
        rows=rows_of(first, proof.means) if first else [],
        controls=[(contrast(one), one) for one in proof.judgements[1:]],
        means=means_table(proof),
        explanations=explanations(proof),
        others=content.others,
        trials=content.trials,
        sections=_sections(gallery, first),
        gallery_notes=gallery.notes,
        methods=_methods(gallery),
        plots=_plots(content.story),
        size=(WIDTH, HEIGHT),
        most_groups=MOST_GROUPS,
        version=__version__,
        mark=MARK,
        cells_of=cells_of,
        headline_of=headline_of,
        sentences_of=verdict_sentences,
        label_of=label_of,
        contrast=contrast,
        source_of=source_of,
    )


def _sections(gallery: Gallery, first: Judgement | None) -> list[tuple[str, str, list[Exhibit]]]:
    compared = f", {contrast(first).lower()}" if first else ""
    whys = (
        ("random", "Drawn at random", "What to expect: nobody chose these."),
        ("worst", "The worst", f"Where the scores are worst{compared}; look here first."),
        ("best", "The best", f"Where they are best{compared}."),
    )
    found = [
        (title, words, [exhibit for exhibit in gallery.exhibits if exhibit.picture.why == why])
        for why, title, words in whys
    ]
    return [section for section in found if section[2]]


def _methods(gallery: Gallery) -> list[str]:
    """Every method that is shown, each once, in the order of the pictures."""
    return list(dict.fromkeys(shot.method for exhibit in gallery.exhibits for shot in exhibit.shots))


def _plots(story: Story) -> list[Plot]:
    return [drawn for drawn in (plot(curve, step=story.step) for curve in story.curves) if drawn is not None]


def _links(content: Content, short: Path) -> list[tuple[ShownPicture, dict[str, str]]]:
    """Return the pictures with their places as seen from `short`; none where they lie elsewhere than below it."""
    folder, home = content.found.folder.resolve(), short.parent.resolve()
    if not folder.is_relative_to(home):
        return []
    below = folder.relative_to(home)
    return [
        (picture, {method: (below / file).as_posix() for method, file in picture.files.items()})
        for picture in content.found.proof.shown
    ]
