"""`data audit` over the whole corpus at once: what the keep-list says of each file, and why."""

import csv
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import pytest

from realesrgan_arch.audit.keep_list import KeepRow, read_keep_rows
from tests.corpus.corpus_folder import GOOD_NAMES, Corpus, faults, run_quietly
from tests.corpus.entries import Audited, Entry, Ignored
from tests.corpus.powers import give_up_powers
from tests.corpus.table import ENTRIES

THRESHOLDS = "too_small: {note: 30, drop: 30}\n"
"""The corpus's pictures have sides of 40 and more, except those that are about small pictures."""


@dataclass(frozen=True)
class Audit:
    keep_rows: dict[str, KeepRow]
    findings: list[dict[str, str]]

    def reasons(self, name: str, drop: str) -> set[str]:
        return {row["reason"] for row in self.findings if row["path"] == name and row["drop"] == drop}


@pytest.fixture(scope="module")
def audit(corpus: Corpus, work: Path) -> Audit:
    (work / "audit.yml").write_text(THRESHOLDS)
    # In a process of its own: it gives up powers for good.
    process = multiprocessing.get_context("spawn").Process(target=_audit, args=(corpus, work))
    process.start()
    process.join()
    assert process.exitcode == 0
    text = (work / "out" / "findings.csv").read_bytes().decode("utf-8-sig", "surrogateescape")
    findings = list(csv.DictReader(text.splitlines(keepends=True)))
    return Audit({row.path: row for row in read_keep_rows(work / "out" / "keep.csv")}, findings)


def _audit(corpus: Corpus, work: Path) -> None:
    give_up_powers()
    with faults(corpus):
        arguments = ("--out", str(work / "out"), "--thresholds", str(work / "audit.yml"), "--jobs", "2")
        run_quietly("audit", str(corpus.root), *arguments)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_entry_is_judged_as_the_table_says(entry: Entry, corpus: Corpus, audit: Audit):
    for name in corpus.relative(entry):
        if isinstance(entry.audit, Ignored):
            assert not any(known.startswith(name) for known in audit.keep_rows)
            assert audit.reasons(name, "no") == ({entry.audit.finding} - {""})
            assert not audit.reasons(name, "yes")
        else:
            assert audit.keep_rows[name].keep == entry.audit.keep
            assert audit.reasons(name, "yes") == set(entry.audit.reasons)
            assert audit.reasons(name, "no") == set(entry.audit.notes)


def test_every_picture_has_one_row_and_good_ones_have_no_finding(corpus: Corpus, audit: Audit):
    judged = [name for entry in ENTRIES if isinstance(entry.audit, Audited) for name in corpus.relative(entry)]
    assert sorted(audit.keep_rows) == sorted([*judged, *GOOD_NAMES])
    assert [row for row in audit.findings if row["path"] in GOOD_NAMES] == []


def test_every_finding_has_a_sentence_that_is_one_line(audit: Audit):
    assert audit.findings
    for row in audit.findings:
        assert row["sentence"].endswith(".")
        assert "\n" not in row["sentence"]
