"""Between the bytes of files and pictures, with all that a user may ask about the files of results."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from realesrgan_arch import images
from realesrgan_arch.image_encode import Picture, Pixels

MetadataPolicy = Literal["keep", "safe", "none"]
Subsampling = Literal["444", "422", "420"]


@dataclass(frozen=True)
class WriteOptions:
    """How results are written.

    `quality`: of JPEG and WebP, 1 to 100. `subsampling`: of JPEG's colours. `metadata`: kept, reduced to what tells
    nothing about place and owner, or left out. `to_srgb`: colours are converted, and the profile goes. `dpi`: pixels
    per inch, None for the source's.
    """

    quality: int = 95
    subsampling: Subsampling = "444"
    metadata: MetadataPolicy = "keep"
    to_srgb: bool = False
    dpi: float | None = None


class StripWriter(Protocol):
    """A file that grows from the top to the bottom of its picture."""

    def write(self, rows: Pixels, /) -> None: ...


# To be joined with `image_stream.py`, and with what `images.py` and `image_encode.py` then take.
def decode(data: bytes, path: Path, options: WriteOptions) -> Picture:
    """Return the picture in the bytes of the file `path`.

    Raises:
        ImageError: as `read_picture`.
    """
    del data, options
    return images.read_picture(path)


def encode(picture: Picture, target: Path, options: WriteOptions) -> bytes:
    """Return the bytes of the file `target`.

    Raises:
        ImageError: as `images.encode`.
    """
    return images.encode(picture, target, quality=options.quality)


def streams(target: Path) -> bool:
    """Return whether the format of `target` can be written strip by strip."""
    del target
    return False


def open_strips(
    target: Path, picture: Picture, size: tuple[int, int], options: WriteOptions
) -> AbstractContextManager[StripWriter]:
    """Open the file `target` for the strips of a result of `size` (width, height) of `picture`."""
    raise NotImplementedError
