"""The table of the corpus as a page for users: `docs/bad-input.md`, written by `scripts/render_bad_input.py`."""

from collections.abc import Iterable
from pathlib import Path

from tests.corpus.entries import Audited, Entry, Ignored, LeftOut, Outcome, Read
from tests.corpus.held import HELD, Held
from tests.corpus.models import MODELS, ModelFile
from tests.corpus.refusals import REFUSALS
from tests.corpus.table import ENTRIES, RUNS
from tests.corpus.upscale_runs import UpscaleRun

PAGE = Path(__file__).parents[2] / "docs" / "bad-input.md"

_HEAD = """\
# Bad input

What happens to files that are broken, foreign or oddly named. This page is made by `scripts/render_bad_input.py` from
the table of the tests in `tests/corpus/`, which writes every one of these files and looks: what stands here is what
happens. Do not edit it.

One bad file never stops the others, and none is forgotten: what is not used is named with a sentence, or counted.

- **split** (`data split`) hashes every file and looks at its pixels. *Used* files stand in the manifests, with the size
  of the upright picture; files *left out* are listed with the sentence that is quoted here. With `--no-near` it reads
  headers only, so that damage in the pixels stays unseen.
- **audit** (`data audit`) decodes every pixel. It says *keep* or *drop* in its keep-list, which you may edit, with the
  reasons. Notes, which drop nothing, are in brackets. The corpus's pictures are small; that alone is not counted here.
- **training** replaces a file that it cannot read by another picture, and counts it. In a run you see this as a warning
  with the file's name; a run whose pictures are all broken stops.
- **upscaling** (`upscale`) goes on with the other files, lists those that failed, and ends with exit code 3.

*Ignored* files are not pictures; nothing opens them.
"""

_REQUESTS = """\

## Names and folders that are refused

The command stops at once, with exit code 2 and one sentence, and writes nothing.

"""

_RUNS = """\

## Runs of `upscale`

With the flags that matter, the exit code, and what is said about it. Half a JPEG counts as broken, and there is no flag
that lets it pass: a result with a gray half looks like a success.

"""
_MODELS = """\

## Model files

Weights are read without running anything that a file carries. Exit code 6 is a file that is damaged or not to be
trusted; 2 is one that is whole, but no generator that is known here.

"""
_HELD = """\

## Faults while it runs

These are made by tests elsewhere, which inject the fault.

"""


def render_page() -> str:
    """Return the whole page as Markdown."""
    head = ("id", "what it is", "split", "audit", "training", "upscaling", "what is said, and why")
    entries = _table(head, map(_entry_cells, ENTRIES))
    refused = ((each.id, each.what, each.who, _quoted(each.words)) for each in REFUSALS)
    requests = _table(("id", "what it is", "who is asked", "what is said"), refused)
    runs = _table(("id", "what it is", "flags", "exit code", "what is said"), map(_run_cells, RUNS))
    models = _table(("id", "what it is", "exit code", "what is said"), map(_model_cells, MODELS))
    held = _table(("id", "what it is", "what happens", "tested by"), map(_held_cells, HELD))
    parts = (f"{_HEAD}\n## Files\n\n", entries, _REQUESTS, requests, _RUNS, runs, _MODELS, models, _HELD, held)
    return "".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _entry_cells(entry: Entry) -> tuple[str, ...]:
    outcomes = (entry.split, entry.training, entry.upscaling)
    said = [_quoted(outcome.words) for outcome in outcomes if isinstance(outcome, LeftOut)]
    said += [_quoted(outcome.warns) for outcome in outcomes if isinstance(outcome, Read) and outcome.warns]
    said += [outcome.note for outcome in outcomes if not isinstance(outcome, LeftOut) and outcome.note]
    return (
        entry.id,
        entry.what,
        _word(entry.split, bad="left out") + (f", {_size(entry.split)}" if isinstance(entry.split, Read) else ""),
        _judgement(entry.audit),
        _word(entry.training, bad="replaced"),
        _word(entry.upscaling, bad="failed"),
        "; ".join(dict.fromkeys(said)),
    )


def _run_cells(run: UpscaleRun) -> tuple[str, ...]:
    flags = " ".join(flag if len(flag) < 30 else f"{flag[:10]}..." for flag in run.flags)
    return (run.id, run.what, f"`{flags}`" if flags else "", str(run.code), _quoted(run.words.replace("\n", " ")))


def _model_cells(model: ModelFile) -> tuple[str, ...]:
    return (model.id, model.what, str(model.code), _quoted(model.words))


def _held_cells(held: Held) -> tuple[str, ...]:
    return (held.id, held.what, held.happens, f"`{held.test.split('::')[0]}`")


def _word(outcome: Outcome, *, bad: str) -> str:
    return {Read: "used", LeftOut: bad, Ignored: "ignored"}[type(outcome)]


def _size(read: Read) -> str:
    return f"{read.size[0]} x {read.size[1]}"


def _judgement(audited: Audited | Ignored) -> str:
    if isinstance(audited, Ignored):
        return f"ignored ({audited.finding})" if audited.finding else "ignored"
    names = [*audited.reasons, *(f"({note})" for note in audited.notes)]
    return f"{'keep' if audited.keep else 'drop'}{': ' if names else ''}{', '.join(names)}"


def _quoted(words: str) -> str:
    return f"“… {words} …”"
