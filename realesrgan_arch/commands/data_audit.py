"""Find what does not belong: broken, copied, blurred, compressed, enlarged, blank, drawn. Deletes nothing.

Writes findings.csv, keep.csv (edit it to put a file back) and contact_sheet.html. An audit that was stopped goes on
where it was when the same command runs again.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.audit.claim import default_folder
from realesrgan_arch.audit.contact_sheet import Section, build_sections
from realesrgan_arch.audit.engine import Outcome, audit_folder
from realesrgan_arch.audit.keep_list import KEEP_LIST
from realesrgan_arch.audit.thresholds import AuditThresholds, load_thresholds
from realesrgan_arch.commands.arguments import positive_count
from realesrgan_arch.commands.report import Fact, Report
from realesrgan_arch.commands.shell import data_command
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

_FAILURES = frozenset({"unreadable_folder", "unreadable", "vanished", "changed"})
"""What another run may find different: these files were not judged."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("folder", type=Path, help="the photographs, in any depth of sub-folders")
    parser.add_argument("--out", type=Path, help="where to write (default audit/FOLDER'S NAME)")
    parser.add_argument("--thresholds", type=Path, help="a file like options/audit.yml with other limits")
    parser.add_argument("--jobs", type=positive_count, help="files looked at at once (default: one for each core)")


def make(arguments: argparse.Namespace) -> Report:
    """Audit and say what was found.

    Raises:
        DataError: the folder cannot be audited, or the result cannot be written.
        OptionsError: the thresholds cannot be read.
        KeyboardInterrupt: Ctrl-C, with a sentence on how to go on.
    """
    root: Path = arguments.folder
    out: Path = arguments.out or default_folder(root)
    split_command = _split_command(root, out)
    thresholds = load_thresholds(arguments.thresholds) if arguments.thresholds else AuditThresholds()
    try:
        outcome = audit_folder(
            root,
            out,
            thresholds=thresholds,
            num_processes=arguments.jobs or usable_cores(),
            split_command=split_command,
        )
    except KeyboardInterrupt as stop:
        # The same kind, which has the exit code of its signal.
        raise type(stop)(
            f"stopped; what was looked at is in {shown(out)}: run the same command again to go on"
        ) from stop
    sections = build_sections(outcome.found)
    num_kept = sum(row.keep for row in outcome.keep_rows)
    has_failed = any(section.reason in _FAILURES for section in sections)
    return Report(
        lines=(*_totals(outcome, num_kept), *_table(sections), *outcome.notes),
        made=outcome.made,
        next_step=split_command if num_kept else "add pictures that can be used, and audit again",
        facts=_facts(outcome, sections, num_kept),
        exit_code=EXIT_SOME_FILES_FAILED if has_failed else EXIT_OK,
    )


def _split_command(root: Path, out: Path) -> str:
    """Return the command that splits what the audit in `out` kept."""
    keep = () if out == default_folder(root) else ("--keep", out / KEEP_LIST)
    return data_command("split", root, *keep)


def _totals(outcome: Outcome, num_kept: int) -> Iterator[str]:
    total = len(outcome.keep_rows)
    before = f" ({outcome.num_from_journal:,} of them in an earlier run)" if outcome.num_from_journal else ""
    yield f"looked at {count_of(total, 'image file')}{before}"
    num_edited = sum(row.is_edited for row in outcome.keep_rows)
    edits = f" ({num_edited:,} as edited in keep.csv)" if num_edited else ""
    yield f"kept {num_kept:,}, left out {total - num_kept:,} ({(total - num_kept) / total:.1%}){edits}"


def _table(sections: Sequence[Section]) -> Iterator[str]:
    reasons = dict.fromkeys(section.reason for section in sections)
    if not reasons:
        yield "nothing was found"
        return
    counts = {(section.reason, section.drop): len(section.found) for section in sections}
    titles = {section.reason: section.about.title for section in sections}
    width = max(len(title) for title in titles.values())
    yield f"  {'reason':<{width}}  left out  noted"
    for reason, title in titles.items():
        yield f"  {title:<{width}}  {counts.get((reason, True), 0):>8,}  {counts.get((reason, False), 0):>5,}"


def _facts(outcome: Outcome, sections: Sequence[Section], num_kept: int) -> dict[str, Fact]:
    found: list[Fact] = [{"reason": part.reason, "drop": part.drop, "files": len(part.found)} for part in sections]
    return {
        "images": len(outcome.keep_rows),
        "kept": num_kept,
        "left_out": len(outcome.keep_rows) - num_kept,
        "found": found,
        "notes": list(outcome.notes),
    }
