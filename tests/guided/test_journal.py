"""The journal is whole after each step, and a file of somebody else's is not overwritten."""

import json

import pytest

from realesrgan_arch.guided.journal import Entry, Journal
from realesrgan_arch.guided.request import GuidedError


def test_what_was_added_is_there_for_the_next_process(tmp_path) -> None:
    path = tmp_path / "mine" / "guided.json"
    Journal(path).add("audit", Entry("abc", {"kept": 3, "sheet": "a b"}))
    assert Journal(path).entry("audit") == Entry("abc", {"kept": 3, "sheet": "a b"})
    assert Journal(path).facts("audit")["kept"] == 3
    assert Journal(path).entry("split") is None


@pytest.mark.parametrize("text", ["", "{", '{"format": 2, "steps": {}}', '{"format": 1, "steps": {"audit": 1}}'])
def test_a_damaged_or_foreign_journal_is_one_sentence_and_stays(tmp_path, text) -> None:
    path = tmp_path / "guided.json"
    path.write_text(text)
    with pytest.raises(GuidedError, match="bring it back from a copy, or choose another --name$"):
        Journal(path)
    assert path.read_text() == text


def test_a_disk_that_refuses_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GuidedError, match=r"guided\.json cannot be written: .*run the same command again"):
        Journal(tmp_path / "file" / "guided.json").add("audit", Entry("a", {}))


def test_the_file_is_plain_json(tmp_path) -> None:
    Journal(tmp_path / "guided.json").add("audit", Entry("abc", {}))
    text = (tmp_path / "guided.json").read_text()
    assert json.loads(text) == {"format": 1, "steps": {"audit": {"inputs": "abc", "facts": {}}}}
