"""What an image file says about itself before a pixel is decoded: format, size, orientation, profile, completeness."""

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from realesrgan_arch import image_exif, image_png, image_tiff
from realesrgan_arch.errors import UserError

# Pillow tells of damaged tags through Python's warnings, in which `catch_warnings` would disturb other threads. What
# matters of them is said in sentences of ours.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

MAX_PIXELS = 300_000_000
"""A header that promises more than this is refused before any memory is asked for."""

# Pillow's own limit, of 179 megapixels, is checked while it decodes a TIFF, opens a WebP or cuts a part out. It has no
# other place than this, and to change it only for a while would disturb other threads. Its error comes at twice this.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

ImageKind = Literal["PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF"]

# Called by name and not through `Image.open`: so no other parser (EPS!) is ever reached, and the size limit is ours.
_HEADER_READERS: dict[ImageKind, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
_SIGNATURES: tuple[tuple[bytes, ImageKind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
)
_KIND_BY_SUFFIX: dict[str, ImageKind] = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".webp": "WebP", ".tif": "TIFF",
    ".tiff": "TIFF", ".bmp": "BMP", ".gif": "GIF",
}  # fmt: skip
_RAW = "a camera's RAW file; develop it to PNG, TIFF or JPEG first"
_OTHER_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"II*\0\x10\0\0\0CR", _RAW),
    (b"IIU\0", _RAW),
    (b"IIRO", _RAW),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull`)"),
)
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_HEADER_FAULTS = (*image_exif.EXIF_FAULTS, EOFError, OverflowError, Image.DecompressionBombError)
_MEND = "save it as 8- or 16-bit RGB or gray"
_UNKNOWN_MODE = "unknown pixel mode"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ALPHA_MODES = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})


class ImageError(UserError):
    """An image file cannot be read or written; the sentence names the file."""


class ImageUnsupportedError(ImageError):
    """A picture of a kind that is not read, although its first bytes are those of one that is."""


class ImageTooLargeError(ImageError):
    """The header promises more than `MAX_PIXELS`; nothing was decoded."""


@dataclass(frozen=True)
class ImageHeader:
    """Facts of the file: `stored_size` is (width, height) as stored, `orientation` EXIF's 1..8, still to be applied.

    `is_for_pillow`: OpenCV would get the pixels wrong (see `_is_for_pillow`). `has_alpha`: transparency comes out.
    """

    kind: ImageKind
    stored_size: tuple[int, int]
    mode: str
    orientation: int
    is_for_pillow: bool
    has_alpha: bool

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        width, height = self.stored_size
        return (height, width) if self.orientation >= 5 else (width, height)

    @property
    def is_gray(self) -> bool:
        """True for gray pictures, with or without alpha, of any depth."""
        return self.mode in _GRAY_MODES or self.mode.startswith("I;16")

    @property
    def space(self) -> str:
        """The colour space that a profile of the stored pixels has: "CMYK", "GRAY" or "RGB"."""
        return "CMYK" if self.mode == "CMYK" else "GRAY" if self.is_gray else "RGB"


def shown(path: Path) -> str:
    """Return the path as text that can always be printed, in one line: other bytes and characters appear as escapes."""
    return printable(str(path))


def printable(text: str) -> str:
    """Return text that may hold names of files so that it can always be printed, in one line; see `shown`."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), whole)


def sniff(start: bytes) -> ImageKind | None:
    """Return the format that the first bytes of a file belong to, None when it is none that we read."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if any(start.startswith(signature) for signature, name in _OTHER_SIGNATURES if name == _RAW):
        return None  # RAW files of some cameras begin like a TIFF.
    return next((kind for signature, kind in _SIGNATURES if start.startswith(signature)), None)


def misnamed(kind: ImageKind, path: Path) -> str:
    """Return a note where the suffix of `path` promises another format than `kind`, which the bytes are; else ""."""
    promised = _KIND_BY_SUFFIX.get(path.suffix.lower(), kind)
    return "" if promised == kind else f"it is called {path.suffix} and is a {kind} image, which is how it was read"


def describe_bytes(start: bytes) -> str:
    """Say what a file that is no image of ours looks like, from its first bytes (64 or more are useful)."""
    for signature, name in _OTHER_SIGNATURES:
        if start.startswith(signature):
            return name
    if start[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a video; convert it to JPEG or PNG first"
    if not start.strip(b"\x00"):
        return "a file of zeros"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if text.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML file"
    if all(byte >= 0x20 or byte in b"\t\r\n\f\x1b" for byte in start):
        return "a text file"
    return "a file of an unknown format"


def read_header(stream: BinaryIO, path: Path) -> ImageHeader:
    """Read the header from `stream` (at its start); `path` only names the file in errors.

    Raises:
        ImageError: not an image that we read, a damaged header, or more than `MAX_PIXELS` pixels.
    """
    start = stream.read(256)
    kind = sniff(start)
    if kind is None:
        raise ImageError(f"{shown(path)} is not an image: it looks like {describe_bytes(start)}.")
    try:
        image, orientation = _open(stream, kind)
        is_preview = kind == "TIFF" and image_tiff.is_preview(image)
        unread_kind = image_tiff.unread_kind(image) if kind == "TIFF" else None
        is_for_pillow = _is_for_pillow(image, kind)
    except _HEADER_FAULTS as error:
        if str(error) == _UNKNOWN_MODE:
            raise ImageUnsupportedError(
                f"{shown(path)} is a {kind} image with pixels of a kind that is not read; {_MEND}."
            ) from error
        raise ImageError(f"{shown(path)} starts like a {kind} image, but its header is damaged or cut off.") from error
    if is_preview:
        raise ImageUnsupportedError(f"{shown(path)} is not an image: it looks like {_RAW}.")
    if unread_kind:
        raise ImageUnsupportedError(f"{shown(path)} is {unread_kind}, which is not read; {_MEND}.")
    header = ImageHeader(kind, image.size, image.mode, orientation, is_for_pillow, _has_alpha(image))
    _check_size(header, path)
    return header


def open_with_pillow(data: bytes, kind: ImageKind) -> ImageFile.ImageFile:
    """Open the bytes of a file with Pillow's reader of that format; pixels are decoded when they are asked for."""
    stream = io.BytesIO(data)
    return _HEADER_READERS[kind](io.BytesIO(image_png.for_pillow(data, stream)) if kind == "PNG" else stream)


def holds_more_pictures(data: bytes, header: ImageHeader) -> bool:
    """Say whether a file whose `header` was read holds more than the picture that is read: frames, pages, views."""
    if header.kind == "PNG":
        return image_png.is_animated(io.BytesIO(data))
    image = open_with_pillow(data, header.kind)
    return bool(getattr(image, "is_animated", False)) or "mp" in image.info


def open_first_rows(data: bytes, *, num_rows: int) -> ImageFile.ImageFile | None:
    """Open a PNG so that only its first `num_rows` rows are decoded and the others stay black.

    None unless it is 8-bit RGB and not interlaced. A PNG is one stream from top to bottom, and most of a training
    sample's time is spent on inflating it.
    """
    image = open_with_pillow(data, "PNG")
    if len(image.tile) != 1 or image.tile[0].args != "RGB" or image.info.get("interlace"):
        return None
    image.tile = [image.tile[0]._replace(extents=(0, 0, image.width, num_rows))]
    return image


def is_complete(data: bytes, kind: ImageKind) -> bool:
    """Return False when the bytes of a whole file stop before the end that their format requires.

    Decoders fill the missing part of a JPEG with gray and say nothing, so its markers are walked to the end of the
    image; thumbnails inside of it and bytes after it do not count. TIFF and GIF have no such mark and return True.
    """
    if kind == "JPEG":
        return _has_jpeg_end(data)
    if kind == "PNG":
        return data.rfind(b"IEND\xaeB`\x82") >= 0
    if kind == "WebP":
        return int.from_bytes(data[4:8], "little") + 8 <= len(data)
    return True


