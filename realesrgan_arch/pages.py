"""Self-contained HTML pages: everything escaped, pictures inside the file, nothing fetched from elsewhere."""

import base64
from pathlib import Path
from typing import Any

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from realesrgan_arch.image_encode import Picture, encode
from realesrgan_arch.image_formats import Pixels


def render(template: str, **values: Any) -> str:
    """Return the page of `realesrgan_arch/templates/<template>`; a template extends `page.html`, which needs `title`.

    Names of files are untrusted: every value is escaped.
    """
    loader = PackageLoader("realesrgan_arch", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(template).render(**values)


def thumbnail(pixels: Pixels, *, side: int) -> Pixels:
    """Return RGB uint8 (H, W, 3) made smaller, by area, until neither side is above `side` pixels."""
    factor = side / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(1, round(length * factor)) for length in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def data_uri(pixels: Pixels, *, suffix: str = ".jpg", quality: int = 80) -> str:
    """Return RGB uint8 (H, W, 3) as a `data:` address for `<img src>`: JPEG for a look, PNG where pixels matter."""
    data = encode(Picture(pixels), Path(f"picture{suffix}"), quality=quality).data
    kind = "png" if suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
