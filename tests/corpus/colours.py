"""Entries about pixels and what stands beside them: rows 10 to 16, 18 and 19 of the catalogue."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from realesrgan_arch.image_encode import Picture, encode
from tests import image_makers
from tests.corpus import pictures
from tests.corpus.entries import Audited, Entry, broken, one, usable
from tests.corpus.pictures import HEIGHT, WIDTH

_INKS = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
_INKS[:, 15:30, 0] = _INKS[:, 30:45, 3] = _INKS[:, 45:, 1] = 255
"""Four fields: paper, cyan, black, magenta."""
THUMBNAIL = b"\xff\xd8 SMALL PICTURE \xff\xd9"
LATITUDE = struct.pack("<6I", 48, 1, 51, 1, 30, 1)
PRIVATE = (LATITUDE, b"SERIAL-1", b"An Owner", b"An Artist", b"note of the maker", b"xmpmeta", b"comment")
"""Bytes of `private` that no result may have when nothing of a person or a place is to be told."""


def soft_disc() -> bytes:
    """RGBA: a red disc with a soft edge; where nothing of it is seen, the hidden colour is green."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    alpha = np.clip((16 - np.hypot(rows - 20, columns - 30)) / 4, 0, 1)[..., None]
    rgb = np.where(alpha > 0, (220, 20, 20), (0, 255, 0))
    return pictures.encoded(np.dstack([rgb, 255 * alpha]).astype(np.uint8), "PNG")


def sixteen_bits(suffix: str, seed: int, *, brightest: int = 65535) -> bytes:
    """RGB noise of 16 bits a channel from 0 to `brightest`. Pillow writes no such files."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, brightest, (HEIGHT, WIDTH, 3), dtype=np.uint16, endpoint=True)
    return encode(Picture(pixels), Path(f"a.{suffix}")).data


def float_tiff() -> bytes:
    """32-bit floats, among them NaN, infinity, negative ones and some above 1."""
    values = np.linspace(-2, 2, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    values[0, :3] = (np.nan, np.inf, -np.inf)
    return pictures.encoded(Image.fromarray(values), "TIFF")


def private(kind: str = "JPEG") -> bytes:
    """A photograph that tells where, by whom and with which camera it was taken, and has a thumbnail and XMP."""
    block = image_makers.exif_block(thumbnail=THUMBNAIL)
    return pictures.encoded(pictures.noise(190), kind, exif=b"Exif\0\0" + block, xmp=image_makers.XMP)


def cmyk(kind: str, icc: bytes | None) -> bytes:
    return pictures.encoded(Image.fromarray(_INKS, "CMYK"), kind, icc_profile=icc)


def _with(icc: bytes, seed: int) -> Callable[[], bytes]:
    return lambda: pictures.encoded(pictures.noise(seed), "PNG", icc_profile=icc)


def _of_space(space: bytes) -> bytes:
    return image_makers.SRGB[:16] + space + image_makers.SRGB[20:]


_DEEP = Audited(True, notes=("sixteen_bit",))
_TURNED = Audited(True, notes=("exif_rotated",))
_GUESS = "its colours are a guess"

_PIXELS = (
    usable(
        "10-hidden-colour-under-a-soft-edge",
        "A picture whose transparent pixels have a colour that nobody is to see.",
        one("a.png", soft_disc),
        mode="RGBA",
        audit=Audited(False, ("line_drawing",), ("alpha",)),
    ),
    *(
        usable(
            f"12-16-bit-{suffix}", f"A {suffix.upper()} of 16 bits a channel.", one(f"a.{suffix}", make), audit=_DEEP
        )
        for suffix, make in (("png", lambda: sixteen_bits("png", 120)), ("tif", lambda: sixteen_bits("tif", 121)))
    ),
    usable(
        "13-dark-16-bit",
        "A dark picture of 16 bits a channel, whose largest value is 200: the type decides, not the values.",
        one("a.png", lambda: sixteen_bits("png", 130, brightest=200)),
        audit=Audited(False, ("blank",), ("gray", "sixteen_bit")),
    ),
    broken(
        "15-float-tiff",
        "A TIFF of floating-point pixels, some of them infinite or no numbers.",
        one("a.tif", float_tiff),
        "float32 pixels, which is not read",
        "unsupported",
    ),
    *(
        usable(
            f"16-cmyk-{name}",
            f"A {kind} for printing (CMYK) {what}.",
            one(f"a.{suffix}", lambda kind=kind, icc=icc: cmyk(kind, icc)),
            mode="RGB",
            warns=warns,
            audit=Audited(True, notes=notes),
        )
        for name, kind, suffix, icc, what, warns, notes in (
            ("jpeg", "JPEG", "jpg", None, "without a profile", _GUESS, ("cmyk", "line_drawing")),
            ("jpeg-with-a-profile", "JPEG", "jpg", image_makers.cmyk_profile(), "with its profile", "", ("cmyk",)),
            ("tiff", "TIFF", "tif", None, "without a profile", _GUESS, ("cmyk", "line_drawing")),
        )
    ),
)

_PROFILES = tuple(
    usable(
        f"18-profile-{name}",
        f"A picture whose colour profile is {what}.",
        one("a.png", _with(icc, 180 + number)),
        warns=warns,
    )
    for number, (name, what, icc, warns) in enumerate(
        (
            ("usual", "the usual one (sRGB); it stays byte for byte", image_makers.SRGB, ""),
            ("garbage", "no profile at all", b"garbage", "its colour profile is damaged"),
            ("cut-off", "cut off", image_makers.SRGB[:200], "its colour profile is damaged"),
            ("of-gray", "for gray pictures", _of_space(b"GRAY"), "is for gray pictures and was left out"),
            ("of-cmyk", "for printing", image_makers.cmyk_profile(), "is for CMYK pictures and was left out"),
            ("bomb", "20 MB of zeros in a few kilobytes", bytes(20_000_000), "its colour profile"),
        )
    )
)

_EXIF = (
    usable(
        "19-exif-private",
        "A photograph that tells its place, its owner and more.",
        one("a.jpg", private),
        (40, 60),
        audit=_TURNED,
    ),
    usable(
        "19-exif-damaged",
        "A photograph whose EXIF block points to nowhere.",
        one("a.jpg", lambda: pictures.jpeg(191, exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")),
        warns="EXIF block is damaged and was left out",
    ),
    usable(
        "19-exif-that-points-to-itself",
        "A photograph whose EXIF block is a circle.",
        one("a.jpg", lambda: pictures.jpeg(192, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0")),
    ),
    usable(
        "19-exif-huge",
        "A picture with 300 kB of EXIF, more than a JPEG can hold; a maker's note, mostly.",
        one("a.png", lambda: pictures.png(193, exif=huge_exif())),
    ),
)


def huge_exif() -> bytes:
    exif = Image.Exif()
    exif[271] = "Maker"
    exif[34665] = {37500: bytes(range(256)) * 1200}
    return exif.tobytes()


COLOURS: tuple[Entry, ...] = (*_PIXELS, *_PROFILES, *_EXIF)
