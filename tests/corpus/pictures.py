"""Bytes of good and bad pictures, made from seeds; nothing of the corpus is stored."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 60, 40
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def noise(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """RGB (H, W, 3) whose every pixel differs from its neighbours: nothing compresses it away."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def facade(seed: int, width: int = 240, height: int = 160) -> np.ndarray:
    """RGB (H, W, 3) like a photograph: a gradient, edges at every scale, grain. No audit finds anything in it."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([90 + 60 * rows / height, 110 + 40 * columns / width, np.full(rows.shape, 100.0)], axis=2)
    for _ in range(60):
        top, left = generator.integers(0, height), generator.integers(0, width)
        window = (slice(top, top + generator.integers(3, 40)), slice(left, left + generator.integers(3, 40)))
        pixels[window] += generator.normal(0, 45, 3)
    return (pixels + generator.normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a file of that kind, written by Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(seed: int = 0, **options: Any) -> bytes:
    return encoded(noise(seed), "PNG", **options)


def jpeg(seed: int = 0, **options: Any) -> bytes:
    return encoded(noise(seed), "JPEG", quality=90, **options)


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of a picture, every pixel of which can be decoded."""
    with Image.open(path) as image:
        image.load()
        return image.size


def turned_jpeg(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return jpeg(orientation, exif=exif)


def with_flipped_bit(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def flipped_png() -> bytes:
    """One bit of the pixels is wrong; the checksum of the chunk tells."""
    data = png(5)
    return with_flipped_bit(data, data.index(b"IDAT") + 2000)


def flipped_checksum() -> bytes:
    """The pixels are right and their checksum is not."""
    data = png(6)
    return with_flipped_bit(data, data.index(b"IEND") - 6)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_that_claims(width: int, height: int) -> bytes:
    """A valid header with next to nothing behind it."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(1000)))
    return _PNG_SIGNATURE + header + pixels + png_chunk(b"IEND", b"")


def jpeg_that_claims(width: int, height: int) -> bytes:
    """A JPEG whose frame header names another size."""
    data = jpeg(22)
    start = data.index(b"\xff\xc0") + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


def gif_that_claims(width: int, height: int) -> bytes:
    data = encoded(Image.fromarray(noise(23)).quantize(16), "GIF")
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def bmp_that_claims(width: int, height: int) -> bytes:
    data = encoded(noise(24), "BMP")
    return data[:18] + struct.pack("<ii", width, height) + data[26:]


def tiff_that_claims(width: int, height: int) -> bytes:
    """An uncompressed TIFF whose first two entries, width and height, are other numbers."""
    data = bytearray(encoded(noise(25), "TIFF"))
    start = struct.unpack_from("<I", data, 4)[0] + 2
    for entry, value in ((start, width), (start + 12, height)):
        struct.pack_into("<HI", data, entry + 2, 4, 1)
        struct.pack_into("<I", data, entry + 8, value)
    return bytes(data)


def png_with_huge_text() -> bytes:
    """A small picture with a comment that unpacks to 200 MB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    data = png(26)
    end = data.index(b"IDAT") - 4
    return data[:end] + png_chunk(b"zTXt", b"Comment\0\0" + packed) + data[end:]


def with_frames(kind: str, seed: int) -> bytes:
    """Three pictures in one file."""
    first, *others = (Image.fromarray(noise(seed + index)) for index in range(3))
    return encoded(first, kind, save_all=True, append_images=others)


def foreign_mode(mode: str) -> bytes:
    """A PNG of the Pillow mode: gray, black and white, gray with alpha, palette."""
    image = Image.fromarray(noise(ord(mode[0])))
    if mode == "LA":
        image = Image.merge("LA", image.split()[:2])
    elif mode == "P":
        image = image.quantize(64)
    else:
        image = image.convert(mode)
    return encoded(image, "PNG")


def palette_with_transparency() -> bytes:
    return encoded(Image.fromarray(noise(91)).quantize(64), "PNG", transparency=3)


def raw_photograph(*, is_cr2: bool) -> bytes:
    """A TIFF as cameras write it: a small preview in front, the marks of DNG or CR2."""
    image = Image.fromarray(noise(27, 16, 12))
    if not is_cr2:
        return encoded(image, "TIFF", tiffinfo={50706: b"\x01\x04\x00\x00", 50708: "Camera"})
    body = encoded(image, "TIFF")
    shift = 8  # The mark "CR", a version and an offset stand between the header and the first directory.
    first = struct.unpack_from("<I", body, 4)[0]
    directory = bytearray(body)
    for index in range(struct.unpack_from("<H", body, first)[0]):
        _shift_offsets(directory, first + 2 + 12 * index, shift)
    header = body[:4] + struct.pack("<I", first + shift) + b"CR\x02\x00" + bytes(4)
    return header + bytes(directory[8:])


def _shift_offsets(data: bytearray, entry: int, shift: int) -> None:
    """Move what an entry of a TIFF's directory points at: long values, and the place of the pixels."""
    tag, kind, count = struct.unpack_from("<HHI", data, entry)
    size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind] * count
    if size > 4 or tag == 273:
        struct.pack_into("<I", data, entry + 8, struct.unpack_from("<I", data, entry + 8)[0] + shift)
