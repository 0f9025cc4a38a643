"""Files <-> pixels: the only place that knows BGR, HWC, uint8, uint16, EXIF orientation and ICC profiles.

The other `image_*.py` are parts of it.

OpenCV decodes and encodes (it is the fastest at both and keeps 16 bits) but never sees a path: it cannot open names
that are not valid UTF-8, and reports every fault as "no image". Pillow reads the headers, and what OpenCV gets wrong:
CMYK, and TIFF of 8 bits, where OpenCV multiplies colours with their alpha. How foreign pixels become RGB: gray is
repeated, a palette is resolved, CMYK is converted to sRGB by its profile, alpha is kept apart (`read_picture`) or
dropped with the colours under it unchanged (`read_rgb`). Of several pictures in a file the first is read.

Importing this module silences OpenCV's log for the process: every fault that it tells of becomes an `ImageError`. It
also makes Pillow's limit on pixels ours (see `image_header.MAX_PIXELS`).
"""

import io
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from realesrgan_arch import atomic, image_png
from realesrgan_arch.image_color import check_profile, cmyk_to_rgb
from realesrgan_arch.image_encode import Picture, Subsampling, encode, to_8_bit
from realesrgan_arch.image_formats import Pixels, check_writable_size, holds_alpha
from realesrgan_arch.image_header import (
    ImageError,
    ImageHeader,
    holds_more_pictures,
    misnamed,
    open_first_rows,
    open_with_pillow,
    parse_header,
    read_header,
    shown,
)
from realesrgan_arch.image_metadata import Metadata, read_metadata
from realesrgan_arch.image_tensor import from_tensor, to_tensor, to_uint8, to_uint16

__all__ = [
    "Box", "ImageError", "Metadata", "Picture", "Pixels", "Subsampling", "check_writable_size", "decode_picture",
    "decode_rgb", "decode_rgb_part", "encode", "from_tensor", "holds_alpha", "read_bytes", "read_facts", "read_picture",
    "read_rgb", "read_size", "to_tensor", "to_uint16", "to_uint8", "write_image", "write_picture",
]  # fmt: skip

_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}
_CV2_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
_CV2_BGR = cv2.IMREAD_COLOR_BGR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
# Above this share of the rows OpenCV decodes the whole PNG as fast as Pillow decodes a part.
_WORTHWHILE_SHARE = 0.85
_PILLOW_FORMS = {"1": "L", "P": "RGB", "PA": "RGBA", "YCbCr": "RGB", "RGBX": "RGB"}

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Box(NamedTuple):
    """A part of a picture: rows `top` to `bottom` and columns `left` to `right`, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int


def read_rgb(path: Path) -> Pixels:
    """`decode_rgb` of a file.

    Raises:
        ImageError: missing, empty, not an image, truncated, damaged, too large, or floating-point pixels.
    """
    return decode_rgb(read_bytes(path), path)


def decode_rgb(data: bytes, path: Path) -> Pixels:
    """Return the upright picture in the bytes of a file as uint8 RGB (H, W, 3); `path` only names it in errors.

    16-bit pixels are scaled by 1/257 and rounded.

    Raises:
        ImageError: empty, not an image, truncated, damaged, too large, or floating-point pixels.
    """
    return np.ascontiguousarray(_decode_rgb(data, parse_header(data, path), path))


def decode_rgb_part(data: bytes, path: Path, choose: Callable[[int, int], Box]) -> Pixels:
    """Return the part of `decode_rgb(data, path)` that `choose(height, width)` of the upright picture names.

    Most PNG files are decoded down to the last row of the part only; damage below it is not seen then.

    Raises:
        ImageError: as `decode_rgb`.
    """
    header = parse_header(data, path)
    width, height = header.size
    box = choose(height, width)
    if header.kind == "PNG" and header.orientation == 1 and box.bottom < _WORTHWHILE_SHARE * height:
        image = open_first_rows(data, num_rows=box.bottom)
        if image is not None:
            with _pillow_faults(header, path):
                return np.asarray(image.crop((box.left, box.top, box.right, box.bottom)))
    return _decode_rgb(data, header, path)[box.top : box.bottom, box.left : box.right]


def read_picture(path: Path) -> Picture:
    """`decode_picture` of a file.

    Raises:
        ImageError: as `read_rgb`.
    """
    return decode_picture(read_bytes(path), path)


def decode_picture(data: bytes, path: Path) -> Picture:
    """Return the upright picture: bit depth (by type, never by its largest value), alpha, grayness and metadata.

    `notes` of the picture say what is odd or was left out (a wrong suffix, a damaged profile, a second page), and only
    they and errors name `path`.

    Raises:
        ImageError: as `decode_rgb`.
    """
    header = parse_header(data, path)
    metadata, notes = read_metadata(data, header.kind)
    problem = check_profile(metadata.icc, header.space)
    pixels = _upright(_decode_unchanged(data, header, path), header)
    alpha = np.ascontiguousarray(pixels[..., -1]) if pixels.shape[2] in (2, 4) else None
    color = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    if problem or header.space == "CMYK":
        metadata = replace(metadata, icc=None)  # A CMYK profile would be wrong for the RGB that comes out.
    several = "it holds more than one picture, of which the first was read" if holds_more_pictures(data, header) else ""
    notes = tuple(note for note in (misnamed(header.kind, path), *notes, problem, several) if note)
    return Picture(np.ascontiguousarray(color), alpha, header.is_gray, metadata, notes)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        ImageError: missing, empty, a folder, a pipe or a device, or the disk fails.
    """
    _check_regular_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{shown(path)} cannot be read: {error.strerror}.") from error


