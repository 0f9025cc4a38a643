"""Between the bytes of files and pictures, with all that a user may ask about the files of results."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch import image_stream, images
from realesrgan_arch.image_color import to_srgb
from realesrgan_arch.image_encode import Encoded, Picture, Subsampling
from realesrgan_arch.image_metadata import KeepMetadata, Metadata, reduce_metadata, resize_metadata, with_dpi
from realesrgan_arch.image_strips import StripWriter


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
        ImageError: as `decode_picture`, and as `to_srgb`.
    """
    picture = images.decode_picture(data, path)
    return to_srgb(picture, path) if options.to_srgb else picture


def encode(picture: Picture, target: Path, options: WriteOptions) -> Encoded:
    """Return the file `target` of a result, whose metadata are still those of its source.

    Raises:
        ImageError: as `images.encode`.
    """
    height, width = picture.rgb.shape[:2]
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


def _metadata(metadata: Metadata, size: tuple[int, int], options: WriteOptions) -> Metadata:
    wanted = resize_metadata(reduce_metadata(metadata, options.metadata), size)
    return wanted if options.dpi is None else with_dpi(wanted, options.dpi)
