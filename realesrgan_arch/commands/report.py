"""What a command leaves, told to people (lines) or to machines (`--json`)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_OK
from realesrgan_arch.image_header import shown

Fact = str | int | float | bool | None | list["Fact"] | Mapping[str, "Fact"]


@dataclass(frozen=True)
class Report:
    """`lines` say what happened, `made` is what was written, `next_step` a command; `facts` are for machines."""

    lines: tuple[str, ...] = ()
    made: tuple[Path, ...] = ()
    next_step: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    exit_code: int = EXIT_OK


def tell_first(texts: Sequence[str], *, most: int = 10, others: str = "") -> Iterator[str]:
    """Yield up to `most` of `texts`, indented, and how many more there are; `others` says where those are told."""
    yield from (f"  {text}" for text in texts[:most])
    if len(texts) > most:
        yield f"  and {len(texts) - most} more{others}"


def deliver(report: Report, *, as_json: bool) -> int:
    """Write `report` to standard output, as text or as one JSON object, and return its exit code."""
    if as_json:
        made: list[Fact] = [shown(path) for path in report.made]
        say(json.dumps({**report.facts, "made": made, "next": report.next_step, "exit_code": report.exit_code}))
        return report.exit_code
    for line in report.lines:
        say(line)
    if report.made:
        say(f"wrote {', '.join(shown(path) for path in report.made)}")
    if report.next_step:
        say(f"next: {report.next_step}")
    return report.exit_code
