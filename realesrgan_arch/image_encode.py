"""A picture's pixels to the bytes of a file: what each format can hold, and OpenCV's encoders."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.image_metadata import Metadata

Pixels = np.ndarray[Any, np.dtype[Any]]
"""uint8 or uint16, (H, W, 3) RGB unless said otherwise."""

OutputKind = Literal["PNG", "JPEG", "WebP", "TIFF"]
_KIND_BY_SUFFIX: dict[str, OutputKind] = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
_MAX_SIDE: dict[OutputKind, int] = {"PNG": 1_000_000, "JPEG": 65535, "WebP": 16383}
_MAX_OUTPUT_PIXELS = 2_000_000_000
"""A photograph of 125 megapixels at x4; what asks for more is most likely a slip in the magnification."""
_KINDS_OF_8_BIT: frozenset[OutputKind] = frozenset({"JPEG", "WebP"})


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


def encode(picture: Picture, path: Path, *, quality: int = 95) -> bytes:
    """Return the bytes of the file that `path`'s suffix asks for; `path` is not touched.

    PNG and TIFF keep 8 or 16 bits; JPEG (4:4:4) and WebP are 8-bit at `quality` (1..100); 16-bit pixels are rounded
    for them. The profile is kept in PNG, JPEG and WebP; OpenCV's TIFF encoder cannot hold one.

    Raises:
        ImageError: unknown suffix, too large for the format, alpha into JPEG, encoder failure.
    """
    kind = _output_kind(path)
    height, width = picture.rgb.shape[:2]
    check_writable_size(path, width=width, height=height)
    if picture.alpha is not None and not holds_alpha(path):
        raise ImageError(f"{shown(path)} cannot be written: JPEG holds no transparency; choose png, webp or tiff.")
    icc = picture.metadata.icc
    keep_icc = icc is not None and kind != "TIFF" and _fits(icc, is_gray=picture.is_gray)
    profiles = [np.frombuffer(icc, np.uint8)] if keep_icc and icc else []
    profile_types = [cv2.IMAGE_METADATA_ICCP] if profiles else []
    try:
        pixels = _to_cv2_order(picture)
        pixels = to_8_bit(pixels) if kind in _KINDS_OF_8_BIT else pixels
        done, data = cv2.imencodeWithMetadata(path.suffix, pixels, profile_types, profiles, _parameters(kind, quality))
    except cv2.error as error:
        raise ImageError(f"{shown(path)} cannot be encoded as {kind}: {error.err}.") from error
    if not done:
        raise ImageError(f"{shown(path)} cannot be encoded as {kind}.")
    return data.tobytes()


def check_writable_size(path: Path, *, width: int, height: int) -> None:
    """Raise ImageError when the format of `path` cannot hold `width` x `height`; call it before computing for hours."""
    kind = _output_kind(path)
    if width * height > _MAX_OUTPUT_PIXELS:
        raise ImageError(
            f"{shown(path)} cannot be written: it would have {width} x {height} pixels and the limit is "
            f"{_MAX_OUTPUT_PIXELS // 1_000_000} million; choose a smaller magnification."
        )
    limit = _MAX_SIDE.get(kind)
    if limit is not None and max(width, height) > limit:
        raise ImageError(
            f"{shown(path)} cannot be written: {kind} is limited to {limit} pixels a side and the picture has "
            f"{width} x {height}; choose png or tiff."
        )


def holds_alpha(path: Path) -> bool:
    """Return whether the format of `path` (by suffix) has room for transparency; ImageError for an unknown suffix."""
    return _output_kind(path) != "JPEG"


def to_8_bit(pixels: Pixels) -> Pixels:
    """Return uint8 pixels as they are and uint16 pixels scaled by 1/257 and rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_cv2_order(picture: Picture) -> Pixels:
    """Gray (H, W), BGR or BGRA: gray with alpha has no OpenCV form and is written with three equal colours."""
    if picture.alpha is None:
        return picture.rgb[..., 0] if picture.is_gray else np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2BGR))
    return np.dstack((picture.rgb[..., ::-1], picture.alpha))


def _output_kind(path: Path) -> OutputKind:
    try:
        return _KIND_BY_SUFFIX[path.suffix.lower()]
    except KeyError as error:
        wanted = ", ".join(suffix[1:] for suffix in _KIND_BY_SUFFIX)
        raise ImageError(f"{shown(path)} cannot be written: expected one of {wanted}, got '{path.suffix}'.") from error


def _parameters(kind: OutputKind, quality: int) -> list[int]:
    """Encoder settings; none for PNG: naming its level would switch OpenCV away from its fast strategy."""
    if kind == "JPEG":
        sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
        return [cv2.IMWRITE_JPEG_QUALITY, quality, *sampling]
    return [cv2.IMWRITE_WEBP_QUALITY, quality] if kind == "WebP" else []


def _fits(profile: bytes, *, is_gray: bool) -> bool:
    """Say whether the profile's colour space (bytes 16 to 19 of its header, ICC.1:2022) is that of the picture."""
    return profile[16:20] == (b"GRAY" if is_gray else b"RGB ")
