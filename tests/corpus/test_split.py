"""`data split` over the whole corpus at once: what is used, what is named and left out, what is not looked at."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.image_header import shown
from tests.corpus.corpus_folder import GOOD_NAMES, Corpus, faults, run_quietly
from tests.corpus.entries import Entry, Ignored, LeftOut, Read
from tests.corpus.table import ENTRIES


@dataclass(frozen=True)
class Split:
    rows: dict[str, ManifestRow]
    left_out: list[str]


@pytest.fixture(scope="module")
def split(corpus: Corpus, work: Path) -> Split:
    with faults(corpus):
        report = run_quietly("split", str(corpus.root), "--out", str(work), "--keep", "none")
    left_out = report.facts["left_out"]
    assert isinstance(left_out, list)
    rows = [row for part in open_split(work).rows.values() for row in part]
    return Split({row.path: row for row in rows}, [str(sentence) for sentence in left_out])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_entry_is_split_as_the_table_says(entry: Entry, corpus: Corpus, split: Split):
    for path, name in zip(corpus.paths[entry.id], corpus.relative(entry), strict=True):
        sentences = [sentence for sentence in split.left_out if sentence.startswith(f"{shown(path)} ")]
        if isinstance(entry.split, Read):
            row = split.rows[name]
            assert (row.width, row.height) == entry.split.size
            assert row.bytes == path.stat().st_size
            assert not sentences
        else:
            assert not any(known.startswith(name) for known in split.rows)
            words = [entry.split.words] if isinstance(entry.split, LeftOut) else []
            assert len(sentences) == len(words)
            assert all(word in sentence for word, sentence in zip(words, sentences, strict=True))
            assert all("\n" not in sentence for sentence in sentences)


def test_nothing_is_lost_and_nothing_is_told_twice(corpus: Corpus, split: Split):
    read = [name for entry in ENTRIES if isinstance(entry.split, Read) for name in corpus.relative(entry)]
    assert sorted(split.rows) == sorted([*read, *GOOD_NAMES])
    left_out = [entry for entry in ENTRIES if isinstance(entry.split, LeftOut)]
    assert len(split.left_out) == sum(len(corpus.paths[entry.id]) for entry in left_out)
    assert any(isinstance(entry.split, Ignored) for entry in ENTRIES)