def parse_header(data: bytes, path: Path) -> ImageHeader:
    """`read_header` for a file that is in memory, and check that it is complete.

    Raises:
        ImageError: as `read_header`, or the file is empty or truncated.
    """
    if not data:
        raise ImageError(f"{shown(path)} is empty (0 bytes).")
    kind = sniff(data[:256])
    if kind is not None and not is_complete(data, kind):
        raise ImageError(f"{shown(path)} is a truncated {kind} image; copy or download it again.")
    return read_header(io.BytesIO(data), path)


def _check_size(header: ImageHeader, path: Path) -> None:
    width, height = header.stored_size
    if width < 1 or height < 1:
        raise ImageError(f"{shown(path)} has no pixels ({width} x {height}).")
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(
            f"{shown(path)} says that it has {width} x {height} pixels; the limit is {MAX_PIXELS // 1_000_000} million."
        )


def _open(stream: BinaryIO, kind: ImageKind) -> tuple[ImageFile.ImageFile, int]:
    """Pillow's view of the header and the orientation that is still to be applied (decoders apply that of a TIFF)."""
    if kind == "PNG":
        image = _HEADER_READERS[kind](io.BytesIO(image_png.read_head(stream)))
        return image, image_exif.orientation(image_png.read_exif(stream))
    stream.seek(0)
    image = _HEADER_READERS[kind](stream)
    return image, 1 if kind == "TIFF" else image_exif.orientation(image.info.get("exif"))


def _is_for_pillow(image: ImageFile.ImageFile, kind: ImageKind) -> bool:
    """True for CMYK, for the many kinds of 8-bit TIFF, and for gray PNG of which one value is transparent."""
    if kind == "PNG":
        return image.mode in ("1", "L") and "transparency" in image.info
    return image.mode == "CMYK" or (kind == "TIFF" and image_tiff.is_for_pillow(image))


def _has_alpha(image: ImageFile.ImageFile) -> bool:
    """True for an alpha channel and for a transparent colour; the latter is lost in gray of 16 bits."""
    has_key = "transparency" in image.info and not image.mode.startswith("I")
    return has_key or image.mode in _ALPHA_MODES


def _has_jpeg_end(data: bytes) -> bool:
    if data.endswith(b"\xff\xd9"):  # Nearly every file; the walk costs as much as decoding.
        return True
    position = 2
    while match := _JPEG_MARKER.search(data, position):
        start = match.end()
        if data[start - 1] == 0xD9:
            return True
        position = start + int.from_bytes(data[start : start + 2], "big")
    return False
