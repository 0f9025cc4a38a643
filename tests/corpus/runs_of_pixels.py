"""Runs over broken files, foreign pixels: rows 1 to 6, 10 to 17, 20 and 24 to 26 of the catalogue."""

from pathlib import Path

import numpy as np

from realesrgan_arch.images import Picture, read_picture
from tests.corpus import colours, pictures
from tests.corpus.entries import several
from tests.corpus.upscale_runs import Check, UpscaleRun, photos


def _picture(output: Path, name: str = "a_out.png") -> Picture:
    return read_picture(output / name)


def _is_deep(output: Path) -> None:
    result = _picture(output, next(path.name for path in output.iterdir() if path.stem == "a_out"))
    assert result.rgb.dtype == np.uint16
    assert len(np.unique(result.rgb)) > 1000


def _is_dark(output: Path) -> None:
    result = _picture(output)
    assert result.rgb.dtype == np.uint16
    assert result.rgb.mean() < 1000


def _has_no_green_fringe(output: Path) -> None:
    result = _picture(output)
    assert result.alpha is not None
    seen = result.alpha > 25
    assert result.rgb[seen, 1].max() < 100


def _is_not_inverted(output: Path) -> None:
    rgb = _picture(output, "a_out.jpg").rgb
    assert rgb[40:120, 10:50].min() > 200, "paper is white"
    assert rgb[40:120, 130:170].max() < 60, "black is black"


def _starts_with(name: str, start: bytes) -> Check:
    def check(output: Path) -> None:
        assert (output / name).read_bytes().startswith(start)

    return check


def _is_of_size(width: int, height: int, name: str = "a_out.png") -> Check:
    def check(output: Path) -> None:
        assert _picture(output, name).rgb.shape == (height, width, 3)

    return check


def _wide(width: int) -> bytes:
    return pictures.encoded(np.full((1, width, 3), 99, np.uint8), "PNG")


def _tiny_pictures(folder: Path) -> None:
    for width, height in ((1, 1), (1, 33), (33, 1), (2, 2), (3, 5)):
        data = pictures.encoded(pictures.noise(20, width, height), "PNG")
        several({f"photos/{width}x{height}.png": lambda data=data: data})(folder)


def _are_four_times_as_large(output: Path) -> None:
    for path in output.glob("*.png"):
        width, height = map(int, path.stem.removesuffix("_out").split("x"))
        assert read_picture(path).rgb.shape == (4 * height, 4 * width, 3)


def _a_batch(folder: Path) -> None:
    data = pictures.png(4)
    several(
        {
            "photos/1 empty.jpg": lambda: b"",
            "photos/2 text.png": lambda: b"just words\n" * 9,
            "photos/3 cut.jpg": lambda: pictures.jpeg(3)[:1500],
            "photos/4 cut.png": lambda: data[:3600],
            "photos/5 flipped.png": pictures.flipped_png,
            "photos/6 bomb.png": lambda: pictures.png_that_claims(60_000, 60_000),
            "photos/7 good.png": lambda: data,
        }
    )(folder)


def _all_are_listed(output: Path) -> None:
    lines = (output / "failed.txt").read_text().splitlines()
    assert [Path(line.split("\t")[0]).name[0] for line in lines] == ["1", "2", "6", "3", "4", "5"]
    assert all(len(line.split("\t")[1]) > 20 for line in lines)


