"""A picture's pixels to the bytes of a file: OpenCV's encoders, our TIFF, and the metadata in all of them."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from realesrgan_arch import image_exif
from realesrgan_arch.image_fitting import fit_metadata
from realesrgan_arch.image_formats import OutputKind, Pixels, check_writable_size, holds_alpha, output_kind
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.image_jpeg import add_jpeg_metadata
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_png_write import add_png_metadata
from realesrgan_arch.image_stream import strips_into
from realesrgan_arch.image_strips import StripShape
from realesrgan_arch.image_tiff_tags import pack_resolution_exif

Subsampling = Literal["444", "422", "420"]
"""How much colour a JPEG keeps: all, every second column, every second column and row."""

_SAMPLING = {
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
_KINDS_OF_8_BIT: frozenset[OutputKind] = frozenset({"JPEG", "WebP"})
_STRIP_ROWS = 256


@dataclass(frozen=True)
class Picture:
    """An upright picture with all that must survive upscaling.

    `rgb` (H, W, 3) and `alpha` (H, W) or None share their dtype. `is_gray`: the three channels are
    equal and the picture is written with one. `notes`: what the reader had to leave out or to guess, in sentences.
    """

    rgb: Pixels
    alpha: Pixels | None = None
    is_gray: bool = False
    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Encoded:
    """The bytes of a file; `notes`: a sentence for each thing that its format cannot hold and that was left out."""

    data: bytes
    notes: tuple[str, ...] = ()


def encode(picture: Picture, path: Path, *, quality: int = 95, subsampling: Subsampling = "444") -> Encoded:
    """Return the file that `path`'s suffix asks for; `path` is not touched.

    PNG and TIFF keep 8 or 16 bits, gray and gray with alpha. JPEG (with `subsampling`) and WebP are 8-bit at `quality`
    1..100, lossy at 100, too; 16-bit pixels are rounded for them. Profile, EXIF, XMP and resolution are kept.

    Raises:
        ImageError: unknown suffix, too large for the format, alpha into JPEG, wrong quality, encoder failure.
    """
    kind = output_kind(path)
    height, width = picture.rgb.shape[:2]
    check_writable_size(path, width=width, height=height)
    if picture.alpha is not None and not holds_alpha(path):
        raise ImageError(f"{shown(path)} cannot be written: JPEG holds no transparency; choose png, webp or tiff.")
    if not 1 <= quality <= 100:
        raise ImageError(f"{shown(path)} cannot be written: expected a quality from 1 to 100, got {quality}.")
    fitted = fit_metadata(picture.metadata, kind, is_gray=_num_channels(picture, kind) <= 2)
    notes = fitted.notes
    if kind in _KINDS_OF_8_BIT and picture.rgb.dtype != np.uint8:
        notes = (f"Its 16 bits a channel were rounded to 8: {kind} holds no more; PNG and TIFF do.", *notes)
    if kind == "TIFF" or _num_channels(picture, kind) == 2:
        return Encoded(_encode_strips(picture, kind, fitted.metadata), notes)
    data = _encode_with_cv2(picture, path, kind, fitted.metadata, _parameters(kind, quality, subsampling))
    if kind == "WebP":
        return Encoded(data.tobytes(), notes)
    add = add_jpeg_metadata if kind == "JPEG" else add_png_metadata
    return Encoded(add(data.data, fitted.metadata), notes)


def to_8_bit(pixels: Pixels) -> Pixels:
    """Return uint8 pixels as they are and uint16 pixels scaled by 1/257 and rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _num_channels(picture: Picture, kind: OutputKind) -> int:
    """How many channels the file has: WebP knows no gray, and few read gray with alpha of 16 bits from a TIFF."""
    is_deep_tiff = kind == "TIFF" and picture.rgb.dtype == np.uint16
    is_gray = picture.is_gray and kind != "WebP" and not (is_deep_tiff and picture.alpha is not None)
    return (1 if is_gray else 3) + (picture.alpha is not None)


def _encode_with_cv2(
    picture: Picture, path: Path, kind: OutputKind, metadata: Metadata, parameters: list[int]
) -> Pixels:
    """The bytes (N,) of the file, for WebP with its metadata: OpenCV loses XMP in JPEG and spoils it in PNG."""
    types, parts = _webp_metadata(metadata) if kind == "WebP" else ([], [])
    try:
        pixels = _to_cv2_order(picture)
        pixels = to_8_bit(pixels) if kind in _KINDS_OF_8_BIT else pixels
        done, data = cv2.imencodeWithMetadata(path.suffix, pixels, types, parts, parameters)
    except cv2.error as error:
        raise ImageError(f"{shown(path)} cannot be encoded as {kind}: {error.err}.") from error
    if not done:
        raise ImageError(f"{shown(path)} cannot be encoded as {kind}.")
    return np.asarray(data)


def _webp_metadata(metadata: Metadata) -> tuple[list[int], list[Pixels]]:
    """OpenCV's types and bytes; WebP has no place for the resolution but EXIF, where every camera writes it."""
    exif, dpi = metadata.exif, metadata.dpi
    if dpi is not None and exif is None:
        exif = pack_resolution_exif(dpi)
    elif dpi is not None and exif is not None and image_exif.resolution(exif) is None:
        exif = image_exif.with_resolution(exif, dpi)
    parts = {
        cv2.IMAGE_METADATA_ICCP: metadata.icc,
        cv2.IMAGE_METADATA_EXIF: exif,
        cv2.IMAGE_METADATA_XMP: metadata.xmp,
    }
    held = {type_: np.frombuffer(part, np.uint8) for type_, part in parts.items() if part is not None}
    return list(held), list(held.values())


def _encode_strips(picture: Picture, kind: OutputKind, metadata: Metadata) -> bytes:
    height, width = picture.rgb.shape[:2]
    file, channels = io.BytesIO(), _num_channels(picture, kind)
    with strips_into(file, kind, StripShape(width, height, channels, picture.rgb.dtype), metadata) as writer:
        for rows in _strips(picture, channels):
            writer.write(rows)
    return file.getvalue()


def _strips(picture: Picture, channels: int) -> Iterator[Pixels]:
    color = picture.rgb[..., : 1 if channels <= 2 else 3]
    for top in range(0, len(color), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        yield color[rows] if picture.alpha is None else np.dstack((color[rows], picture.alpha[rows]))


def _to_cv2_order(picture: Picture) -> Pixels:
    """Gray (H, W), BGR or BGRA; OpenCV knows no gray with alpha."""
    if picture.alpha is None:
        return picture.rgb[..., 0] if picture.is_gray else np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2BGR))
    return np.dstack((picture.rgb[..., ::-1], picture.alpha))


def _parameters(kind: OutputKind, quality: int, subsampling: Subsampling) -> list[int]:
    """Encoder settings; none for PNG: naming its level would switch OpenCV away from its fast strategy."""
    if kind == "JPEG":
        return [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING[subsampling]]
    return [cv2.IMWRITE_WEBP_QUALITY, quality] if kind == "WebP" else []
