import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from realesrgan_arch import image_png
from realesrgan_arch.images import read_picture, read_rgb, read_size
from tests.image_makers import SRGB, XMP, chunk, exif_block, picture, saved, with_chunks

PLAIN = saved(picture(), "PNG")
BIG_TEXT = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000)))


def as_text(name: str, body: bytes) -> bytes:
    """ImageMagick's way to store a profile."""
    return f"\n{name}\n{len(body):8d}\n{body.hex()}\n".encode()


def test_a_plain_file_is_handed_on_as_it_is_and_another_without_its_extras():
    assert image_png.for_decoder(PLAIN, io.BytesIO(PLAIN)) is PLAIN
    data = with_chunks(PLAIN, BIG_TEXT, chunk(b"iCCP", b"a\0\0" + zlib.compress(SRGB)), chunk(b"sRGB", b"\0"))
    assert image_png.for_decoder(data, io.BytesIO(data)) == PLAIN
    assert image_png.for_pillow(data, io.BytesIO(data)) == with_chunks(PLAIN, chunk(b"sRGB", b"\0"))


def test_transparency_is_not_an_extra():
    data = saved(picture(), "PNG", transparency=tuple(int(level) for level in picture()[3, 5]))
    assert image_png.for_decoder(data, io.BytesIO(data)) == data


def test_the_transparent_level_of_a_gray_picture_becomes_alpha(tmp_path):
    gray = picture()[..., 0]
    (tmp_path / "a.png").write_bytes(saved(gray, "PNG", transparency=int(gray[3, 5])))
    result = read_picture(tmp_path / "a.png")
    assert result.is_gray and np.array_equal(result.rgb[..., 0], gray)
    assert np.array_equal(result.alpha, np.where(gray == gray[3, 5], 0, 255))


@pytest.mark.parametrize(
    "flaw",
    [
        chunk(b"iCCP", b"name\0\0not packed"),
        chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB[:16] + b"GRAY" + SRGB[20:])),
        chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB))[:-1] + b"\0",
        chunk(b"eXIf", b"garbage"),
        chunk(b"sRGB", b"\x09"),
        chunk(b"pHYs", b"\0\0\0"),
        chunk(b"sBIT", b"\0\0\0"),
        chunk(b"bKGD", b"\0"),
        chunk(b"tIME", bytes(7)),
        chunk(b"acTL", bytes(8)),
        BIG_TEXT,
    ],
    ids=lambda flaw: flaw[4:8].decode(),
)
def test_flaws_beside_the_pixels_change_no_pixel_and_write_no_line(tmp_path, capfd, flaw):
    (tmp_path / "a.png").write_bytes(with_chunks(PLAIN, flaw))
    assert np.array_equal(read_rgb(tmp_path / "a.png"), picture())
    assert np.array_equal(read_picture(tmp_path / "a.png").rgb, picture())
    assert capfd.readouterr() == ("", "")


def test_of_an_animation_the_picture_for_simple_programs_is_read(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 100, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], default_image=True)
    result = read_picture(tmp_path / "a.png")
    assert np.unique(result.rgb).tolist() == [10]
    assert result.notes == ("it holds more than one picture, of which the first was read",)


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize(
    "stored",
    [
        chunk(b"eXIf", exif_block()),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(as_text("exif", b"Exif\0\0" + exif_block()))),
        chunk(b"tEXt", b"Raw profile type APP1\0" + as_text("generic", b"Exif\0\0" + exif_block())),
    ],
    ids=["eXIf", "zTXt", "tEXt"],
)
def test_orientation_counts_wherever_exif_stands(tmp_path, stored, at_the_end):
    (tmp_path / "a.png").write_bytes(with_chunks(PLAIN, stored, at_the_end=at_the_end))
    assert read_size(tmp_path / "a.png") == (24, 40)
    result = read_picture(tmp_path / "a.png")
    assert np.array_equal(result.rgb, np.rot90(picture(), -1))
    assert result.metadata.exif is not None and b"note of the maker" in result.metadata.exif


@pytest.mark.parametrize(
    "stored",
    [
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(XMP)),
        chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(as_text("xmp", XMP))),
    ],
    ids=["plain", "packed", "raw"],
)
def test_xmp_is_found(stored):
    assert image_png.read_xmp(io.BytesIO(with_chunks(PLAIN, BIG_TEXT, stored))) == XMP


def test_a_profile_of_several_megabytes_is_kept_byte_for_byte():
    profile = np.random.default_rng(0).bytes(3_000_000)
    stored = chunk(b"iCCP", b"name\0\0" + zlib.compress(profile, 1))
    assert image_png.read_profile(io.BytesIO(with_chunks(PLAIN, stored))) == profile


def test_a_profile_that_unpacks_to_more_than_the_limit_is_not_unpacked_whole(tmp_path):
    stored = chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(image_png.MAX_EXTRA_BYTES + 1)))
    (tmp_path / "a.png").write_bytes(with_chunks(PLAIN, stored))
    result = read_picture(tmp_path / "a.png")
    assert result.metadata.icc is None and result.notes == ("its colour profile is damaged and was left out",)


def test_pixels_per_metre_become_pixels_per_inch_and_a_mere_ratio_does_not():
    def dpi(unit: int) -> tuple[float, float] | None:
        return image_png.read_dpi(
            io.BytesIO(with_chunks(PLAIN, chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, unit))))
        )

    assert dpi(1) == pytest.approx((300, 150), abs=0.02)
    assert dpi(0) is None


def test_chunks_of_a_hostile_length_end_the_walk():
    data = PLAIN[:33] + b"\xff\xff\xff\xfftEXtKey\0"
    assert [found.name for found in image_png.read_chunks(io.BytesIO(data))] == [b"IHDR", b"tEXt"]
    assert image_png.read_exif(io.BytesIO(data)) is None
