"""What the bytes of an image file say that its header line does not: animation, alpha, 16 bits, JPEG tables."""

from dataclasses import dataclass

from PIL import ImageFile, JpegImagePlugin

from realesrgan_arch.audit.compression import ijg_quality
from realesrgan_arch.image_header import ImageHeader, open_with_pillow

_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_PNG_DEPTH_AT = 24
_TIFF_BITS_PER_SAMPLE = 258


@dataclass(frozen=True)
class FileFacts:
    """Facts of the file that are lost when its pixels become 8-bit RGB."""

    is_animated: bool
    has_alpha: bool
    bits: int
    """A channel, as stored: 1, 2, 4, 8 or 16."""
    jpeg_quality: float | None
    """1 to 100 on libjpeg's scale, from the luminance table; None when the file is no JPEG."""


def read_facts(data: bytes, header: ImageHeader) -> FileFacts:
    """Return the facts of a whole file whose `header` was read; no pixel is decoded."""
    image = open_with_pillow(data, header.kind)
    return FileFacts(
        # Pages of a TIFF are thumbnails or scans, no animation.
        is_animated=header.kind != "TIFF" and bool(getattr(image, "is_animated", False)),
        has_alpha=header.mode in _ALPHA_MODES or "transparency" in image.info,
        bits=_bits(data, header, image),
        jpeg_quality=_jpeg_quality(image),
    )


def _bits(data: bytes, header: ImageHeader, image: ImageFile.ImageFile) -> int:
    """Pillow shows a PNG of 3 x 16 bits as RGB, so the depth is read where the format keeps it."""
    if header.kind == "PNG":
        return data[_PNG_DEPTH_AT]
    if header.kind == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, (1,))
        return int(max(bits)) if isinstance(bits, tuple) else int(bits)
    return 8


def _jpeg_quality(image: ImageFile.ImageFile) -> float | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    tables = image.quantization
    return ijg_quality(tables[min(tables)]) if tables else None
