"""Records of a whole folder -> findings: faults, what `judge` says, copies; in the order in which they are shown."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.audit.examine import Record
from realesrgan_arch.audit.judge import Finding, judge
from realesrgan_arch.audit.reasons import place_of
from realesrgan_arch.audit.thresholds import AuditThresholds, Limits
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


def find_all(records: Sequence[Record], thresholds: AuditThresholds, *, changed: Set[str]) -> list[Found]:
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
    """Return every picture that looks like an earlier one that stays, with the nearest; the number is the distance.

    Greedy, in order: what is left out for an earlier picture leaves nothing out itself, so that of a chain in which
    each looks like the next every second one may stay.
    """
    limits = thresholds.near_duplicate
    numbers = [float(limit) for limit in (limits.drop, limits.note) if limit != "never"]
    prints = [(record.path, record.fingerprint) for record in records if record.fingerprint is not None]
    telling = [(path, mark.bits) for path, mark in prints if mark.is_telling]
    if not numbers or not telling:
        return []
    neighbours = _neighbours({bits for _, bits in telling}, int(max(numbers)))
    first_kept: dict[int, int] = {}
    found: list[Found] = []
    for place, (path, bits) in enumerate(telling):
        near = [(hamming(bits, other), first_kept[other]) for other in neighbours[bits] if other in first_kept]
        finding = _state_near_copy(*min(near), telling, limits) if near else None
        if finding is not None:
            found.append(Found(path, finding))
        if finding is None or not finding.drop:
            first_kept.setdefault(bits, place)
    return found


def _neighbours(distinct: Set[int], max_distance: int) -> dict[int, list[int]]:
    """Return the hashes near to each hash, itself among them."""
    hashes = sorted(distinct)
    near = {bits: [bits] for bits in hashes}
    for first, second in find_near(hashes, max_distance=max_distance):
        near[hashes[first]].append(hashes[second])
        near[hashes[second]].append(hashes[first])
    return near


def _state_near_copy(distance: int, first: int, telling: Sequence[tuple[str, int]], limits: Limits) -> Finding | None:
    for drop, limit in ((True, limits.drop), (False, limits.note)):
        if not isinstance(limit, str) and distance <= limit:
            text = f"Looks like {_name(telling[first][0])}: {distance} of 64 bits of their fingerprints differ."
            return Finding("near_duplicate", float(distance), float(limit), drop, text)
    return None


def in_order(found: Iterable[Found]) -> list[Found]:
    """Return findings that leave a file out before notes, then by reason, then worst first, then by path."""

    def key(item: Found) -> tuple[object, ...]:
        finding = item.finding
        path = natural_key(Path(item.path))
        return not finding.drop, place_of(finding.reason), finding.reason, -badness(finding), path

    return sorted(found, key=key)


def badness(finding: Finding) -> float:
    """Return which part of the way from the limit to the worst possible value the value has gone: 0 to 1.

    So values of different units can be compared. The worst is 0 below a limit, 1 above a limit of shares and
    probabilities, and has no end above other limits.
    """
    value, limit = finding.value, finding.threshold
    if value < limit:
        return 1 - max(value, 0) / limit if limit > 0 else 1.0
    if limit < 1 and value <= 1:
        return (value - limit) / (1 - limit)
    return 1 - limit / value if value > 0 else 0.0


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
