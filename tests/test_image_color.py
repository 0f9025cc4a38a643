import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from realesrgan_arch.image_color import check_profile, to_srgb
from realesrgan_arch.images import ImageError, Metadata, Picture, decode_picture, decode_rgb
from tests.image_makers import SRGB, cmyk_profile, gray_profile, picture, saved

PATH = Path("a")
INKS = np.zeros((16, 64, 4), np.uint8)
INKS[:, 16:32, 0] = INKS[:, 32:48, 3] = INKS[:, 48:, 1] = 255
"""Four fields: paper, cyan, black, magenta. The test's profile makes white, red, black and gray of them."""


def cmyk_file(kind: str, icc: bytes | None) -> bytes:
    stream = io.BytesIO()
    options = {"quality": 100} if kind == "JPEG" else {}
    Image.fromarray(INKS, "CMYK").save(stream, kind, icc_profile=icc, **options)
    return stream.getvalue()


def fields(rgb: np.ndarray) -> list[list[int]]:
    return rgb[8, 8::16].tolist()


def with_space(space: bytes) -> bytes:
    return SRGB[:16] + space + SRGB[20:]


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places."""
    red, blue = SRGB.index(b"rXYZ"), SRGB.index(b"bXYZ")
    data = bytearray(SRGB)
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_srgb_by_its_profile_and_is_not_inverted(kind):
    result = decode_picture(cmyk_file(kind, cmyk_profile()), PATH)
    paper, cyan, black, magenta = fields(result.rgb)
    assert min(paper) >= 253 and max(black) <= 2
    assert np.abs(np.array(cyan) - (255, 0, 0)).max() <= 12  # L*a*b* (54, 80, 67) is sRGB's red.
    assert np.abs(np.array(magenta) - 119).max() <= 3  # L* 50.2.
    assert result.metadata.icc is None and result.notes == ()
    assert np.array_equal(decode_rgb(cmyk_file(kind, cmyk_profile()), PATH), result.rgb)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("icc", "note"),
    [
        (None, "it is CMYK without a profile, so its colours are a guess"),
        (SRGB, "its colour profile is for RGB pictures and was left out"),
        (cmyk_profile()[:300], "its colour profile is damaged and was left out"),
    ],
)
def test_cmyk_without_a_profile_that_fits_is_converted_plainly_with_a_note(kind, icc, note):
    result = decode_picture(cmyk_file(kind, icc), PATH)
    expected = [[255, 255, 255], [0, 255, 255], [0, 0, 0], [255, 0, 255]]
    assert np.abs(np.array(fields(result.rgb)) - expected).max() <= 3
    assert result.metadata.icc is None and result.notes == (note,)


@pytest.mark.parametrize(
    ("icc", "space", "said"),
    [
        (None, "RGB", None),
        (SRGB, "RGB", None),
        (SRGB, "GRAY", "for RGB pictures"),
        (cmyk_profile(), "RGB", "for CMYK pictures"),
        (cmyk_profile(), "CMYK", None),
        (b"", "RGB", "damaged"),
        (b"garbage", "RGB", "damaged"),
        (SRGB[:200], "RGB", "damaged"),
        (with_space(b"XYZ "), "RGB", "for other pictures"),
    ],
)
def test_a_profile_is_kept_where_it_fits(icc, space, said):
    problem = check_profile(icc, space)
    assert problem is None if said is None else problem is not None and said in problem


def test_a_gray_profile_on_a_colour_picture_and_the_reverse_are_left_out_with_a_note():
    color = decode_picture(saved(picture(), "JPEG", icc_profile=with_space(b"GRAY")), PATH)
    gray = decode_picture(saved(picture()[..., 0], "JPEG", icc_profile=SRGB), PATH)
    assert color.metadata.icc is None and "gray pictures" in color.notes[0]
    assert gray.metadata.icc is None and "RGB pictures" in gray.notes[0]


def test_colours_become_those_of_srgb():
    # Where the profile calls red what is blue, sRGB's bytes are exchanged.
    alpha = picture()[..., 1]
    source = Picture(picture(), alpha, metadata=Metadata(icc=swapped_profile(), dpi=(72, 72)), notes=("n",))
    result = to_srgb(source, PATH)
    assert np.abs(result.rgb.astype(int) - picture()[..., ::-1]).max() <= 1
    assert result.metadata == Metadata(dpi=(72, 72)) and result.notes == ("n",)
    assert np.array_equal(result.alpha, alpha)


def test_srgb_to_srgb_changes_no_pixel():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(to_srgb(Picture(noise, metadata=Metadata(icc=SRGB)), PATH).rgb, noise)


def test_gray_stays_gray():
    gray = np.repeat(picture()[..., :1], 3, axis=2)
    profile = gray_profile(gamma=1.0)
    assert check_profile(profile, "GRAY") is None
    result = to_srgb(Picture(gray, is_gray=True, metadata=Metadata(icc=profile)), PATH)
    assert result.is_gray and np.array_equal(result.rgb[..., 0], result.rgb[..., 2])
    linear = gray[0, 20, 0] / 255
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1.
    assert abs(float(result.rgb[0, 20, 1]) - expected) <= 1


def test_a_picture_without_a_profile_is_srgb_already():
    source = Picture(picture().astype(np.uint16))
    assert to_srgb(source, PATH) is source


def test_16_bits_with_tables_in_the_profile_are_refused_in_one_sentence():
    source = Picture(picture().astype(np.uint16), metadata=Metadata(icc=cmyk_profile()))
    with pytest.raises(ImageError, match=r"^a has 16 bits a channel, and its colour profile is made of tables, .*"):
        to_srgb(source, PATH)


def test_a_profile_that_cannot_be_used_is_refused_in_one_sentence():
    with pytest.raises(ImageError, match="a has a colour profile that cannot be converted to sRGB"):
        to_srgb(Picture(picture(), metadata=Metadata(icc=b"garbage")), PATH)


def test_pillow_and_we_agree_on_a_matrix_profile():
    image = Image.fromarray(picture())
    icc = swapped_profile()
    expected = ImageCms.profileToProfile(
        image, io.BytesIO(icc), ImageCms.createProfile("sRGB"), renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    result = to_srgb(Picture(picture(), metadata=Metadata(icc=icc)), PATH)
    assert expected is not None and np.array_equal(result.rgb, np.asarray(expected))
