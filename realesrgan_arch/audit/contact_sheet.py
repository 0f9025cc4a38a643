"""The contact sheet: a self-contained page with the findings of an audit by reason, worst first, with thumbnails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from realesrgan_arch import pages
from realesrgan_arch.audit.findings import Found
from realesrgan_arch.audit.keep_list import KeepRow
from realesrgan_arch.audit.reasons import REASONS, Reason, place_of
from realesrgan_arch.image_header import shown

MOST_PICTURES = 200
"""Of one reason; the others are in findings.csv."""
_WITHOUT_PICTURES = frozenset({
    "unreadable_folder", "unreadable", "vanished", "empty", "not_an_image", "unsupported", "too_large", "truncated",
    "corrupt", "other_file",
})  # fmt: skip


@dataclass(frozen=True)
class Section:
    """The findings of one reason that leave files out, or that are notes; `shown` are the worst of them."""

    reason: str
    drop: bool
    found: Sequence[Found]

    @property
    def anchor(self) -> str:
        """Return the id on the page."""
        return f"{self.reason}-{'out' if self.drop else 'noted'}"

    @property
    def about(self) -> Reason:
        """Return title and meaning."""
        return REASONS.get(self.reason, Reason(self.reason, ""))

    @property
    def worst(self) -> Sequence[Found]:
        """Return those that the page shows."""
        return self.found[:MOST_PICTURES]

    @property
    def has_pictures(self) -> bool:
        """Return False for files of which there is no thumbnail."""
        return self.reason not in _WITHOUT_PICTURES


@dataclass(frozen=True)
class Figure:
    """One file on the page, all text printable; `sentence` goes on where `path` ends."""

    path: str
    source: str
    sentence: str
    numbers: str
    decision: str
    """What the user decided against the finding in the keep-list."""


def build_sections(found: Sequence[Found]) -> list[Section]:
    """Group findings that are in order."""
    groups = groupby(found, key=lambda item: (item.finding.reason, item.finding.drop))
    return [Section(reason, drop, list(items)) for (reason, drop), items in groups]


def render_sheet(
    *,
    root: Path,
    sections: Sequence[Section],
    keep_rows: Sequence[KeepRow],
    thumbnails: Mapping[str, str],
    notes: Sequence[str],
    split_command: str,
) -> str:
    """Return the page. `thumbnails` are `data:` addresses by path, `notes` further sentences for the top."""
    keep_rows = [row for row in keep_rows if not row.is_absent]
    edited = {row.path: row.keep for row in keep_rows if row.is_edited}
    num_kept = sum(row.keep for row in keep_rows)
    return pages.render(
        "contact_sheet.html",
        title=f"Audit of {shown(root)}",
        num_images=len(keep_rows),
        num_kept=num_kept,
        num_left_out=len(keep_rows) - num_kept,
        num_edited=len(edited),
        notes=notes,
        split_command=split_command,
        summary=_summarize(sections),
        sections=sections,
        figures_of=_figures(thumbnails, edited),
        most=MOST_PICTURES,
    )


def _summarize(sections: Sequence[Section]) -> list[tuple[str, Section | None, Section | None]]:
    """One row a reason: title, the section that leaves files out, the section of notes."""
    by_key = {(section.reason, section.drop): section for section in sections}
    reasons = sorted({section.reason for section in sections}, key=lambda reason: (place_of(reason), reason))
    rows = [(reason, by_key.get((reason, True)), by_key.get((reason, False))) for reason in reasons]
    return [(REASONS.get(reason, Reason(reason, "")).title, out, noted) for reason, out, noted in rows]


def _figures(thumbnails: Mapping[str, str], edited: Mapping[str, bool]) -> Callable[[Section], list[Figure]]:
    words = {True: "kept, as you decided in keep.csv", False: "left out, as you decided in keep.csv"}

    def figures_of(section: Section) -> list[Figure]:
        return [build_figure(item) for item in section.worst]

    def build_figure(item: Found) -> Figure:
        path = shown(Path(item.path))
        return Figure(
            path=path,
            source=thumbnails.get(item.path, ""),
            sentence=item.finding.text.removeprefix(path),
            numbers=_numbers(item),
            decision=words[edited[item.path]] if item.path in edited else "",
        )

    return figures_of


def _numbers(item: Found) -> str:
    """Empty for a finding that is simply true, and for copies, whose sentence says it all."""
    value, threshold = item.finding.value, item.finding.threshold
    if value == threshold == 1 or item.finding.reason in ("exact_duplicate", "near_duplicate"):
        return ""
    return f"{value:.4g}, {'below' if value < threshold else 'at or above'} the limit of {threshold:.4g}"
