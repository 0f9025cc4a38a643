"""The keep-list: what the user edits stays, whatever the names are."""

import pytest

from realesrgan_arch.audit.keep_list import KeepRow, build_keep_row, read_keep_list, read_keep_rows, write_keep_list
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.scan import scan_folder
from tests.audit.pictures import write_photo

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


GOOD, BAD = row("a.jpg"), row("a.jpg", "blurred")


@pytest.mark.parametrize(("first", "then"), [(BAD, GOOD), (GOOD, BAD)])
def test_a_decision_outlives_limits_that_go_there_and_back(tmp_path, first, then):
    path = tmp_path / "keep.csv"
    write_keep_list([first, row("b.jpg")], path)
    before, after = ("yes,a.jpg", "no,a.jpg") if first.keep else ("no,a.jpg", "yes,a.jpg")
    path.write_text(path.read_text().replace(before, after))
    for limits in (first, then, first, then, first):
        write_keep_list([limits, row("b.jpg")], path)
        assert ("a.jpg" in read_keep_list(path).kept) == (not first.keep)


def test_a_decision_about_a_file_that_is_absent_once_waits_for_it(tmp_path):
    path = tmp_path / "keep.csv"
    write_keep_list([BAD, row("b.jpg"), row("c.jpg")], path)
    path.write_text(path.read_text().replace("no,a.jpg", "yes,a.jpg"))
    for _ in range(2):
        rows = write_keep_list([row("b.jpg")], path)
        assert rows == [row("b.jpg"), KeepRow(True, "a.jpg", "(absent)", is_yours=True)]
        assert [entry.is_absent for entry in read_keep_rows(path)] == [False, True]
    assert write_keep_list([BAD, row("b.jpg")], path)[0] == KeepRow(True, "a.jpg", "blurred", is_yours=True)


def test_a_split_does_not_mind_decisions_about_absent_files(tmp_path):
    root, path = tmp_path / "photos", tmp_path / "keep.csv"
    write_photo(root / "b.jpg", 1, side=64)
    path.write_text("keep,path,reasons,decided\nyes,b.jpg,,audit\nyes,a.jpg,(absent),you\nno,c.jpg,(absent),you\n")
    scan = scan_folder(root, keep=read_keep_list(path))
    assert ([image.path for image in scan.images], scan.num_dropped) == (["b.jpg"], 0)


def test_a_decision_can_be_handed_back_to_the_audit(tmp_path):
    path = tmp_path / "keep.csv"
    path.write_text("keep,path,reasons,decided\nyes,a.jpg,,you\n")
    assert write_keep_list([BAD], path)[0].keep
    path.write_text(path.read_text().replace("yes,a.jpg,blurred,you", "no,a.jpg,blurred,audit"))
    assert write_keep_list([GOOD], path) == [GOOD]


def test_what_nobody_edited_follows_the_new_thresholds(tmp_path):
    path = tmp_path / "keep.csv"
    write_keep_list([row("a.jpg", "blurred"), row("b.jpg")], path)
    write_keep_list([row("a.jpg"), row("b.jpg", "compressed")], path)
    assert read_keep_list(path).kept == {"a.jpg"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must have the columns keep,path,reasons,decided"),
        ("keep;path;reasons\nyes;a.jpg;\n", "save it as CSV with commas"),
        ("keep,path,reasons\n", "lists no file"),
        ("keep,path,reasons\nmaybe,a.jpg,\n", "line 2: keep must be yes or no, got 'maybe'"),
        ("keep,path,reasons,decided\nno,a.jpg,,me\n", "line 2: decided must be you or audit, got 'me'"),
        ("keep,path,reasons\nyes,a.jpg\n", "line 2 must have 3 values"),
        ("keep,path,reasons\nyes,a.jpg,\nyes,../b.jpg,\n", "line 3: '../b.jpg' must be a path below"),
        ("keep,path,reasons\nyes,/b.jpg,\n", "must be a path below"),
        ("keep,path,reasons\nyes,C:/b.jpg,\n", "line 2: 'C:/b.jpg' must be a path below the audited folder"),
        ("keep,path,reasons\nyes,a\0.jpg,\n", "must be a path below"),
        ("keep,path,reasons\nyes,a.jpg," + "x" * 200_000, "is damaged in line 2 .* move it away and audit again"),
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
