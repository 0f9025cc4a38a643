"""PNG and TIFF files written strip by strip: memory for a strip, whatever the size of the picture."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.image_fitting import fit_metadata
from realesrgan_arch.image_formats import OutputKind, check_writable_size, output_kind, streams
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_png_write import PngStrips
from realesrgan_arch.image_strips import StripFormat, StripShape, StripWriter
from realesrgan_arch.image_tiff_write import TiffStrips

__all__ = ["StripWriter", "open_strips", "streams", "strips_into"]

_MAX_THREADS = 4


@contextmanager
def open_strips(
    path: Path, *, width: int, height: int, channels: int, dtype: Any, metadata: Metadata
) -> Iterator[StripWriter]:
    """Yield a writer of the rows of a PNG or TIFF; the file is complete when the block ends well, else absent.

    `channels`: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA; `dtype` uint8 or uint16. What of `metadata` the file cannot
    hold is in the writer's `notes`. A TIFF that may pass 4 GB is a BigTIFF.

    Raises:
        ImageError: unknown suffix, a format without strips, too large for the format, or the disk fails.
        ValueError: rows are missing at the end of the block; see also `StripWriter.write`.
    """
    if not streams(path):
        raise ImageError(f"{shown(path)} cannot be written strip by strip; choose png or tiff.")
    check_writable_size(path, width=width, height=height, streamed=True)
    shape = StripShape(width, height, channels, np.dtype(dtype))

    @contextmanager
    def disk_faults() -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ImageError(f"{shown(path)} cannot be written: {error.strerror}.") from error

    with ExitStack() as cleanup:
        with disk_faults():
            file = cleanup.enter_context(atomic_file(path))
        with ThreadPoolExecutor(_num_threads()) as pool:
            fitted = fit_metadata(metadata, output_kind(path), is_gray=channels <= 2)
            form = _build_format(output_kind(path), file, shape, fitted.metadata)
            writer = StripWriter(form, shape, pool, notes=fitted.notes, faults=disk_faults)
            yield writer
            writer.close()
        with disk_faults():
            cleanup.close()


@contextmanager
def strips_into(file: BinaryIO, kind: OutputKind, shape: StripShape, metadata: Metadata) -> Iterator[StripWriter]:
    """Yield a writer of the rows of a PNG or TIFF into `file`, which is empty, seekable and not on a disk.

    `metadata` must fit (see `image_fitting.fit_metadata`).

    Raises:
        ValueError: as `open_strips`.
    """
    with ThreadPoolExecutor(_num_threads()) as pool:
        form = _build_format(kind, file, shape, metadata)
        writer = StripWriter(form, shape, pool, notes=(), faults=nullcontext)
        yield writer
        writer.close()


def _build_format(kind: OutputKind, file: BinaryIO, shape: StripShape, metadata: Metadata) -> StripFormat:
    return PngStrips(file, shape, metadata) if kind == "PNG" else TiffStrips(file, shape, metadata)


def _num_threads() -> int:
    return min(_MAX_THREADS, usable_cores())
