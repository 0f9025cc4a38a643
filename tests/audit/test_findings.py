"""Findings of a folder: copies name their original, and the worst come first."""

from dataclasses import replace

import pytest

from realesrgan_arch.audit.examine import Fault, Record, examine
from realesrgan_arch.audit.findings import Found, badness, encode_findings, find_all, find_copies, in_order, state_fault
from realesrgan_arch.audit.judge import Finding
from realesrgan_arch.audit.thresholds import AuditThresholds, Limits
from realesrgan_arch.images import read_rgb, write_image
from realesrgan_arch.perceptual_hash import Fingerprint
from tests.audit.pictures import write_photo

DEFAULTS = AuditThresholds()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The record of a photograph without findings."""
    folder = tmp_path_factory.mktemp("good")
    write_photo(folder / "a.jpg", 1)
    record = examine("a.jpg", root=folder, thresholds=DEFAULTS)
    assert find_all([record], DEFAULTS, changed=frozenset()) == []
    return record


def like(good, path, *, bits, sha256=None, detail=1.0):
    return replace(good, path=path, sha256=sha256 or path, fingerprint=Fingerprint(bits, detail))


def pairs(found):
    return [(item.path, item.finding.reason, item.finding.value) for item in found]


def test_of_the_same_bytes_the_first_is_kept_and_named(good):
    records = [like(good, name, bits=0, sha256="s") for name in ("a.jpg", "b.jpg", "c.jpg")]
    found = find_copies([*records, like(good, "d.jpg", bits=0)])
    assert pairs(found) == [("b.jpg", "exact_duplicate", 3), ("c.jpg", "exact_duplicate", 3)]
    assert all(item.finding.drop and item.finding.text == "The same bytes as a.jpg." for item in found)


def test_a_near_copy_names_the_nearest_earlier_picture_and_stays(good):
    records = [like(good, "a.jpg", bits=0), like(good, "b.jpg", bits=0xFF), like(good, "c.jpg", bits=0xF)]
    found = find_all(records, DEFAULTS, changed=frozenset())
    assert pairs(found) == [("b.jpg", "near_duplicate", 8), ("c.jpg", "near_duplicate", 4)]
    text = "Looks like a.jpg: 4 of 64 bits of their fingerprints differ."
    assert found[1].finding == Finding("near_duplicate", 4.0, 8.0, False, text)


def test_near_copies_can_be_left_out_or_ignored(good):
    records = [like(good, "a.jpg", bits=0), like(good, "b.jpg", bits=3), like(good, "c.jpg", bits=0x7F00)]
    strict = AuditThresholds(near_duplicate=Limits(note=8, drop=2))
    found = [
        (item.path, item.finding.drop, item.finding.threshold)
        for item in find_all(records, strict, changed=frozenset())
    ]
    assert found == [("b.jpg", True, 2.0), ("c.jpg", False, 8.0)]
    assert find_all(records, AuditThresholds(near_duplicate=Limits()), changed=frozenset()) == []


def test_in_a_chain_of_near_copies_only_what_stays_leaves_others_out(good):
    chain = [like(good, name, bits=bits) for name, bits in (("a.jpg", 0), ("b.jpg", 3), ("c.jpg", 15), ("d.jpg", 3))]
    found = find_all(chain, AuditThresholds(near_duplicate=Limits(drop=2)), changed=frozenset())
    assert pairs(found) == [("b.jpg", "near_duplicate", 2), ("d.jpg", "near_duplicate", 2)]
    assert [item.finding.text[:16] for item in found] == ["Looks like a.jpg"] * 2


def test_blank_pictures_are_not_copies_of_each_other(good):
    records = [like(good, "a.jpg", bits=1, detail=0.0), like(good, "b.jpg", bits=1, detail=0.0)]
    assert find_all(records, DEFAULTS, changed=frozenset()) == []


def test_what_is_left_out_anyway_is_nobody_s_near_copy(good):
    tiny = replace(good.measurements, width=20)
    records = [replace(like(good, "a.jpg", bits=1), measurements=tiny), like(good, "b.jpg", bits=1)]
    assert [item.finding.reason for item in find_all(records, DEFAULTS, changed=frozenset())] == ["too_small"]


def test_a_file_that_changed_is_left_out_and_no_original_for_copies(good):
    records = [like(good, "a.jpg", bits=0, sha256="s"), like(good, "b.jpg", bits=0, sha256="s")]
    found = find_all(records, DEFAULTS, changed={"a.jpg"})
    assert [(item.path, item.finding.reason, item.finding.drop) for item in found] == [("a.jpg", "changed", True)]


def test_two_empty_files_are_empty_and_not_copies():
    records = [Record(name, 0, 1, "e3b0", Fault("empty", f"{name} is empty.")) for name in ("a.jpg", "b.jpg")]
    found = find_all(records, DEFAULTS, changed=frozenset())
    assert pairs(found) == [("a.jpg", "empty", 1.0), ("b.jpg", "empty", 1.0)]


def test_files_left_out_come_first_then_reasons_then_the_worst_then_natural_order():
    def blurred(path, value, drop):
        return Found(path, Finding("blurred", value, 0.6 if drop else 0.8, drop, ""))

    found = [
        blurred("note.jpg", 0.7, False),
        blurred("10.jpg", 0.5, True),
        blurred("2.jpg", 0.5, True),
        blurred("worst.jpg", 0.1, True),
        state_fault("broken.jpg", "corrupt", ""),
        Found("new.jpg", Finding("a_new_reason", 1, 2, True, "")),
    ]
    order = [item.path for item in in_order(found)]
    assert order == ["broken.jpg", "worst.jpg", "2.jpg", "10.jpg", "new.jpg", "note.jpg"]


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [(0, 60, 1), (30, 60, 0.5), (0.925, 0.85, 0.5), (1, 0.85, 1), (0.85, 0.85, 0), (9, 4.5, 0.5), (1e9, 4.5, 1)]
    + [(0, 0, 0), (-1, 0, 1), (3, 0.5, 5 / 6)],
)
def test_badness_is_the_part_of_the_way_from_the_limit_to_the_worst(value, limit, expected):
    assert badness(Finding("", value, limit, True, "")) == pytest.approx(expected)


def test_worst_first_compares_measures_of_different_units():
    quality = Found("q.jpg", Finding("compressed", 28, 30, True, ""))
    grid = Found("g.jpg", Finding("compressed", 0.95, 0.8, True, ""))
    assert [item.path for item in in_order([quality, grid])] == ["g.jpg", "q.jpg"]


def test_the_csv_keeps_every_byte_of_a_name():
    name = b'\xff,\n".jpg'.decode("utf-8", "surrogateescape")
    data = encode_findings([Found(name, Finding("blurred", 1 / 3, 0.6, True, "Blurred."))])
    assert data == b'path,reason,value,threshold,drop,sentence\r\n"\xff,\n"".jpg",blurred,0.333333,0.6,yes,Blurred.\r\n'


def test_a_picture_that_was_resized_and_saved_again_is_a_near_copy(tmp_path):
    write_photo(tmp_path / "a.jpg", 5)
    pixels = read_rgb(tmp_path / "a.jpg")
    write_image(tmp_path / "b.jpg", pixels[2:-2, 2:-2], quality=85)
    write_photo(tmp_path / "c.jpg", 6)
    records = [examine(name, root=tmp_path, thresholds=DEFAULTS) for name in ("a.jpg", "b.jpg", "c.jpg")]
    found = find_all(records, DEFAULTS, changed=frozenset())
    assert [(item.path, item.finding.reason) for item in found] == [("b.jpg", "near_duplicate")]