def read_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of the upright picture from the header alone; no pixel is decoded.

    Raises:
        ImageError: missing, empty, not an image, a damaged header, or too large.
    """
    return read_facts(path).size


def read_facts(path: Path) -> ImageHeader:
    """Return what the header says; no pixel is decoded.

    Raises:
        ImageError: as `read_size`.
    """
    _check_regular_file(path)
    try:
        with path.open("rb") as stream:
            return read_header(stream, path)
    except OSError as error:
        raise ImageError(f"{shown(path)} cannot be read: {error.strerror}.") from error


def write_picture(
    path: Path, picture: Picture, *, quality: int = 95, subsampling: Subsampling = "444"
) -> tuple[str, ...]:
    """Write to PNG, JPEG, WebP or TIFF (by suffix); the file is complete or absent. See `encode` for the formats.

    Returns a sentence for each thing that the format cannot hold and that was left out.

    Raises:
        ImageError: unknown suffix, too large for the format, alpha into JPEG, wrong quality, encoder or disk failure.
    """
    encoded = encode(picture, path, quality=quality, subsampling=subsampling)
    try:
        atomic.write_bytes(path, encoded.data)
    except OSError as error:
        raise ImageError(f"{shown(path)} cannot be written: {error.strerror}.") from error
    return encoded.notes


def write_image(path: Path, pixels: Pixels, *, quality: int = 95) -> None:
    """`write_picture` for plain pixels: RGB (H, W, 3) or gray (H, W), uint8 or uint16."""
    if pixels.ndim == 2:
        write_picture(path, Picture(np.repeat(pixels[..., None], 3, axis=2), is_gray=True), quality=quality)
    else:
        write_picture(path, Picture(pixels), quality=quality)


def _check_regular_file(path: Path) -> None:
    """Refuse folders, and pipes and devices, which would block for ever."""
    try:
        facts = path.stat()
    except OSError as error:
        raise ImageError(f"{shown(path)} cannot be read: {error.strerror}.") from error
    if stat.S_ISDIR(facts.st_mode):
        raise ImageError(f"{shown(path)} is a folder, not an image.")
    if not stat.S_ISREG(facts.st_mode):
        raise ImageError(f"{shown(path)} is not a regular file.")
    if facts.st_size == 0:
        raise ImageError(f"{shown(path)} is empty (0 bytes).")


def _decode_rgb(data: bytes, header: ImageHeader, path: Path) -> Pixels:
    if header.is_for_pillow:
        pixels = _decode_with_pillow(data, header, path, as_rgb=True)
    elif header.kind == "TIFF":  # Asked for RGB of 16 bits, OpenCV 5.0.0 returns memory that it never wrote.
        pixels = np.asarray(cv2.cvtColor(_decode_with_cv2(data, _CV2_BGR, header, path), cv2.COLOR_BGR2RGB))
    else:
        pixels = _decode_with_cv2(data, _CV2_RGB, header, path)
    return to_8_bit(_upright(pixels, header))


def _decode_unchanged(data: bytes, header: ImageHeader, path: Path) -> Pixels:
    """Pixels (H, W, 1..4) as stored: gray, gray and alpha, RGB or RGBA."""
    if header.is_for_pillow:
        pixels = _decode_with_pillow(data, header, path, as_rgb=False)
        return pixels[..., None] if pixels.ndim == 2 else pixels
    pixels = _decode_with_cv2(data, cv2.IMREAD_UNCHANGED, header, path)
    if pixels.ndim == 2:
        return pixels[..., None]
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}.get(pixels.shape[2])
    return pixels if order is None else np.asarray(cv2.cvtColor(pixels, order))


def _decode_with_cv2(data: bytes, flags: int, header: ImageHeader, path: Path) -> Pixels:
    if header.kind == "PNG":
        data = image_png.for_decoder(data, io.BytesIO(data))
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{shown(path)} is a {header.kind} image that cannot be decoded: {error.err}.") from error
    if pixels is None:
        raise ImageError(f"{shown(path)} is a damaged {header.kind} image; copy or download it again.")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"{shown(path)} has {pixels.dtype} pixels; 8 or 16 bits a channel are needed.")
    return pixels


def _decode_with_pillow(data: bytes, header: ImageHeader, path: Path, *, as_rgb: bool) -> Pixels:
    with _pillow_faults(header, path):
        image: Image.Image = open_with_pillow(data, header.kind)
        if header.space == "CMYK":
            return cmyk_to_rgb(image, image.info.get("icc_profile"))
        has_key = "transparency" in image.info and header.is_gray
        form = "RGB" if as_rgb else "LA" if has_key else _PILLOW_FORMS.get(image.mode, image.mode)
        return np.asarray(image if image.mode == form else image.convert(form))


@contextmanager
def _pillow_faults(header: ImageHeader, path: Path) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as error:
        raise ImageError(f"{shown(path)} is a {header.kind} image whose parts are too large: {error}.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{shown(path)} is a damaged {header.kind} image; copy or download it again.") from error


def _upright(pixels: Pixels, header: ImageHeader) -> Pixels:
    """Apply the EXIF orientation that the decoder did not (OpenCV always applies that of a TIFF)."""
    turn = _UPRIGHT.get(header.orientation)
    return pixels if turn is None else turn(pixels)
