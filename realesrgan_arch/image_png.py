"""The chunks of a PNG file: what belongs to the pixels, and what is written beside them.

Decoders are handed the pixels' chunks only. libpng writes of every flaw in the others to standard error, from where no
thread can take it back; Pillow refuses a whole picture for a profile or a text of more than a megabyte; and OpenCV
shows a frame of an animation where the file has a picture. Format: https://www.w3.org/TR/png-3/.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

MAX_EXTRA_BYTES = 16 * 1024 * 1024
"""A profile, EXIF block or text larger than this (unpacked) is left out."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IEND = b"\0\0\0\0IEND\xaeB`\x82"
_EMPTY_IDAT = b"\0\0\0\0IDAT5\xaf\x06\x1e"
_BESIDE_THE_PIXELS = frozenset({b"iCCP", b"eXIf", b"tEXt", b"zTXt", b"iTXt"})
_XMP_KEY = b"XML:com.adobe.xmp"
_RAW_KEY = b"Raw profile type "
_INCH_IN_METRES = 0.0254
_SRGB_GAMMA, _SRGB_CORNERS = 45455, (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_SRGB_CODES = b"\1\x0d\0\1"  # Primaries of BT.709, transfer of sRGB, RGB, full range (ITU-T H.273).
_GAMMA_TOLERANCE, _CORNER_TOLERANCE = 1000, 1000
"""In hundred-thousandths: a hundredth, which is not seen."""


class Chunk(NamedTuple):
    """A chunk from its length field (`start`) to behind its checksum (`end`), as the file claims."""

    name: bytes
    start: int
    end: int


def read_chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks of a PNG down to IEND or the end of the file; only their first eight bytes are read."""
    position = len(_SIGNATURE)
    stream.seek(position)
    while len(head := stream.read(8)) == 8:
        chunk = Chunk(head[4:], position, position + 12 + int.from_bytes(head[:4], "big"))
        yield chunk
        if chunk.name == b"IEND":
            return
        position = chunk.end
        stream.seek(position)


def for_decoder(data: bytes, stream: BinaryIO) -> bytes:
    """Return the file without what is not needed for its pixels: all ancillary chunks but transparency.

    `stream` is the same file. Of an animation the picture for programs that know no animations remains.
    """
    return _select(data, stream, lambda name: name[:1].isupper() or name == b"tRNS")


def for_pillow(data: bytes, stream: BinaryIO) -> bytes:
    """Return the file without profile, EXIF and texts, for which Pillow may refuse all of it."""
    return _select(data, stream, lambda name: name not in _BESIDE_THE_PIXELS)


def read_head(stream: BinaryIO) -> bytes:
    """Return a PNG with the header chunks of the file in `stream` and no pixel."""
    first = [
        _read(stream, chunk, whole=True)
        for chunk in read_chunks(stream)
        if chunk.name in (b"IHDR", b"PLTE", b"tRNS") and chunk.end - chunk.start < MAX_EXTRA_BYTES
    ]
    return b"".join((_SIGNATURE, *first, _EMPTY_IDAT, _IEND))


def read_exif(stream: BinaryIO) -> bytes | None:
    """Return the EXIF block as it stands in the file, wherever it stands; an `eXIf` chunk goes before a text."""
    block = None
    for chunk in read_chunks(stream):
        if chunk.name == b"eXIf" and chunk.end - chunk.start < MAX_EXTRA_BYTES:
            return _read(stream, chunk)
        if chunk.name in (b"tEXt", b"zTXt", b"iTXt"):
            key, text = _text(stream, chunk)
            block = block or (_raw_profile(text) if key in (_RAW_KEY + b"exif", _RAW_KEY + b"APP1") else None)
    return block if block is None or not block.startswith(b"http") else None


def read_xmp(stream: BinaryIO) -> bytes | None:
    """Return the XMP packet."""
    found = None
    for chunk in read_chunks(stream):
        if chunk.name in (b"tEXt", b"zTXt", b"iTXt"):
            key, text = _text(stream, chunk)
            if key == _XMP_KEY:
                return text
            found = found or (_raw_profile(text) if key == _RAW_KEY + b"xmp" else None)
    return found


def read_profile(stream: BinaryIO) -> bytes | None:
    """Return the unpacked colour profile, empty when it cannot be unpacked or is larger than `MAX_EXTRA_BYTES`."""
    for chunk in read_chunks(stream):
        if chunk.name == b"iCCP":
            return _unpacked(_read(stream, chunk).partition(b"\0")[2][1:])
    return None


def read_dpi(stream: BinaryIO) -> tuple[float, float] | None:
    """Return the pixels per inch, None when they are not told or only their ratio is."""
    for chunk in read_chunks(stream):
        if chunk.name == b"pHYs" and chunk.end - chunk.start == 21:
            body = _read(stream, chunk)
            x, y = (int.from_bytes(body[at : at + 4], "big") * _INCH_IN_METRES for at in (0, 4))
            return (x, y) if body[8] == 1 else None
    return None


def foreign_colours(stream: BinaryIO) -> str | None:
    """Return the names of the chunks that describe colours other than sRGB and are not kept, None when there are none.

    A profile or an `sRGB` chunk goes before gAMA and cHRM (section 4.3 of the standard).
    """
    found = {chunk.name: chunk for chunk in reversed(list(read_chunks(stream)))}
    names = [b"cICP"] if {b"iCCP", b"sRGB"} & set(found) else [b"cICP", b"gAMA", b"cHRM"]
    foreign = [name for name in names if name in found and not _is_srgb(name, _read(stream, found[name])[:32])]
    return " and ".join(name.decode() for name in foreign) or None


def holds_iptc(stream: BinaryIO) -> bool:
    """Say whether there are IPTC data, which stand in a text of ImageMagick's form."""
    texts = (_text(stream, chunk)[0] for chunk in read_chunks(stream) if chunk.name in (b"tEXt", b"zTXt", b"iTXt"))
    return _RAW_KEY + b"iptc" in texts


def is_animated(stream: BinaryIO) -> bool:
    """Say whether the file holds more than one picture."""
    return any(chunk.name == b"acTL" for chunk in read_chunks(stream))


def _is_srgb(name: bytes, body: bytes) -> bool:
    """True for a damaged chunk, too, which says nothing."""
    if name == b"cICP":
        return body == _SRGB_CODES or len(body) != 4
    expected, most = ((_SRGB_GAMMA,), _GAMMA_TOLERANCE) if name == b"gAMA" else (_SRGB_CORNERS, _CORNER_TOLERANCE)
    if len(body) != 4 * len(expected):
        return True
    numbers = struct.unpack(f">{len(expected)}I", body)
    return all(abs(number - wanted) <= most for number, wanted in zip(numbers, expected, strict=True))


def _select(data: bytes, stream: BinaryIO, wanted: Callable[[bytes], bool]) -> bytes:
    found = list(read_chunks(stream))
    if all(wanted(chunk.name) for chunk in found):
        return data
    view = memoryview(data)
    return b"".join((_SIGNATURE, *(view[chunk.start : chunk.end] for chunk in found if wanted(chunk.name))))


def _read(stream: BinaryIO, chunk: Chunk, *, whole: bool = False) -> bytes:
    """The chunk's content, or all of it; the stream stays usable for `read_chunks`, which seeks."""
    stream.seek(chunk.start if whole else chunk.start + 8)
    return stream.read(chunk.end - chunk.start - (0 if whole else 12))


def _text(stream: BinaryIO, chunk: Chunk) -> tuple[bytes, bytes]:
    """Key and unpacked text; both empty for a key of no interest or a text that is damaged or too large."""
    if chunk.end - chunk.start > MAX_EXTRA_BYTES:
        return b"", b""
    key, _, rest = _read(stream, chunk).partition(b"\0")
    if key != _XMP_KEY and not key.startswith(_RAW_KEY):
        return b"", b""
    is_packed = chunk.name == b"zTXt" or (chunk.name == b"iTXt" and rest[:1] == b"\1")
    if chunk.name == b"zTXt":
        rest = rest[1:]
    elif chunk.name == b"iTXt":
        rest = rest[2:].split(b"\0", 2)[-1]
    text = _unpacked(rest) if is_packed else rest
    return (key, text) if text else (b"", b"")


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, MAX_EXTRA_BYTES)
    except zlib.error:
        return b""
    return content if unpacker.eof else b""


def _raw_profile(text: bytes) -> bytes | None:
    """ImageMagick's form: a name, a length and the bytes in hexadecimal."""
    found = re.match(rb"\s*\w+\s+(\d+)\s+([0-9a-fA-F\s]*)$", text)
    try:
        return bytes.fromhex(found[2].decode())[: int(found[1])] if found else None
    except ValueError:
        return None
