"""TIFF directories: reading those of an EXIF block as they stand, and the bytes of new ones.

TIFF 6.0 (Adobe, 1992), section 2; BigTIFF as libtiff defines it; EXIF 2.32 (CIPA DC-008), 4.6.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

ByteOrder = Literal["<", ">"]
BYTE, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 3, 4, 5, 7, 16
BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
BYTE_ORDERS: dict[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}
"""By the first four bytes of a TIFF or an EXIF block."""

X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
_NO_UNIT, _PER_INCH = 1, 2
EXIF_DIRECTORY, GPS_DIRECTORY, INTEROPERABILITY_DIRECTORY = 34665, 34853, 40965
_MAKER_NOTE = 37500
_NOT_MOVABLE = (_MAKER_NOTE, INTEROPERABILITY_DIRECTORY)  # Both hold offsets into the file that they come from.
DESCRIPTIVE_TAGS = frozenset({270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)})
"""The tags of a picture's own directory that say something of it, and not of where its pixels stand.

Description, camera, software, date, artist, computer, rating, copyright, and what Windows writes of title and author.
"""


class Place(NamedTuple):
    """Where the twelve bytes of a tag begin, with its type and number of values."""

    at: int
    type: int
    num_values: int


@dataclass(frozen=True)
class Entry:
    """One tag: its number, type, number of values, and the values in the byte order of the file."""

    tag: int
    type: int
    count: int
    data: bytes


@dataclass(frozen=True)
class TiffForm:
    """How numbers stand in a file: `order` is `<` or `>`; `is_big`: BigTIFF, with offsets of 8 bytes."""

    order: ByteOrder = "<"
    is_big: bool = False

    def numbers(self, tag: int, type_: int, values: Iterable[int]) -> Entry:
        """Return an entry of SHORT, LONG or LONG8 values."""
        values = tuple(values)
        code = {SHORT: "H", LONG: "I", LONG8: "Q"}[type_]
        return Entry(tag, type_, len(values), struct.pack(f"{self.order}{len(values)}{code}", *values))

    def offsets(self, tag: int, values: Iterable[int]) -> Entry:
        """Return an entry of places or lengths in the file."""
        return self.numbers(tag, LONG8 if self.is_big else LONG, values)

    def resolution(self, dpi: tuple[float, float] | None) -> list[Entry]:
        """Return the three entries, which no TIFF goes without, that say how many pixels an inch has if that is known.

        Pillow takes a file without them for one of a pixel per inch.
        """
        parts = [Fraction(value).limit_denominator(10_000) for value in dpi or (1, 1)]
        packed = [struct.pack(f"{self.order}II", part.numerator, part.denominator) for part in parts]
        rationals = [
            Entry(tag, RATIONAL, 1, data) for tag, data in zip((X_RESOLUTION, Y_RESOLUTION), packed, strict=True)
        ]
        return [*rationals, self.numbers(RESOLUTION_UNIT, SHORT, [_PER_INCH if dpi else _NO_UNIT])]

    def pack_header(self, directory_at: int) -> bytes:
        """Return the first 8 bytes of a file, 16 of a BigTIFF, with the place of its directory."""
        mark = b"II" if self.order == "<" else b"MM"
        if self.is_big:
            return mark + struct.pack(f"{self.order}HHHQ", 43, 8, 0, directory_at)
        return mark + struct.pack(f"{self.order}HI", 42, directory_at)

    def pack_directory(self, entries: Iterable[Entry], *, at: int) -> bytes:
        """Return the bytes of a directory that stands `at` that (even) place, with its values behind it."""
        ordered = sorted(entries, key=lambda entry: entry.tag)
        count, entry_form, place = ("Q", "HHQ8s", "Q") if self.is_big else ("H", "HHI4s", "I")
        room = struct.calcsize(f"{self.order}{place}")
        table_bytes = struct.calcsize(f"{self.order}{count}") + room
        table_bytes += len(ordered) * struct.calcsize(f"{self.order}{entry_form}")
        table, values = bytearray(struct.pack(self.order + count, len(ordered))), bytearray()
        for entry in ordered:
            inline = entry.data.ljust(room, b"\0")
            if len(entry.data) > room:
                inline = struct.pack(self.order + place, at + table_bytes + len(values))
                values += entry.data + bytes(len(entry.data) % 2)
            table += struct.pack(self.order + entry_form, entry.tag, entry.type, entry.count, inline)
        return bytes(table + bytes(room) + values)


@dataclass(frozen=True)
class ExifTags:
    """What of an EXIF block a TIFF takes over: its byte order, entries for the picture, and two directories.

    `has_maker_note`: there was one, which is not among them.
    """

    order: ByteOrder
    picture: tuple[Entry, ...] = ()
    camera: tuple[Entry, ...] = ()
    place: tuple[Entry, ...] = ()
    has_maker_note: bool = False


def read_directory(data: bytes | bytearray, start: int, order: str) -> dict[int, Place]:
    """Return the tags of the directory at `start`, of two with the same number the first.

    Raises:
        struct.error: the directory does not lie in `data`; the values may lie outside.
    """
    (count,) = struct.unpack_from(f"{order}H", data, start)
    found: dict[int, Place] = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, type_, num_values, _ = struct.unpack_from(f"{order}HHII", data, at)
        found.setdefault(tag, Place(at, type_, num_values))
    return found


def value_span(data: bytes | bytearray, place: Place, order: str) -> tuple[int, int]:
    """Return where the values of a tag begin and end, which may be outside of `data`; KeyError for an unknown type."""
    num_bytes = place.num_values * BYTES_OF_TYPE[place.type]
    start = place.at + 8 if num_bytes <= 4 else struct.unpack_from(f"{order}I", data, place.at + 8)[0]
    return start, start + num_bytes


def read_exif_tags(exif: bytes) -> ExifTags:
    """Return the entries of an EXIF block (a TIFF without pixels) that make sense in another file.

    What tells how pixels are stored stays behind, and so do the thumbnail and the maker's note, whose offsets would
    point nowhere.

    Raises:
        ValueError: the block is damaged or cut off.
    """
    order = BYTE_ORDERS.get(exif[:4])
    if order is None:
        raise ValueError("an EXIF block begins with II or MM")
    try:
        picture = _read_entries(exif, struct.unpack_from(f"{order}I", exif, 4)[0], order)
        below = {
            tag: _read_entries(exif, struct.unpack(f"{order}I", picture[tag].data)[0], order)
            for tag in (EXIF_DIRECTORY, GPS_DIRECTORY)
            if tag in picture
        }
    except (struct.error, KeyError) as error:
        raise ValueError("an EXIF block is cut off or has an unknown type of values") from error
    camera = below.get(EXIF_DIRECTORY, {})
    return ExifTags(
        order,
        tuple(entry for tag, entry in picture.items() if tag in DESCRIPTIVE_TAGS),
        tuple(entry for tag, entry in camera.items() if tag not in _NOT_MOVABLE),
        tuple(below.get(GPS_DIRECTORY, {}).values()),
        has_maker_note=_MAKER_NOTE in camera,
    )


def pack_resolution_exif(dpi: tuple[float, float]) -> bytes:
    """Return an EXIF block that holds the resolution and nothing else, for a format without a place of its own."""
    form = TiffForm()
    header = form.pack_header(8)
    return header + form.pack_directory(form.resolution(dpi), at=len(header))


def _read_entries(exif: bytes, at: int, order: str) -> dict[int, Entry]:
    found = {}
    for tag, place in read_directory(exif, at, order).items():
        start, end = value_span(exif, place, order)
        if end > len(exif):
            raise ValueError("an EXIF block is cut off")
        found[tag] = Entry(tag, place.type, place.num_values, exif[start:end])
    return found
