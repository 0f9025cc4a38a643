"""Which metadata a file can take: what cannot be held is left out, and a sentence says so."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from realesrgan_arch import image_exif
from realesrgan_arch.image_formats import OutputKind
from realesrgan_arch.image_metadata import MAX_DPI, Metadata
from realesrgan_arch.image_profile import ProfileError, gray_as_rgb
from realesrgan_arch.image_tiff_tags import read_exif_tags

# A JPEG segment has 65535 bytes; its length takes 2 and a name the others: 6, 29, and 14 in each of up to 255 parts.
_MAX_JPEG_EXIF, _MAX_JPEG_XMP, _MAX_JPEG_ICC = 65_527, 65_504, 255 * 65_519
Part = TypeVar("Part")


@dataclass(frozen=True)
class Fitted:
    """The metadata that the file will hold; `notes`: a sentence for each part that was left out."""

    metadata: Metadata
    notes: tuple[str, ...]


def fit_metadata(metadata: Metadata, kind: OutputKind, *, is_gray: bool) -> Fitted:
    """Return what of `metadata` a file of that kind can hold; `is_gray`: it has one colour channel."""
    icc = metadata.icc if is_gray else _for_rgb(metadata.icc)
    icc, icc_note = _fit("colour profile", icc, lambda icc: _icc_fault(icc, kind, is_gray=is_gray))
    exif, exif_note = _fit("EXIF data", metadata.exif, lambda exif: _exif_fault(exif, kind))
    xmp, xmp_note = _fit("XMP data", metadata.xmp, lambda xmp: _xmp_fault(xmp, kind))
    dpi, dpi_note = _fit("resolution", metadata.dpi, _dpi_fault)
    maker_note = _maker_note_note(exif, kind)
    notes = tuple(note for note in (icc_note, exif_note, maker_note, xmp_note, dpi_note) if note is not None)
    return Fitted(Metadata(icc=icc, exif=exif, xmp=xmp, dpi=dpi), notes)


def _fit(name: str, part: Part | None, find_fault: Callable[[Part], str | None]) -> tuple[Part | None, str | None]:
    fault = find_fault(part) if part else None
    return (part or None, None) if fault is None else (None, f"The {name} was left out: {fault}.")


def _for_rgb(icc: bytes | None) -> bytes | None:
    """The profile, or one for RGB with the tones of one for gray: WebP and some TIFF hold gray as RGB."""
    if icc is None or icc[16:20] != b"GRAY":
        return icc
    try:
        return gray_as_rgb(icc)
    except ProfileError:
        return icc  # Which `_icc_fault` names.


def _maker_note_note(exif: bytes | None, kind: OutputKind) -> str | None:
    if kind != "TIFF" or exif is None or not read_exif_tags(exif).has_maker_note:
        return None
    return "The maker's note was left out of the EXIF data: its offsets would point nowhere in a TIFF."


def _icc_fault(icc: bytes, kind: OutputKind, *, is_gray: bool) -> str | None:
    wanted, space = b"GRAY" if is_gray else b"RGB ", icc[16:20]  # Its place in the header: ICC.1:2022, 7.2.8.
    if space != wanted:
        found = space.decode("ascii", "replace").strip() or "nothing"
        return f"it is for {found} and the file is {wanted.decode().strip()}, so it may look lighter or darker"
    return _size_fault(icc, _MAX_JPEG_ICC) if kind == "JPEG" else None


def _exif_fault(exif: bytes, kind: OutputKind) -> str | None:
    if kind == "TIFF":
        try:
            read_exif_tags(exif)
        except ValueError as error:
            return str(error)
    elif not image_exif.is_readable(exif):
        return "it is damaged"
    return _size_fault(exif, _MAX_JPEG_EXIF) if kind == "JPEG" else None


def _xmp_fault(xmp: bytes, kind: OutputKind) -> str | None:
    if kind == "JPEG":
        return _size_fault(xmp, _MAX_JPEG_XMP)
    try:
        xmp.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8" if kind == "PNG" else None
    return None


def _dpi_fault(dpi: tuple[float, float]) -> str | None:
    if all(math.isfinite(value) and 1 <= value <= MAX_DPI for value in dpi):
        return None
    return f"expected 1 to {MAX_DPI} pixels an inch, got {dpi[0]:g} x {dpi[1]:g}"


def _size_fault(part: bytes, most: int) -> str | None:
    return f"JPEG holds at most {most} bytes of it and there are {len(part)}" if len(part) > most else None
