"""Files <-> pixels: the only place that knows BGR, HWC, uint8, uint16, EXIF orientation and ICC profiles.

`image_header.py` and `image_encode.py` are parts of it.

OpenCV decodes and encodes (it is the fastest at both and keeps 16 bits) but never sees a path: it cannot open names
that are not valid UTF-8, and reports every fault as "no image". Pillow reads the headers, and the few modes that OpenCV
gets wrong. How foreign pixels become RGB: gray is repeated, a palette is resolved, CMYK is converted without its
profile, alpha is kept apart (`read_picture`) or dropped with the colours under it unchanged (`read_rgb`).
"""

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image

from realesrgan_arch import atomic
from realesrgan_arch.image_encode import Picture, Subsampling, encode, to_8_bit
from realesrgan_arch.image_formats import Pixels, check_writable_size, holds_alpha
from realesrgan_arch.image_header import (
    ImageError,
    ImageHeader,
    open_first_rows,
    open_with_pillow,
    parse_header,
    read_header,
    shown,
)
from realesrgan_arch.image_metadata import Metadata

__all__ = [
    "Box", "ImageError", "Metadata", "Picture", "Pixels", "Subsampling", "check_writable_size", "decode_rgb",
    "decode_rgb_part", "encode", "from_tensor", "holds_alpha", "read_bytes", "read_picture", "read_rgb", "read_size",
    "to_tensor", "to_uint16", "to_uint8", "write_image", "write_picture",
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
# Above this share of the rows OpenCV decodes the whole PNG as fast as Pillow decodes a part.
_WORTHWHILE_SHARE = 0.85
_BITS_PER_SAMPLE = 258


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
    """Return the upright picture with its bit depth (by type, never by its largest value), alpha, grayness and profile.

    Raises:
        ImageError: as `read_rgb`.
    """
    data = read_bytes(path)
    header = parse_header(data, path)
    pixels = _upright(_decode_unchanged(data, header, path), header)
    alpha = np.ascontiguousarray(pixels[..., -1]) if pixels.shape[2] in (2, 4) else None
    color = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    icc = None if header.mode == "CMYK" else header.icc  # A CMYK profile would be wrong for the RGB that comes out.
    return Picture(np.ascontiguousarray(color), alpha, is_gray=header.is_gray, metadata=Metadata(icc=icc))


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
    _check_regular_file(path)
    try:
        with path.open("rb") as stream:
            return read_header(stream, path).size
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


def to_tensor(pixels: Pixels) -> torch.Tensor:
    """Return uint8 or uint16 pixels (H, W, 3) as float32 (3, H, W) in [0, 1]; the depth is decided by the dtype."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    if planes.dtype == np.uint8:
        return torch.from_numpy(planes).float().div_(255)
    return torch.from_numpy(planes.astype(np.float32)).div_(65535)


def from_tensor(image: torch.Tensor, *, bits: Literal[8, 16] = 8) -> Pixels:
    """Return (3, H, W) in [0, 1] as uint8 or uint16 pixels (H, W, 3): clamped, rounded half to even, as upstream."""
    return to_uint8(image) if bits == 8 else to_uint16(image)


def to_uint8(image: torch.Tensor) -> Pixels:
    """Return (3, H, W) in [0, 1] as uint8 pixels (H, W, 3): clamped, rounded half to even."""
    scaled = image.detach().float().clamp(0, 1).mul(255).round_().to(torch.uint8)
    return scaled.permute(1, 2, 0).contiguous().cpu().numpy()


def to_uint16(image: torch.Tensor) -> Pixels:
    """Return (3, H, W) in [0, 1] as uint16 pixels (H, W, 3): clamped, rounded half to even."""
    scaled = image.detach().float().clamp(0, 1).mul(65535).round_()
    return scaled.permute(1, 2, 0).contiguous().cpu().numpy().astype(np.uint16)


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
    if header.mode == "CMYK":
        pixels = _decode_with_pillow(data, header, path)
    else:
        pixels = _decode_with_cv2(data, _CV2_RGB, header, path)
    return to_8_bit(_upright(pixels, header))


def _decode_unchanged(data: bytes, header: ImageHeader, path: Path) -> Pixels:
    """Pixels (H, W, 1..4) as stored: gray, gray and alpha, RGB or RGBA."""
    if header.mode == "CMYK" or (header.mode in ("LA", "RGBA") and header.kind == "TIFF" and not _is_deep(data)):
        return _decode_with_pillow(data, header, path)
    pixels = _decode_with_cv2(data, cv2.IMREAD_UNCHANGED, header, path)
    if pixels.ndim == 2:
        return pixels[..., None]
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}.get(pixels.shape[2])
    return pixels if order is None else np.asarray(cv2.cvtColor(pixels, order))


def _is_deep(tiff: bytes) -> bool:
    return max(getattr(open_with_pillow(tiff, "TIFF"), "tag_v2", {}).get(_BITS_PER_SAMPLE, (1,))) > 8


def _decode_with_cv2(data: bytes, flags: int, header: ImageHeader, path: Path) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{shown(path)} is a {header.kind} image that cannot be decoded: {error.err}.") from error
    if pixels is None:
        raise ImageError(f"{shown(path)} is a damaged {header.kind} image; copy or download it again.")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"{shown(path)} has {pixels.dtype} pixels; 8 or 16 bits a channel are needed.")
    return pixels


def _decode_with_pillow(data: bytes, header: ImageHeader, path: Path) -> Pixels:
    """What OpenCV gets wrong: CMYK (to RGB, Adobe's inversion undone), alpha in TIFF (it multiplies it in)."""
    with _pillow_faults(header, path):
        image: Image.Image = open_with_pillow(data, header.kind)
        return np.asarray(image.convert("RGB") if header.mode == "CMYK" else image)


@contextmanager
def _pillow_faults(header: ImageHeader, path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{shown(path)} is a damaged {header.kind} image; copy or download it again.") from error


def _upright(pixels: Pixels, header: ImageHeader) -> Pixels:
    """Apply the EXIF orientation that the decoder did not (OpenCV always applies that of a TIFF)."""
    turn = _UPRIGHT.get(header.orientation)
    return pixels if turn is None else turn(pixels)
