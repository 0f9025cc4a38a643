"""The keep-list: what the user edits stays, whatever the names are."""

import pytest

from realesrgan_arch.audit.keep_list import KeepRow, build_keep_row, read_keep_list, read_keep_rows, write_keep_list
from realesrgan_arch.data.files import DataError

ODD_NAMES = [
    "a,b.jpg",
    'say "hi".jpg',
    "two\nlines.jpg",
    "car\rriage.jpg",
    "\udcff.jpg",
    " lead.jpg",
    "-x.jpg",
    "ü/é.jpg",
]


def row(path, *drops, notes=()):
    return build_keep_row(path, drops=drops, notes=notes)


def test_a_reason_leaves_a_file_out_and_a_note_does_not():
    assert row("a.jpg") == KeepRow(True, "a.jpg", "")
    assert row("a.jpg", "blurred", notes=["gray"]) == KeepRow(False, "a.jpg", "blurred (gray)")
    assert row("a.jpg", notes=["gray"]) == KeepRow(True, "a.jpg", "(gray)")


def test_every_name_comes_back_as_it_was(tmp_path):
    path = tmp_path / "keep.csv"
    write_keep_list([row(name) for name in ODD_NAMES], path)
    assert [entry.path for entry in read_keep_rows(path)] == ODD_NAMES
    assert read_keep_list(path).kept == frozenset(ODD_NAMES)


def test_a_file_that_the_user_put_back_or_took_out_stays_so_when_the_audit_runs_again(tmp_path):
    path = tmp_path / "keep.csv"
    rows = [row("a.jpg", "blurred"), row("b.jpg", "blurred"), row("c.jpg", notes=["gray"]), row("d.jpg")]
    write_keep_list(rows, path)
    edited = path.read_text().replace("no,a.jpg", "Yes,a.jpg").replace("yes,c.jpg", "no ,c.jpg")
    path.write_text(edited)
    write_keep_list(rows, path)
    keep_list = read_keep_list(path)
    assert keep_list.kept == {"a.jpg", "d.jpg"}
    assert keep_list.dropped == {"b.jpg": "blurred", "c.jpg": "(gray)"}


def test_what_nobody_edited_follows_the_new_thresholds(tmp_path):
    path = tmp_path / "keep.csv"
    write_keep_list([row("a.jpg", "blurred"), row("b.jpg")], path)
    write_keep_list([row("a.jpg"), row("b.jpg", "compressed")], path)
    assert read_keep_list(path).kept == {"a.jpg"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must have the columns keep,path,reasons"),
        ("keep;path;reasons\nyes;a.jpg;\n", "save it as CSV with commas"),
        ("keep,path,reasons\n", "lists no file"),
        ("keep,path,reasons\nmaybe,a.jpg,\n", "line 2: keep must be yes or no, got 'maybe'"),
        ("keep,path,reasons\nyes,a.jpg\n", "line 2 must have 3 values"),
        ("keep,path,reasons\nyes,a.jpg,\nyes,../b.jpg,\n", "line 3: '../b.jpg' must be a path below"),
        ("keep,path,reasons\nyes,/b.jpg,\n", "must be a path below"),
        ("keep,path,reasons\nyes,C:/b.jpg,\n", "line 2: 'C:/b.jpg' must be a path below the audited folder"),
        ("keep,path,reasons\nyes,a\0.jpg,\n", "must be a path below"),
        ("keep,path,reasons\nyes,a.jpg," + "x" * 200_000, "is damaged in line 2 .* delete it and audit again"),
        ("keep,path,reasons\nyes,a.jpg,\nno,a.jpg,\n", "line 3: 'a.jpg' stands there twice"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_sentence_and_stays_as_it_is(tmp_path, text, sentence):
    path = tmp_path / "keep.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_keep_list(path)
    with pytest.raises(DataError):
        write_keep_list([row("a.jpg")], path)
    assert path.read_text() == text


def test_a_spreadsheet_s_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "keep.csv"
    path.write_bytes(b"\xef\xbb\xbfkeep,path,reasons\r\nno,a.jpg,blurred\r\nyes,b.jpg,\r\n")
    assert read_keep_list(path).dropped == {"a.jpg": "blurred"}


def test_no_list_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"keep-list .*keep.csv cannot be read: No such file"):
        read_keep_list(tmp_path / "keep.csv")
