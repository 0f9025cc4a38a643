"""What a picture carries besides its pixels: colour profile, EXIF, XMP and resolution."""

import io
import math
import re
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal

from PIL import ImageFile

from realesrgan_arch import image_exif, image_png, image_tiff
from realesrgan_arch.image_header import ImageKind, open_with_pillow

KeepMetadata = Literal["keep", "safe", "none"]

MAX_DPI = 65_535
"""What a JPEG can tell; more is most likely a slip."""

_INCHES_IN_JFIF_UNIT = {1: 1.0, 2: 2.54}
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))[2-8](?=\s*["'<])""")
_XMP_SIDES = (
    re.compile(rb"""((?:tiff:ImageWidth|exif:PixelXDimension)(?:\s*=\s*["']|\s*>\s*))\d+(?=\s*["'<])"""),
    re.compile(rb"""((?:tiff:ImageLength|exif:PixelYDimension)(?:\s*=\s*["']|\s*>\s*))\d+(?=\s*["'<])"""),
)


_NO_IPTC = "its IPTC data are not kept"
_IPTC_RESOURCE = 0x0404
_DAMAGED = b"damaged"
"""Stands for an EXIF block that cannot even be taken out of its file."""


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture, in the bytes that stood there.

    `icc`: the profile. `exif`: a TIFF block without the six bytes `Exif\\0\\0` before it. `xmp`: the packet.
    `dpi`: pixels per inch, horizontally and vertically. As read, EXIF and XMP call the picture upright, which its
    pixels are, and there is no thumbnail.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


def read_metadata(data: bytes, kind: ImageKind) -> tuple[Metadata, tuple[str, ...]]:
    """Return what the file says besides its pixels, and notes of what was left out because it is damaged.

    The profile is not looked at here: whether it fits is a matter of the pixels (`image_color.check_profile`). No pixel
    is decoded. `data` is a file whose header was read.
    """
    found, notes = _read_png(data) if kind == "PNG" else _read_with_pillow(open_with_pillow(data, kind), kind)
    if found.exif is not None and (exif := image_exif.normalised(found.exif)) != found.exif:
        if exif is None:
            notes.append("its EXIF block is damaged and was left out")
        found = replace(found, exif=exif or None)
    if found.xmp is not None:
        found = replace(found, xmp=_XMP_ORIENTATION.sub(rb"\g<1>1", found.xmp))
    for name in ("icc", "exif", "xmp"):
        if len(getattr(found, name) or b"") > image_png.MAX_EXTRA_BYTES:
            notes.append(f"its {name.upper()} block is larger than 16 MiB and was left out")
            found = replace(found, **{name: None})
    if found.dpi is None and found.exif is not None:
        found = replace(found, dpi=image_exif.resolution(found.exif))
    return found, tuple(notes)


def reduce_metadata(metadata: Metadata, keep: KeepMetadata = "keep") -> Metadata:
    """Return the metadata to write: all of it, what tells nothing of a person or a place, or the colours only.

    "safe" keeps profile, resolution, and of EXIF camera, lens, exposure, dates and copyright. "none" keeps the profile:
    without it the colours would be others.
    """
    if keep == "keep":
        return metadata
    if keep == "none":
        return Metadata(icc=metadata.icc)
    exif = None if metadata.exif is None else image_exif.reduced_to_safe(metadata.exif)
    return replace(metadata, exif=exif, xmp=None)


def resize_metadata(metadata: Metadata, size: tuple[int, int]) -> Metadata:
    """Return the metadata with the sides that EXIF and XMP tell set to `size` (width, height)."""
    exif = None if metadata.exif is None else image_exif.updated(metadata.exif, size)
    xmp = metadata.xmp
    if xmp is not None:
        for pattern, side in zip(_XMP_SIDES, size, strict=True):
            xmp = pattern.sub(rb"\g<1>%d" % side, xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def with_dpi(metadata: Metadata, dpi: float) -> Metadata:
    """Return the metadata with a resolution, which EXIF tells, too, where there is any; above `MAX_DPI` it does not."""
    exif = metadata.exif
    if exif is not None and dpi <= MAX_DPI:
        exif = image_exif.with_resolution(exif, (dpi, dpi))
    return replace(metadata, exif=exif, dpi=(dpi, dpi))


def _read_png(data: bytes) -> tuple[Metadata, list[str]]:
    stream = io.BytesIO(data)
    notes = [_NO_IPTC] if image_png.holds_iptc(stream) else []
    if chunks := image_png.foreign_colours(stream):
        notes.append(f"the colours of its {chunks} are not kept: the result is sRGB and may look different")
    return Metadata(
        icc=image_png.read_profile(stream),
        exif=image_png.read_exif(stream),
        xmp=image_png.read_xmp(stream),
        dpi=_checked_dpi(image_png.read_dpi(stream)),
    ), notes


def _read_with_pillow(image: ImageFile.ImageFile, kind: ImageKind) -> tuple[Metadata, list[str]]:
    exif = image_exif.from_tiff(image) if kind == "TIFF" else image.info.get("exif", b"")
    return Metadata(
        icc=_bytes(image.info.get("icc_profile")),
        exif=_DAMAGED if exif is None else _bytes(exif),
        xmp=_bytes(image.info.get("xmp")),
        dpi=_checked_dpi(_told_dpi(image, kind)),
    ), [_NO_IPTC] if _holds_iptc(image, kind) else []


def _holds_iptc(image: ImageFile.ImageFile, kind: ImageKind) -> bool:
    """In a JPEG they are the resource 0x0404 of Photoshop's segment."""
    if kind == "TIFF":
        return image_tiff.holds_iptc(image)
    return _IPTC_RESOURCE in image.info.get("photoshop", {})


def _told_dpi(image: ImageFile.ImageFile, kind: ImageKind) -> tuple[float, float] | None:
    """Pillow's `dpi`, but not the 72 and the 1 that it makes up for a JPEG and a TIFF that tell none."""
    if kind == "JPEG":
        scale = _INCHES_IN_JFIF_UNIT.get(image.info.get("jfif_unit", 0))
        return None if scale is None else tuple(side * scale for side in image.info["jfif_density"])
    return image.info.get("dpi") if kind != "TIFF" or image_tiff.tells_resolution(image) else None


def _bytes(value: object) -> bytes | None:
    """A damaged tag may be a number."""
    return value if isinstance(value, bytes) and value else None


def _checked_dpi(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    """A damaged tag may hold text or a list."""
    if dpi is None or not all(isinstance(side, Real) and math.isfinite(side) and side > 0 for side in dpi):
        return None
    return float(dpi[0]), float(dpi[1])
