"""Pictures decoded small and fast, for hashes and statistics; `images.py` is for everything that is kept."""

from pathlib import Path

import cv2
import numpy as np

from realesrgan_arch.image_header import ImageError, ImageHeader, shown
from realesrgan_arch.images import Pixels, decode_rgb

_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


def decode_small(data: bytes, header: ImageHeader, path: Path, *, min_side: int) -> Pixels:
    """Return the upright picture as uint8 RGB (H, W, 3), both sides at least `min_side` unless the file's are smaller.

    A JPEG is decoded to a half, quarter or eighth by its own transform, which averages blocks as area scaling does and
    takes a third of the time or less. Other formats have nothing like it (OpenCV would decode them whole and leave out
    pixels), and are decoded whole.

    Raises:
        ImageError: damaged, or floating-point pixels; `path` only names the file.
    """
    factors = [factor for factor in _REDUCED if min(header.stored_size) // factor >= min_side]
    if header.kind != "JPEG" or header.mode not in ("RGB", "L") or not factors:
        return decode_rgb(data, path)
    try:
        # OpenCV turns the picture as EXIF says.
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factors[0]])
    except cv2.error as error:
        raise ImageError(f"{shown(path)} is a JPEG image that cannot be decoded: {error.err}.") from error
    if pixels is None:
        raise ImageError(f"{shown(path)} is a damaged JPEG image; copy or download it again.")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