RUNS_OF_PIXELS: tuple[UpscaleRun, ...] = (
    UpscaleRun(
        "03-allow-truncated",
        "Half a JPEG is no picture, and there is no flag that makes it one.",
        photos(a_jpg=pictures.jpeg(3)[:1500]),
        "unrecognized arguments: --allow-truncated",
        code=2,
        flags=("--allow-truncated",),
    ),
    UpscaleRun(
        "01-a-batch",
        "Seven pictures, six of them broken in different ways: the good one is made, the others are in `failed.txt`.",
        _a_batch,
        "1 picture upscaled",
        code=3,
        results=("7 good_out.png",),
        check=_all_are_listed,
    ),
    UpscaleRun(
        "01-fail-fast",
        "The same with `--fail-fast`: it ends at the first that fails.",
        _a_batch,
        "is a truncated JPEG image",
        code=3,
        flags=("--fail-fast",),
    ),
    UpscaleRun(
        "06-png-called-jpg",
        "A PNG that is called `.jpg`: the result has the format of its name.",
        photos(a_jpg=pictures.png(6)),
        "it is called .jpg and is a PNG image",
        results=("a_out.jpg",),
        check=_starts_with("a_out.jpg", b"\xff\xd8\xff"),
    ),
    *(
        UpscaleRun(
            f"10-hidden-colour-{way}",
            f"A soft edge over a hidden green, `--alpha_upsampler {way}`: no green is seen.",
            photos(a_png=colours.soft_disc()),
            "1 picture upscaled",
            results=("a_out.png",),
            flags=("--alpha_upsampler", way),
            check=_has_no_green_fringe,
        )
        for way in ("realesrgan", "bicubic")
    ),
    UpscaleRun(
        "11-transparency-into-jpeg",
        "A picture with transparency, and JPEG is asked for: it becomes a PNG.",
        photos(a_png=colours.soft_disc(), b_png=pictures.png(11)),
        "it has transparency, which JPEG cannot hold: the result is a_out.png",
        results=("a_out.png", "b_out.jpg"),
        flags=("--ext", "jpg"),
    ),
    *(
        UpscaleRun(
            f"12-16-bit-{suffix}",
            f"A {suffix.upper()} of 16 bits a channel: so is the result.",
            photos(**{f"a_{suffix}": colours.sixteen_bits(suffix, 12)}),
            "1 picture upscaled",
            results=(f"a_out.{suffix}",),
            check=_is_deep,
        )
        for suffix in ("png", "tif")
    ),
    UpscaleRun(
        "13-dark-16-bit",
        "A dark picture of 16 bits, whose largest value is 200: the result is as dark.",
        photos(a_png=colours.sixteen_bits("png", 13, brightest=200)),
        "1 picture upscaled",
        results=("a_out.png",),
        check=_is_dark,
    ),
    UpscaleRun(
        "14-16-bit-into-jpeg",
        "16 bits a channel, and JPEG is asked for: rounded to 8, and said.",
        photos(a_png=colours.sixteen_bits("png", 14)),
        "16 bits",
        results=("a_out.jpg",),
        flags=("--ext", "jpg"),
    ),
    UpscaleRun(
        "15-float-tiff",
        "Floating-point pixels among others.",
        photos(a_tif=colours.float_tiff(), b_png=pictures.png(15)),
        "float32 pixels, which is not read",
        code=3,
        results=("b_out.png",),
    ),
    UpscaleRun(
        "16-cmyk-jpeg",
        "A JPEG for printing without a profile: RGB, not inverted, with a warning.",
        photos(a_jpg=colours.cmyk("JPEG", None)),
        "it is CMYK without a profile, so its colours are a guess",
        results=("a_out.jpg",),
        check=_is_not_inverted,
    ),
    *(
        UpscaleRun(
            f"17-orientation-{number}",
            f"EXIF says orientation {number}: the result is upright and does not ask to be turned again.",
            photos(a_jpg=pictures.turned_jpeg(number)),
            "1 picture upscaled",
            results=("a_out.png",),
            flags=("--ext", "png"),
            check=_is_of_size(*((240, 160) if number < 5 else (160, 240))),
        )
        for number in (3, 6)
    ),
    UpscaleRun(
        "20-tiny",
        "Pictures of 1 x 1 to 33 x 1 pixels, in tiles of 2 pixels.",
        _tiny_pictures,
        "5 pictures upscaled",
        results=("1x1_out.png", "1x33_out.png", "2x2_out.png", "33x1_out.png", "3x5_out.png"),
        flags=("-t", "2"),
        check=_are_four_times_as_large,
    ),
    UpscaleRun(
        "24-webp-too-wide",
        "A result of 20000 pixels across as WebP, which ends at 16383: known before anything is computed.",
        photos(a_png=_wide(5000)),
        "1 image, 1 unreadable\nfailed: out/a_out.webp cannot be written: WebP is limited to 16383 pixels a side",
        code=3,
        flags=("--ext", "webp"),
    ),
    UpscaleRun(
        "24-jpeg-too-wide",
        "A result of 80000 pixels across as JPEG, which ends at 65535.",
        photos(a_png=_wide(20000), b_png=pictures.png(24)),
        "choose png or tiff",
        code=3,
        results=("b_out.jpg",),
        flags=("--ext", "jpg"),
    ),
    UpscaleRun(
        "24-magnification-too-large",
        "A magnification that makes a picture of 1.8 million megapixels of a small one.",
        photos(a_png=pictures.png(24)),
        "choose a smaller magnification",
        code=3,
        flags=("-s", "30000"),
    ),
    UpscaleRun(
        "25-animated",
        "An animated GIF: its first picture, as PNG, with a warning.",
        photos(a_gif=pictures.with_frames("GIF", 25)),
        "it holds more than one picture, of which the first was read",
        results=("a_out.png",),
    ),
    UpscaleRun(
        "26-heic-among-others",
        "A HEIC photograph under its own name, among others.",
        photos(a_heic=b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", b_png=pictures.png(26)),
        "a HEIC or AVIF picture or a video; convert it to JPEG or PNG first",
        code=3,
        results=("b_out.png",),
    ),
)
