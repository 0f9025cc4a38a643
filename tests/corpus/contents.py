"""Entries about what is in a file: rows 1 to 7, 9, 17, 20 to 22, 25 and 26 of the catalogue."""

from tests.corpus import pictures
from tests.corpus.entries import Audited, Entry, broken, one, usable

_ONLY_AUDIT = "only `data audit` listens to what the decoder complains of"


def _text(name: str, what: str, data: bytes, words: str, audit: str = "not_an_image") -> Entry:
    return broken(f"02-{name}", what, one("a.png", data), words, audit)


def _foreign(name: str, what: str, magic: bytes, words: str) -> Entry:
    return broken(f"26-{name}", what, one("a.jpg", magic + bytes(range(256)) * 4), words, "unsupported")


_BROKEN = (
    broken("01-empty-file", "A file of zero bytes.", one("a.jpg", b""), "is empty (0 bytes)", "empty"),
    _text("text", "A text that is called `.png`.", b"just words\n" * 9, "a text file"),
    _text("html", "A web page (an error message, mostly) saved as a picture.", b"<!DOCTYPE html><html>", "HTML"),
    _text(
        "svg", "A vector drawing called `.png`.", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG", "unsupported"
    ),
    _text("pdf", "A PDF called `.png`.", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document", "unsupported"),
    _text("zip", "A ZIP archive called `.png`.", b"PK\x03\x04" + bytes(26), "a ZIP archive"),
    _text(
        "git-lfs-pointer",
        "The placeholder that Git leaves for a large file that was not fetched.",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "git lfs pull",
    ),
    _text("zeros", "A file of zeros, as a disk leaves after a crash.", bytes(4096), "zeros"),
    _text("random-bytes", "Bytes that mean nothing.", b"\x01\x02\xfe\x03" * 99, "unknown format"),
    broken(
        "03-jpeg-cut-in-half",
        "A JPEG whose second half is missing; most programs show gray there and say nothing.",
        one("a.jpg", lambda: pictures.jpeg(3)[:1500]),
        "truncated JPEG",
        "truncated",
    ),
    broken(
        "03-jpeg-without-its-end",
        "A JPEG that lacks its last two bytes.",
        one("a.jpg", lambda: pictures.jpeg(3)[:-2]),
        "truncated JPEG",
        "truncated",
    ),
    broken(
        "03-jpeg-cut-in-its-header",
        "The first 100 bytes of a JPEG.",
        one("a.jpg", lambda: pictures.jpeg(3)[:100]),
        "truncated JPEG",
        "truncated",
    ),
    broken(
        "04-png-cut-in-half",
        "A PNG whose second half is missing.",
        one("a.png", lambda: pictures.png(4)[:3600]),
        "truncated PNG",
        "truncated",
    ),
    broken(
        "04-webp-cut-in-half",
        "A WebP whose second half is missing.",
        one("a.webp", lambda: pictures.encoded(pictures.noise(4), "WEBP")[:1000]),
        "truncated WebP",
        "truncated",
    ),
    broken(
        "05-png-flipped-bit",
        "A PNG with one wrong bit in its pixels.",
        one("a.png", pictures.flipped_png),
        "damaged PNG",
        "corrupt",
    ),
    broken(
        "05-png-wrong-checksum",
        "A PNG whose checksum is wrong.",
        one("a.png", pictures.flipped_checksum),
        "damaged PNG",
        "corrupt",
    ),
    usable(
        "03-jpeg-that-ends-early",
        "A JPEG whose second half is missing, but whose end mark was put back.",
        one("a.jpg", lambda: pictures.jpeg(31)[:1500] + b"\xff\xd9"),
        note=f"the missing half is gray; {_ONLY_AUDIT}",
        audit=Audited(False, ("corrupt",)),
    ),
    usable(
        "05-jpeg-flipped-bit",
        "A JPEG with one wrong bit in its pixels, which its decoder stumbles over.",
        one("a.jpg", lambda: pictures.with_flipped_bit(pictures.jpeg(51), 1379)),
        note=_ONLY_AUDIT,
        audit=Audited(False, ("corrupt",)),
    ),
    usable(
        "05-jpeg-flipped-bit-unseen",
        "A JPEG with one wrong bit in its pixels, which changes colours only.",
        one("a.jpg", lambda: pictures.with_flipped_bit(pictures.jpeg(52), 1280)),
        note="a JPEG has no checksum, so nobody can tell",
    ),
)

_FORMATS = (
    usable(
        "06-png-called-jpg",
        "A PNG that is called `.jpg`: its content decides how it is read.",
        one("a.jpg", lambda: pictures.png(61)),
        warns="it is called .jpg and is a PNG image",
    ),
    usable(
        "06-jpeg-called-png",
        "A JPEG that is called `.png`: its content decides how it is read.",
        one("a.png", lambda: pictures.jpeg(62)),
        warns="it is called .png and is a JPEG image",
    ),
    broken(
        "07-no-permission",
        "A file that this user may not read.",
        one("a.png", lambda: pictures.png(7)),
        "cannot be read: Permission denied",
        "unreadable",
        fault="denied",
    ),
    broken(
        "07-vanishes",
        "A file that is deleted after the folder was listed and before the file is read.",
        one("a.png", lambda: pictures.png(71)),
        "No such file",
        "vanished",
        fault="vanishing",
    ),
    usable(
        "09-gray",
        "An 8-bit gray picture; it stays gray when it is magnified.",
        one("a.png", lambda: pictures.foreign_mode("L")),
        mode="L",
        audit=Audited(True, notes=("gray",)),
    ),
    usable(
        "09-black-and-white",
        "A picture of one bit a pixel.",
        one("a.png", lambda: pictures.foreign_mode("1")),
        mode="L",
        audit=Audited(True, notes=("gray",)),
    ),
    usable(
        "09-gray-with-transparency",
        "A gray picture with transparency, which is magnified too; training sees the colours without it.",
        one("a.png", lambda: pictures.foreign_mode("LA")),
        mode="LA",
        audit=Audited(True, notes=("gray", "alpha")),
    ),
    usable(
        "09-palette",
        "A picture with a palette of 64 colours.",
        one("a.png", lambda: pictures.foreign_mode("P")),
        mode="RGB",
    ),
    usable(
        "09-palette-with-transparency",
        "A palette in which one colour is transparent.",
        one("a.png", pictures.palette_with_transparency),
        mode="RGBA",
        audit=Audited(True, notes=("alpha",)),
    ),
    *(
        usable(
            f"17-exif-orientation-{number}",
            f"A photograph whose EXIF block says orientation {number}; the picture is turned upright, once.",
            one("a.jpg", lambda number=number: pictures.turned_jpeg(number)),
            (60, 40) if number < 5 else (40, 60),
            audit=Audited(True, notes=("exif_rotated",)),
        )
        for number in range(2, 9)
    ),
)

_SIZES = (
    *(
        usable(
            f"20-{width}x{height}-pixels",
            f"A picture of {width} x {height} pixels; training fills a crop by reflection.",
            one("a.png", lambda w=width, h=height: pictures.encoded(pictures.noise(20, w, h), "PNG")),
            (width, height),
            audit=Audited(False, reasons, notes),
        )
        for width, height, reasons, notes in (
            (1, 1, ("blank", "too_small", "line_drawing"), ()),
            (1, 33, ("too_small",), ()),
            (33, 1, ("too_small",), ()),
            (2, 2, ("too_small",), ("line_drawing",)),
            (3, 5, ("too_small",), ("line_drawing",)),
        )
    ),
    usable(
        "21-odd-sides",
        "A picture of 61 x 43 pixels, which no scale divides.",
        one("a.png", lambda: pictures.encoded(pictures.noise(21, 61, 43), "PNG")),
        (61, 43),
    ),
    *(
        broken(
            f"22-bomb-{kind}",
            f"A small {kind.upper()} whose header promises 60000 x 60000 pixels, 10 GB; no pixel is decoded.",
            one(f"a.{kind}", lambda claim=claim: claim(60_000, 60_000)),
            "60000 x 60000 pixels; the limit is 300 million",
            "too_large",
        )
        for kind, claim in (
            ("png", pictures.png_that_claims),
            ("jpg", pictures.jpeg_that_claims),
            ("gif", pictures.gif_that_claims),
            ("bmp", pictures.bmp_that_claims),
            ("tif", pictures.tiff_that_claims),
        )
    ),
    usable(
        "22-bomb-in-a-comment",
        "A small PNG with a comment that unpacks to 200 MB; it is not unpacked, and the picture is used.",
        one("a.png", pictures.png_with_huge_text),
    ),
)

_ANIMATED = Audited(False, ("animated",))
_MANY_FRAMES = tuple(
    usable(
        f"25-{name}",
        f"{what}; the first picture of it is used.",
        one(f"a.{suffix}", lambda kind=kind, seed=2500 + 3 * n: pictures.with_frames(kind, seed)),
        warns="more than one picture, of which the first was read",
        audit=judged,
    )
    for n, (name, what, suffix, kind, judged) in enumerate(
        (
            ("animated-gif", "An animated GIF", "gif", "GIF", _ANIMATED),
            ("animated-webp", "An animated WebP", "webp", "WEBP", _ANIMATED),
            ("animated-png", "An animated PNG", "png", "PNG", _ANIMATED),
            ("pages-in-a-tiff", "A TIFF with several pages", "tif", "TIFF", Audited(True)),
            ("burst-of-a-camera", "A JPEG with more pictures behind the first (MPO)", "jpg", "MPO", Audited(True)),
        )
    )
)

_UNSUPPORTED = (
    _foreign("heic", "A HEIC photograph of a phone, called `.jpg`.", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    _foreign("avif", "An AVIF picture called `.jpg`.", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
    _foreign("svg", "An SVG drawing called `.jpg`.", b"<?xml version='1.0'?><svg/>\n", "SVG"),
    _foreign(
        "eps", "An EPS file called `.jpg`; it is never given to a PostScript interpreter.", b"%!PS-Adobe", "PostScript"
    ),
    _foreign("pdf", "A PDF called `.jpg`.", b"%PDF-1.4\n", "PDF"),
    _foreign("psd", "A Photoshop file called `.jpg`.", b"8BPS\0\1", "Photoshop"),
)

_RAW = tuple(
    broken(
        f"26-raw-{name}",
        f"{what}; its preview, which other programs read, is a picture of 160 x 120 pixels.",
        one(file, lambda is_cr2=is_cr2: pictures.raw_photograph(is_cr2=is_cr2)),
        "RAW file; develop it to PNG, TIFF or JPEG first",
        "unsupported",
    )
    for name, what, file, is_cr2 in (
        ("dng", "A RAW photograph (DNG) under its own name", "a.dng", False),
        ("dng-called-tif", "A RAW photograph (DNG) called `.tif`", "a.tif", False),
        ("cr2", "A RAW photograph (CR2) under its own name", "a.cr2", True),
        ("cr2-called-jpg", "A RAW photograph (CR2) called `.jpg`", "a.jpg", True),
    )
)

CONTENTS: tuple[Entry, ...] = (*_RAW, *_BROKEN, *_FORMATS, *_SIZES, *_MANY_FRAMES, *_UNSUPPORTED)
