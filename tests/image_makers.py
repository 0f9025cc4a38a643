"""Pictures and blocks for the tests of the image modules, made by Pillow or by hand."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6" exif:PixelXDimension="40"/></x:xmpmeta>'


def picture(height: int = 24, width: int = 40) -> np.ndarray:
    """A smooth picture without any symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    planes = np.stack((x / width, y / height, (x + 2 * y) / (width + 2 * height)), axis=2)
    return np.round(planes * 255).astype(np.uint8)


def saved(pixels: np.ndarray, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunks(png: bytes, *chunks: bytes, at_the_end: bool = False) -> bytes:
    """Put chunks behind the header of a PNG, or behind its pixels."""
    place = len(png) - 12 if at_the_end else 33
    return png[:place] + b"".join(chunks) + png[place:]


def exif_block(order: str = "<", *, thumbnail: bytes = b"", trailer: bytes = b"") -> bytes:
    """EXIF with orientation 6, sides, a maker's note that is found by its offset, GPS, names and serial numbers."""
    exif = Image.Exif()
    exif.endian = order
    exif[256], exif[257], exif[274] = 40, 24, 6
    exif[271], exif[272], exif[305], exif[306] = "Maker", "Model 7", "Program 1.0", "2026:01:02 03:04:05"
    exif[282], exif[283], exif[296] = 300.0, 150.0, 2
    exif[315], exif[33432] = "An Artist", "© Müller".encode("latin-1")
    exif[34665] = {
        33434: 0.01, 34855: 200, 36867: "2026:01:02 03:04:05", 40962: 40, 40963: 24, 37500: b"note of the maker",
        42032: "An Owner", 42033: "SERIAL-1", 42035: "Lens maker", 42036: "Lens", 37510: b"ASCII\0\0\0comment",
    }  # fmt: skip
    exif[34853] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    data = bytearray(exif.tobytes()[6:])
    if thumbnail:
        start = struct.unpack_from(order + "I", data, 4)[0]
        link = start + 2 + 12 * struct.unpack_from(order + "H", data, start)[0]
        second = len(data)
        struct.pack_into(order + "I", data, link, second)
        body = second + 2 + 24 + 4
        entries = ((513, 4, 1, body), (514, 4, 1, len(thumbnail)))
        data += struct.pack(order + "H", 2) + b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
        data += bytes(4) + thumbnail + trailer
    return bytes(data)


def tags(block: bytes) -> tuple[dict, dict, dict]:
    """First directory, EXIF directory and GPS directory of a block."""
    exif = Image.Exif()
    exif.load(block)
    return dict(exif), dict(exif.get_ifd(34665)), dict(exif.get_ifd(34853))


def cmyk_profile() -> bytes:
    """A profile whose colours nobody would guess: paper is white, cyan prints red, black prints black.

    Each corner of the cube of inks has a CIE L*a*b* colour, in the `mft1` table of ICC.1:2001-04, 6.5.5.
    """
    red, white, black, gray = (138, 208, 195), (255, 128, 128), (0, 128, 128), (128, 128, 128)
    corners = [
        black if k else red if (c, m, y) == (1, 0, 0) else gray if (c, m, y) != (0, 0, 0) else white
        for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
    ]  # fmt: skip
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (index % 4 == 0) for index in range(9)))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + bytes(sum(corners, ())) + ramp * 3
    start = 128 + 4 + 12
    head = struct.pack(">I4sI4s4s4s", start + len(table), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", start, len(table)) + table


def gray_profile(*, gamma: float) -> bytes:
    """The smallest gray profile: white point and a curve (ICC.1:2001-04, 6.3.2)."""
    white = b"XYZ " + bytes(4) + SRGB[68:80]
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big") + bytes(2)
    table = (2).to_bytes(4, "big")
    for name, start, size in ((b"wtpt", 156, 20), (b"kTRC", 176, 16)):
        table += name + start.to_bytes(4, "big") + size.to_bytes(4, "big")
    body = table + white + curve
    head = bytearray(SRGB[:128])
    head[0:4], head[8:12], head[16:20] = (128 + len(body)).to_bytes(4, "big"), b"\x02\x40\0\0", b"GRAY"
    return bytes(head) + body
