"""What an entry of the corpus is: how a bad input is made, and what each consumer does with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Make = Callable[[Path], Sequence[Path]]
"""Writes into an empty folder and returns the files whose treatment the entry tells."""

Fault = Literal["", "denied", "vanishing"]


@dataclass(frozen=True)
class Read:
    """Used like any picture, upright, as width x height."""

    size: tuple[int, int]
    mode: str = ""
    """Pillow's mode of the magnified picture, where it is worth saying."""
    note: str = ""
    warns: str = ""
    """What the warning about the result says, of upscaling; nothing is said without."""


@dataclass(frozen=True)
class LeftOut:
    """Named, with a sentence that contains `words`; the others are not affected."""

    words: str


@dataclass(frozen=True)
class Ignored:
    """Not looked at. `note` says why; `finding` is the audit's note on it, if there is one."""

    note: str
    finding: str = ""


Outcome = Read | LeftOut | Ignored


@dataclass(frozen=True)
class Audited:
    """What the keep-list says by default, all reasons to drop the file and all notes, which drop nothing."""

    keep: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One bad input. `row` is that of the catalogue of faults; the id starts with it."""

    id: str
    what: str
    make: Make
    split: Outcome
    training: Outcome
    upscaling: Outcome
    audit: Audited | Ignored
    fault: Fault = ""

    @property
    def row(self) -> int:
        return int(self.id[:2])


def one(name: str, data: bytes | Callable[[], bytes]) -> Make:
    """Make one file of that name; its bytes are made only then."""

    def make(folder: Path) -> Sequence[Path]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data())
        return [path]

    return make


def several(files: dict[str, Callable[[], bytes]]) -> Make:
    """Make all of them."""
    return lambda folder: [path for name, data in files.items() for path in one(name, data)(folder)]


def broken(id: str, what: str, make: Make, words: str, audit: str, *, fault: Fault = "") -> Entry:
    """An input that every consumer names with the same words and leaves out."""
    out = LeftOut(words)
    return Entry(id, what, make, split=out, training=out, upscaling=out, audit=Audited(False, (audit,)), fault=fault)


def usable(
    id: str,
    what: str,
    make: Make,
    size: tuple[int, int] = (60, 40),
    *,
    mode: str = "",
    note: str = "",
    warns: str = "",
    audit: Audited | None = None,
) -> Entry:
    """An input that every consumer uses."""
    read = Read(size, note=note)
    magnified = Read((2 * size[0], 2 * size[1]), mode=mode, note=note, warns=warns)
    return Entry(id, what, make, split=read, training=read, upscaling=magnified, audit=audit or Audited(True))


def junk(id: str, what: str, make: Make, note: str, *, finding: str = "") -> Entry:
    """A file that no consumer looks at; the audit may name it."""
    out = Ignored(note)
    return Entry(id, what, make, split=out, training=out, upscaling=out, audit=Ignored(note, finding))
