"""Where the bytes of images come from: files, or an LMDB. Data sets are handed `read` and know no more."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from realesrgan_arch.data.files import bytes_on_disk, list_images
from realesrgan_arch.images import read_bytes, read_size

ReadBytes = Callable[[Path], bytes]
"""The bytes of an image by its path; ImageError when there are none. Workers get it, so it can be pickled."""


class ImageSource(Protocol):
    """A place of images; an image has a path below a root, whether the path is a file's or a key's."""

    def list(self, root: Path) -> list[Path]:
        """Return all images below `root`, in natural order; DataError when there is none."""
        ...

    def num_bytes(self, path: Path) -> int | None:
        """Return the size of an image, None when it does not exist."""
        ...

    def read(self, path: Path) -> bytes:
        """Return the bytes of an image; ImageError when it cannot be read."""
        ...

    def size(self, path: Path) -> tuple[int, int]:
        """Return (width, height) of the upright picture, which is not decoded; ImageError when it cannot be read."""
        ...


class Disk:
    """Files in folders."""

    def list(self, root: Path) -> list[Path]:
        """Return all image files below `root`."""
        return list_images(root)

    def num_bytes(self, path: Path) -> int | None:
        """Return the size of a file, None when it is absent."""
        return bytes_on_disk(path)

    def read(self, path: Path) -> bytes:
        """Return the bytes of a file."""
        return read_bytes(path)

    def size(self, path: Path) -> tuple[int, int]:
        """Return (width, height), of which the header is read."""
        return read_size(path)
