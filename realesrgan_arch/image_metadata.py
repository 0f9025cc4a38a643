"""What a picture carries besides its pixels: colour profile, EXIF, XMP and resolution."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture, in the bytes that stood there.

    `icc`: the profile. `exif`: a TIFF block without the six bytes `Exif\\0\\0` before it. `xmp`: the packet.
    `dpi`: pixels per inch, horizontally and vertically.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
