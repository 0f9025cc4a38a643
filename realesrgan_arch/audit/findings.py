"""Records of a whole folder -> findings: faults, what `judge` says, copies; in the order in which they are shown."""

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.audit.examine import Record
from realesrgan_arch.audit.judge import Finding, judge
from realesrgan_arch.audit.reasons import place_of
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.data.files import natural_key
from realesrgan_arch.image_header import shown
from realesrgan_arch.perceptual_hash import find_near, hamming

COLUMNS = ("path", "reason", "value", "threshold", "drop", "sentence")


@dataclass(frozen=True)
class Found:
    """A finding about one file or folder; `path` is relative to the audited folder."""

    path: str
    finding: Finding


def state_fault(path: str, reason: str, text: str, *, drop: bool = True) -> Found:
    """Return a finding that has no number of its own: 1 where none is allowed."""
    return Found(path, Finding(reason, value=1.0, threshold=1.0, drop=drop, text=text))


def find_all(records: Sequence[Record], thresholds: AuditThresholds, *, changed: Collection[str]) -> list[Found]:
    """Return the findings of all files; `records` in natural order, `changed` are paths that are different by now."""
    found = [item for record in records for item in _find_alone(record, thresholds)]
    found += [state_fault(path, "changed", f"{shown(Path(path))} changed while the audit ran.") for path in changed]
    usable = [record for record in records if record.fault is None and record.path not in changed]
    found += find_copies(usable)
    left_out = {item.path for item in found if item.finding.drop}
    found += find_near_copies([record for record in usable if record.path not in left_out], thresholds)
    return found


def find_copies(records: Sequence[Record]) -> list[Found]:
    """Return every file that has the bytes of an earlier one; the number is how many files have them."""
    groups: dict[str, list[str]] = defaultdict(list)
    for record in records:
        groups[record.sha256].append(record.path)
    return [
        Found(
            path, Finding("exact_duplicate", len(paths), 2.0, drop=True, text=f"The same bytes as {_name(paths[0])}.")
        )
        for paths in groups.values()
        for path in paths[1:]
    ]


def find_near_copies(records: Sequence[Record], thresholds: AuditThresholds) -> list[Found]:
    """Return every picture that looks like an earlier one, with the nearest of those; the number is the distance."""
    limits = thresholds.near_duplicate
    numbers = [float(limit) for limit in (limits.note, limits.drop) if limit != "never"]
    prints = [(record.path, record.fingerprint) for record in records if record.fingerprint is not None]
    telling = [(path, mark.bits) for path, mark in prints if mark.is_telling]
    if not numbers or not telling:
        return []
    nearest: dict[int, tuple[int, int]] = {}
    for first, second in find_near([bits for _, bits in telling], max_distance=int(max(numbers))):
        candidate = hamming(telling[first][1], telling[second][1]), first
        nearest[second] = min(nearest.get(second, candidate), candidate)
    found: list[Found] = []
    for second, (distance, first) in sorted(nearest.items()):
        drop = limits.drop != "never" and distance <= limits.drop
        threshold = float(limits.drop if drop else limits.note if limits.note != "never" else max(numbers))
        text = f"Looks like {_name(telling[first][0])}: {distance} of 64 bits differ."
        found.append(Found(telling[second][0], Finding("near_duplicate", float(distance), threshold, drop, text)))
    return found


def in_order(found: Iterable[Found]) -> list[Found]:
    """Return findings that leave a file out before notes, then by reason, then worst first, then by path."""

    def key(item: Found) -> tuple[object, ...]:
        finding = item.finding
        distance = abs(finding.value - finding.threshold)
        return not finding.drop, place_of(finding.reason), finding.reason, -distance, natural_key(Path(item.path))

    return sorted(found, key=key)


def encode_findings(found: Sequence[Found]) -> bytes:
    """Return the CSV file of findings, in their order; its paths are the bytes that the file system has."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(found))
    return text.getvalue().encode("utf-8", "surrogateescape")


def _cells(found: Sequence[Found]) -> Iterator[tuple[str, ...]]:
    for item in found:
        finding = item.finding
        numbers = f"{finding.value:.6g}", f"{finding.threshold:.6g}"
        yield item.path, finding.reason, *numbers, "yes" if finding.drop else "no", finding.text


def _find_alone(record: Record, thresholds: AuditThresholds) -> Iterator[Found]:
    if record.fault is not None:
        yield state_fault(record.path, *record.fault)
    elif record.measurements is not None:
        yield from (Found(record.path, finding) for finding in judge(record.measurements, thresholds))


def _name(path: str) -> str:
    return shown(Path(path))
