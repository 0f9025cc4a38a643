"""What the formats that we write can hold: names, sides, pixels, transparency, strips."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from realesrgan_arch.image_header import ImageError, shown

Pixels = np.ndarray[Any, np.dtype[Any]]
"""uint8 or uint16, (H, W, 3) RGB unless said otherwise."""

OutputKind = Literal["PNG", "JPEG", "WebP", "TIFF"]
_KIND_BY_SUFFIX: dict[str, OutputKind] = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
_MAX_SIDE: dict[OutputKind, int] = {"PNG": 1_000_000, "JPEG": 65535, "WebP": 16383}
_MAX_OUTPUT_PIXELS = 2_000_000_000
"""A photograph of 125 megapixels at x4; what asks for more is most likely a slip in the magnification."""
_MAX_STREAMED_PIXELS = 20_000_000_000
"""Strips need no memory for the whole: a panorama of 1250 megapixels at x4."""
_STREAMED_KINDS: frozenset[OutputKind] = frozenset({"PNG", "TIFF"})


def output_kind(path: Path) -> OutputKind:
    """Return the format that the suffix of `path` asks for; ImageError for an unknown one."""
    try:
        return _KIND_BY_SUFFIX[path.suffix.lower()]
    except KeyError as error:
        wanted = ", ".join(suffix[1:] for suffix in _KIND_BY_SUFFIX)
        raise ImageError(f"{shown(path)} cannot be written: expected one of {wanted}, got '{path.suffix}'.") from error


def check_writable_size(path: Path, *, width: int, height: int, streamed: bool = False) -> None:
    """Raise ImageError when the format of `path` cannot hold `width` x `height`; call it before computing for hours.

    `streamed`: the picture is written strip by strip (`image_stream.open_strips`), which may be ten times larger.
    """
    kind = output_kind(path)
    most = _MAX_STREAMED_PIXELS if streamed and kind in _STREAMED_KINDS else _MAX_OUTPUT_PIXELS
    if width * height > most:
        raise ImageError(
            f"{shown(path)} cannot be written: it would have {width} x {height} pixels and the limit is "
            f"{most // 1_000_000} million; choose a smaller magnification."
        )
    limit = _MAX_SIDE.get(kind)
    if limit is not None and max(width, height) > limit:
        raise ImageError(
            f"{shown(path)} cannot be written: {kind} is limited to {limit} pixels a side and the picture has "
            f"{width} x {height}; choose {'tiff' if kind == 'PNG' else 'png or tiff'}."
        )


def holds_alpha(path: Path) -> bool:
    """Return whether the format of `path` (by suffix) has room for transparency; ImageError for an unknown suffix."""
    return output_kind(path) != "JPEG"


def streams(path: Path) -> bool:
    """Return whether the format of `path` can be written strip by strip; ImageError for an unknown suffix."""
    return output_kind(path) in _STREAMED_KINDS
