"""The audit of a folder: list, look at every file, compare, write. Nothing in the folder is ever changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.audit.claim import check_claim, claim, write_card
from realesrgan_arch.audit.contact_sheet import Section, build_sections, render_sheet
from realesrgan_arch.audit.examine import Fault, Record, check_capturing, draw_thumbnail, examine
from realesrgan_arch.audit.findings import Found, encode_findings, find_all, in_order, state_fault
from realesrgan_arch.audit.journal import JOURNAL, Journal, open_journal
from realesrgan_arch.audit.keep_list import KEEP_LIST, KeepRow, build_keep_row, read_keep_rows, write_keep_list
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.audit.workers import Crash, run_in_processes
from realesrgan_arch.data.derived import check_apart
from realesrgan_arch.data.files import DataError, FolderListing, check_folder, list_folder
from realesrgan_arch.image_header import describe_bytes, shown, sniff
from realesrgan_arch.plural import count_of

FINDINGS = "findings.csv"
SHEET = "contact_sheet.html"
_PRELOAD = "realesrgan_arch.audit.examine"


@dataclass(frozen=True)
class Outcome:
    """What an audit found and wrote."""

    keep_rows: tuple[KeepRow, ...]
    found: tuple[Found, ...]
    num_from_journal: int
    """Files that an earlier, perhaps killed, audit had looked at."""
    notes: tuple[str, ...]
    """Sentences on what the numbers do not say: folders that cannot be read, files that came and went."""
    made: tuple[Path, ...]


def audit_folder(
    root: Path, out: Path, *, thresholds: AuditThresholds, num_processes: int, split_command: str
) -> Outcome:
    """Look at every image file below `root` and write findings, keep-list and contact sheet into `out`.

    Each process holds one file and its pixels at a time; the caller holds one record for each file, without pixels. An
    audit that was stopped goes on from its journal and ends with the same files. The sheet proposes `split_command`.

    Raises:
        DataError: no such folder, no image in it, `out` lies in it or belongs to another folder, or the disk fails.
    """
    _check_out(root, out)
    check_capturing()
    listing = list_folder(root)
    names = [_name(path, root) for path in listing.images]
    _check_not_empty(names, listing, root)
    with _claimed(out, root), open_journal(out / JOURNAL, root) as journal:
        num_from_journal = _examine_all(names, root, journal, thresholds, num_processes)
        again = list_folder(root)
        records, changed = _look_again(names, root, journal)
        found = in_order([*_find_others(listing, root), *find_all(records, thresholds, changed=changed)])
        sections = build_sections(found)
        thumbnails = _collect_thumbnails(sections, records, root, journal, num_processes)
        notes = _describe(listing, again, names, root)

        def render(keep_rows: Sequence[KeepRow]) -> str:
            return render_sheet(
                root=root,
                sections=sections,
                keep_rows=keep_rows,
                thumbnails=thumbnails,
                notes=[*notes, *_describe_absent(keep_rows)],
                split_command=split_command,
            )

        facts = _card_facts(thresholds, sections)
        keep_rows = _write(root, out, _build_keep_rows(names, found), found, render, facts)
    made = tuple(out / name for name in (FINDINGS, KEEP_LIST, SHEET))
    notes = (*notes, *_describe_absent(keep_rows))
    return Outcome(tuple(row for row in keep_rows if not row.is_absent), tuple(found), num_from_journal, notes, made)


def _check_out(root: Path, out: Path) -> None:
    """Check what can be known before hours of work."""
    check_folder(root)
    check_apart(out, root)
    check_claim(out, root)
    if (out / KEEP_LIST).exists():
        read_keep_rows(out / KEEP_LIST)
    try:
        atomic.try_writing(out)
    except OSError as error:
        raise _unwritable(out, error) from error


@contextmanager
def _claimed(out: Path, root: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(claim(out, root))
        except OSError as error:
            raise _unwritable(out, error) from error
        yield


def _check_not_empty(names: Sequence[str], listing: FolderListing, root: Path) -> None:
    if names:
        return
    blocked = f"; {count_of(len(listing.unreadable), 'folder')} in it cannot be read" if listing.unreadable else ""
    raise DataError(f"No image found in {shown(root)} or below it{blocked}.")


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _examine_all(
    names: Sequence[str], root: Path, journal: Journal, thresholds: AuditThresholds, num_processes: int
) -> int:
    """Bring the journal up to date; return how many files it knew already."""
    missing = [name for name in names if not _is_current(journal.records.get(name), root)]
    num_known = len(names) - len(missing)
    task = partial(examine, root=root, thresholds=thresholds)
    results = run_in_processes(task, missing, num_processes=num_processes, preload=_PRELOAD)
    with tqdm(total=len(names), initial=num_known, desc="auditing", unit="file", disable=None) as bar:
        for name, result in results:
            journal.add(_crashed(name, result) if isinstance(result, Crash) else result)
            bar.update()
    return num_known


def _is_current(record: Record | None, root: Path) -> bool:
    if record is None:
        return False
    try:
        facts = (root / record.path).stat()
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (record.size, record.mtime_ns)


def _crashed(name: str, crash: Crash) -> Record:
    text = f"{shown(Path(name))} ended the process that read it ({crash}); its decoder crashed, or memory ran out."
    return Record(name, 0, 0, fault=Fault("unreadable", text))


def _look_again(names: Sequence[str], root: Path, journal: Journal) -> tuple[list[Record], set[str]]:
    """Return the records in order, with files that are gone by now marked so, and the paths that are different."""
    records: list[Record] = []
    changed: set[str] = set()
    for name in names:
        record = journal.records[name]
        if not (root / name).exists():
            record = Record(name, 0, 0, fault=Fault("vanished", f"{shown(Path(name))} vanished while the audit ran."))
        elif record.is_lasting and not _is_current(record, root):
            changed.add(name)
        records.append(record)
    return records, changed


def _find_others(listing: FolderListing, root: Path) -> Iterator[Found]:
    for path, reason in listing.unreadable:
        name = _name(path, root)
        yield state_fault(name, "unreadable_folder", f"The folder {shown(Path(name))} cannot be read: {reason}.")
    for path in listing.others:
        yield state_fault(_name(path, root), "other_file", _sniff_file(path), drop=False)


def _sniff_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(256)
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    kind = sniff(start)
    if kind is not None:
        return f"It is a {kind} image; give it the suffix of one to use it."
    return f"It looks like {describe_bytes(start)}." if start else "It is empty."


def _collect_thumbnails(
    sections: Sequence[Section], records: Sequence[Record], root: Path, journal: Journal, num_processes: int
) -> dict[str, str]:
    """Return the thumbnails that the sheet shows: from the journal, or from their files read once more."""
    readable = {record.path for record in records if record.fault is None}
    wanted = dict.fromkeys(item.path for section in sections for item in section.worst if item.path in readable)
    thumbnails = {path: journal.read_thumbnail(path) for path in wanted}
    missing = [path for path, address in thumbnails.items() if not address]
    task = partial(draw_thumbnail, root=root)
    for path, result in run_in_processes(task, missing, num_processes=num_processes, preload=_PRELOAD):
        thumbnails[path] = "" if isinstance(result, Crash) else result
    return thumbnails


def _build_keep_rows(names: Sequence[str], found: Sequence[Found]) -> list[KeepRow]:
    drops: dict[str, list[str]] = {name: [] for name in names}
    notes: dict[str, list[str]] = {name: [] for name in names}
    for item in found:
        kind = drops if item.finding.drop else notes
        if item.path in kind:
            kind[item.path].append(item.finding.reason)
    return [build_keep_row(name, drops=drops[name], notes=notes[name]) for name in names]


def _describe(listing: FolderListing, again: FolderListing, names: Sequence[str], root: Path) -> list[str]:
    appeared = {_name(path, root) for path in again.images}.difference(names)
    return [
        f"{count_of(count, noun)} {rest}"
        for count, noun, rest in (
            (len(listing.unreadable), "folder", "could not be read; nothing below was looked at."),
            (len(listing.others), "file", "not named like images: not looked at."),
            (listing.num_ignored, "hidden or system file", "ignored."),
            (len(appeared), "file", "appeared while the audit ran: run it again to look there too."),
        )
        if count
    ]


def _describe_absent(keep_rows: Sequence[KeepRow]) -> list[str]:
    num_absent = sum(row.is_absent for row in keep_rows)
    rows = count_of(
        num_absent,
        "edited row names a file that is not there; it stays",
        "edited rows name files that are not there; they stay",
    )
    return [f"{rows} in the keep-list."] if num_absent else []


def _card_facts(thresholds: AuditThresholds, sections: Sequence[Section]) -> Mapping[str, Any]:
    counts = [{"reason": part.reason, "drop": part.drop, "files": len(part.found)} for part in sections]
    return {"thresholds": thresholds.model_dump(), "counts": counts}


def _write(
    root: Path,
    out: Path,
    rows: Sequence[KeepRow],
    found: Sequence[Found],
    render: Callable[[Sequence[KeepRow]], str],
    facts: Mapping[str, Any],
) -> list[KeepRow]:
    try:
        keep_rows = write_keep_list(rows, out / KEEP_LIST)
        atomic.write_bytes(out / FINDINGS, encode_findings(found))
        atomic.write_text(out / SHEET, render(keep_rows))
        write_card(out, root, facts)
    except OSError as error:
        raise _unwritable(out, error) from error
    return keep_rows


def _unwritable(out: Path, error: OSError) -> DataError:
    return DataError(
        f"The audit cannot be written into {shown(out)}: {error.strerror}; mend that and run the same command again, "
        "it goes on where it was."
    )
