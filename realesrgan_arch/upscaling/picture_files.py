"""Between the bytes of files and pictures, with all that a user may ask about the files of results."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
from PIL import Image

from realesrgan_arch import image_stream, images
from realesrgan_arch.image_color import to_srgb
from realesrgan_arch.image_encode import Encoded, Picture, Subsampling
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.image_metadata import KeepMetadata, Metadata, reduce_metadata, resize_metadata, with_dpi
from realesrgan_arch.image_strips import StripWriter

_FAULTS_OF_PARSERS = (
    struct.error, zlib.error, cv2.error, Image.DecompressionBombError, TypeError, ValueError, ArithmeticError,
    LookupError, SyntaxError, EOFError,
)  # fmt: skip
"""What libraries raise over bytes that nobody has foreseen."""


@dataclass(frozen=True)
class WriteOptions:
    """How results are written.

    `quality`: of JPEG and WebP, 1 to 100. `subsampling`: of JPEG's colours. `metadata`: see `reduce_metadata`.
    `to_srgb`: colours are converted, and the profile goes. `dpi`: pixels per inch, None for the source's.
    """

    quality: int = 95
    subsampling: Subsampling = "444"
    metadata: KeepMetadata = "keep"
    to_srgb: bool = False
    dpi: float | None = None


def decode(data: bytes, path: Path, options: WriteOptions) -> Picture:
    """Return the picture in the bytes of the file `path`, in the colours that its result will have.

    Raises:
        ImageError: as `decode_picture`, and as `to_srgb`; also for what their parsers stumble over.
    """
    with _named(path, "decoded"):
        picture = images.decode_picture(data, path)
        return to_srgb(picture, path) if options.to_srgb else picture


def encode(picture: Picture, target: Path, options: WriteOptions) -> Encoded:
    """Return the file `target` of a result, whose metadata are still those of its source.

    Raises:
        ImageError: as `images.encode`; also for what its libraries stumble over.
    """
    height, width = picture.rgb.shape[:2]
    with _named(target, "encoded"):
        wanted = replace(picture, metadata=_metadata(picture.metadata, (width, height), options))
        return images.encode(wanted, target, quality=options.quality, subsampling=options.subsampling)


@contextmanager
def open_strips(target: Path, source: Picture, size: tuple[int, int], options: WriteOptions) -> Iterator[StripWriter]:
    """Yield a writer of the strips of the result, of `size` (width, height), of `source`; see `image_stream`.

    Raises:
        ImageError: as `image_stream.open_strips`.
    """
    width, height = size
    channels = 4 if source.alpha is not None else 1 if source.is_gray else 3
    metadata = _metadata(source.metadata, size, options)
    with image_stream.open_strips(
        target, width=width, height=height, channels=channels, dtype=source.rgb.dtype, metadata=metadata
    ) as writer:
        yield writer


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except _FAULTS_OF_PARSERS as error:
        raise ImageError(f"{shown(path)} cannot be {what}: {type(error).__name__}, {error}.") from error


def _metadata(metadata: Metadata, size: tuple[int, int], options: WriteOptions) -> Metadata:
    wanted = resize_metadata(reduce_metadata(metadata, options.metadata), size)
    return wanted if options.dpi is None else with_dpi(wanted, options.dpi)
