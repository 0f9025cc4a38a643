import struct

import pytest
from PIL import Image

from realesrgan_arch import image_exif
from tests.image_makers import exif_block, tags

THUMBNAIL = b"\xff\xd8 a small picture \xff\xd9"


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_is_made_upright_and_keeps_everything_else(order):
    before, after = tags(exif_block(order)), tags(image_exif.normalised(exif_block(order)))
    assert before[0].pop(274) == 6 and after[0].pop(274) == 1
    assert after == before
    assert image_exif.orientation(exif_block(order)) == 6


def test_the_makers_note_stays_where_its_offsets_expect_it():
    block = exif_block(thumbnail=THUMBNAIL)
    note = b"note of the maker"
    assert image_exif.normalised(block).index(note) == block.index(note)


@pytest.mark.parametrize("trailer", [b"", b"\0\0", b"more than zeros"])
def test_the_thumbnail_goes_and_what_follows_it_stays_in_its_place(trailer):
    block = exif_block(thumbnail=THUMBNAIL, trailer=trailer)
    result = image_exif.normalised(block)
    exif = Image.Exif()
    exif.load(result)
    assert exif.get_ifd(1) == {}
    assert b"small picture" not in result
    if trailer.strip(b"\0"):
        assert result.index(trailer) == block.index(trailer)
    else:
        assert len(result) == len(block) - len(THUMBNAIL) - len(trailer)


def test_a_thumbnail_that_claims_to_lie_in_the_directories_destroys_nothing():
    block = bytearray(exif_block(thumbnail=THUMBNAIL))
    width = block.index(struct.pack("<HHI", 256, 4, 1)) + 8
    block[width : width + 2] = b"\xff\xd8"
    struct.pack_into("<I", block, block.rindex(struct.pack("<HHI", 513, 4, 1)) + 8, width)
    result = image_exif.normalised(bytes(block))
    (after, *others), (before, *others_before) = tags(result), tags(bytes(block))
    assert {**after, 274: 6} == before and others == others_before and len(result) == len(block)


def pointing_thumbnail(place: int, length: int, *, begins: int) -> bytes:
    """A block whose thumbnail claims to stand at `place`, `length` long, with a JPEG's first bytes at `begins`."""
    block = bytearray(exif_block(thumbnail=THUMBNAIL))
    block[begins : begins + 2] = b"\xff\xd8"
    for tag, value in ((513, place), (514, length)):
        at = block.rindex(struct.pack("<HHI", tag, 4, 1)) + 8
        struct.pack_into("<I", block, at, value)
    return bytes(block)


@pytest.mark.parametrize("length", [4, 10_000])
def test_a_thumbnail_that_begins_inside_the_exif_directory_cuts_nothing(length):
    inside = exif_block().index(struct.pack("<H", 40962)) + 8
    block = pointing_thumbnail(inside, length, begins=inside)
    result = image_exif.normalised(block)
    assert len(result) == len(block) and tags(result)[1:] == tags(block)[1:]
    assert tags(image_exif.updated(result, (7, 8)))[1][40962] == 7


def test_directories_that_overlap_are_damaged_and_not_an_accident_later():
    # The Exif directory begins in the value of the orientation: made upright, it has 256 entries.
    data = struct.pack(">2sHIH", b"MM", 42, 8, 2)
    data += struct.pack(">HHIHH", 274, 3, 1, 0, 0) + struct.pack(">HHII", 34665, 4, 1, 19) + bytes(4)
    assert struct.unpack_from(">H", data, 19) == (0,)
    assert image_exif.is_readable(data) and image_exif.normalised(data) is None


def test_a_new_resolution_moves_nothing_that_offsets_point_to():
    block = exif_block()
    result = image_exif.with_resolution(block, (240, 120.5))
    (first, *others), (before, *others_before) = tags(result), tags(block)
    assert others == others_before
    assert {**before, 282: 240, 283: 120.5, 296: 2} == first
    assert result.index(b"note of the maker") == block.index(b"note of the maker")
    assert image_exif.resolution(result) == (240, 120.5)


def test_sides_are_those_of_the_result_even_beyond_65535():
    block = exif_block(">")
    first, exif, _ = tags(image_exif.updated(block, (70_000, 96)))
    assert (first[256], first[257], exif[40962], exif[40963]) == (70_000, 96, 70_000, 96)
    assert len(image_exif.updated(block, (70_000, 96))) == len(block)


def test_a_block_without_sides_gets_none():
    exif = Image.Exif()
    exif[271] = "Maker"
    block = exif.tobytes()[6:]
    assert image_exif.updated(block, (8, 9)) == block


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_the_name_before_a_block_is_no_part_of_it(prefix):
    assert image_exif.normalised(prefix + exif_block()) == image_exif.normalised(exif_block())


@pytest.mark.parametrize(
    "block",
    [b"", b"II", b"garbage that is no TIFF", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", exif_block()[:60]],
)
def test_a_damaged_block_is_nothing(block):
    assert image_exif.normalised(block) is None
    assert image_exif.orientation(block) == 1
    assert image_exif.resolution(block) is None


def test_a_block_without_entries_says_nothing_but_is_not_damaged():
    assert image_exif.normalised(b"II*\0\x08\0\0\0" + bytes(8)) == b""


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(value):
    exif = Image.Exif()
    exif[274] = value
    assert image_exif.orientation(exif.tobytes()) == 1


@pytest.mark.parametrize(("unit", "expected"), [(2, (300, 150)), (3, (762, 381)), (1, None)])
def test_resolution_is_in_pixels_per_inch(unit, expected):
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 300.0, 150.0, unit
    assert image_exif.resolution(exif.tobytes()) == expected


def test_the_safe_block_shows_the_camera_and_hides_the_person_and_the_place():
    safe = image_exif.reduced_to_safe(exif_block())
    first, exif, gps = tags(safe)
    assert gps == {} and set(first) == {271, 272, 282, 283, 296, 306, 33432, 34665}
    assert set(exif) == {33434, 34855, 36867, 40962, 40963, 42035, 42036}
    assert (first[272], exif[42036], exif[34855]) == ("Model 7", "Lens", 200)
    for secret in (b"Artist", b"Owner", b"SERIAL", b"comment", b"note of the maker", b"Program"):
        assert secret in exif_block() and secret not in safe


def test_letters_beyond_ascii_survive_in_the_safe_block():
    assert "© Müller".encode("latin-1") in image_exif.reduced_to_safe(exif_block())


def test_a_damaged_or_empty_block_has_no_safe_part():
    exif = Image.Exif()
    exif[315] = "An Artist"
    assert image_exif.reduced_to_safe(exif.tobytes()[6:]) is None
    assert image_exif.reduced_to_safe(b"II*\0\xff\xff\xff\xff") is None
    assert image_exif.reduced_to_safe(b"garbage") is None
