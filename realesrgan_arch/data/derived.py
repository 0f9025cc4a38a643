"""What tiles and frozen sets have in common: made from the pictures of a split, in a folder apart, by one process."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.images import Pixels, decode_rgb, read_bytes


def check_apart(out: Path, root: Path) -> None:
    """Check that `out` does not lie among the pictures.

    Raises:
        DataError: it does.
    """
    if out.resolve().is_relative_to(root.resolve()):
        raise DataError(f"Expected an --out beside the pictures, but {shown(out)} lies inside of {shown(root)}.")


def check_room(out: Path, num_bytes: float, *, what: str, advice: str) -> None:
    """Check that about `num_bytes` fit on the disk of `out`, or of the nearest folder above it that exists.

    Raises:
        DataError: they do not; it says `what` needs them, and the `advice`.
    """
    free = free_bytes(out)
    if free < num_bytes:
        raise DataError(
            f"{what} may take {say_bytes(num_bytes)}, but the disk of {shown(out)} has {say_bytes(free)} left; "
            f"{advice}, or name a folder on another disk with --out."
        )


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Keep `out` for this process while it is made, and make a sentence of what the system refuses meanwhile.

    Raises:
        DataError: another process is at it, or a file or folder cannot be read or written.
    """
    place = out.absolute()
    try:
        with file_lock(place.parent / f".{place.name}.lock"):
            yield
    except BlockingIOError as error:
        raise DataError(f"Another process is working in {shown(out)}; wait for it, or name another --out.") from error
    except OSError as error:
        raise DataError(
            f"{shown(Path(error.filename or out))} cannot be used: {error.strerror or error}. What is done is kept: "
            "mend this and run the same command again, or name another --out."
        ) from error


def read_source(row: ManifestRow, root: Path) -> Pixels:
    """Return the picture of `row` below `root` as uint8 RGB (H, W, 3).

    Raises:
        ImageError: it cannot be read, or is not the one of the manifest.
    """
    path = root / row.path
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ImageError(f"{shown(path)} changed since the manifest was written; run `data split` again.")
    pixels = decode_rgb(data, path)
    if pixels.shape[:2] != (row.height, row.width):
        raise ImageError(f"{shown(path)} has another size than its manifest says; run `data split` again.")
    return pixels
