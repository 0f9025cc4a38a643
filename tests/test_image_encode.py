"""What a written file holds: pixels by two decoders that are not ours, and metadata by Pillow."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import get_sampling

from realesrgan_arch.image_encode import Encoded, Picture, encode
from realesrgan_arch.image_exif import with_resolution
from realesrgan_arch.image_fitting import fit_metadata
from realesrgan_arch.image_header import ImageError
from realesrgan_arch.image_metadata import Metadata, read_metadata, with_dpi
from realesrgan_arch.image_profile import gray_as_rgb
from realesrgan_arch.image_tiff_tags import read_exif_tags
from realesrgan_arch.images import check_writable_size, read_picture, write_picture
from tests.image_makers import exif_block, gray_profile

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY = SRGB[:16] + b"GRAY" + SRGB[20:]  # Only the field that tells the colour space is looked at.
XMP = '<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/">Zoë</x:xmpmeta><?xpacket end="w"?>'.encode()
TAKEN, EXPOSURE, LATITUDE = 0x9003, 0x829A, 2


def draw_exif(order: str = "<") -> bytes:
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x013B] = "Maker", "An artist"
    exif.get_ifd(0x8769).update({TAKEN: "2020:01:02 03:04:05", EXPOSURE: 0.008, 0x927C: b"a note of the maker"})
    exif.get_ifd(0x8825).update({1: "N", LATITUDE: (52.0, 31.0, 12.25)})
    return exif.tobytes().removeprefix(b"Exif\0\0")


EXIF = draw_exif()
NOTHING = Metadata()
ALL = Metadata(icc=SRGB, exif=EXIF, xmp=XMP, dpi=(300.0, 240.0))


def draw(dtype=np.uint8, *, is_gray=False, has_alpha=False, metadata=NOTHING) -> Picture:
    """Noise, which shows every confusion of channels, rows and bytes; more than one strip, an odd size."""
    values = np.random.default_rng(7).integers(0, np.iinfo(dtype).max, (301, 53, 4), dtype, endpoint=True)
    rgb = np.repeat(values[..., :1], 3, axis=2) if is_gray else values[..., :3].copy()
    return Picture(rgb, values[..., 3].copy() if has_alpha else None, is_gray, metadata)


def open_with_pillow(encoded: Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(encoded.data))
    image.load()
    return image


def decode_with_cv2(encoded: Encoded) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(encoded.data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}.get(1 if pixels.ndim == 2 else pixels.shape[2])
    return pixels[..., None] if order is None else cv2.cvtColor(pixels, order)


def stored(picture: Picture) -> np.ndarray:
    """The channels that a lossless file should have."""
    color = picture.rgb[..., :1] if picture.is_gray else picture.rgb
    return color if picture.alpha is None else np.dstack((color, picture.alpha))


def as_channels(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., None] if pixels.ndim == 2 else pixels


# Pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("is_gray", [False, True])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_two_decoders_find_the_pixels_of_a_png(dtype, is_gray, has_alpha):
    picture = draw(dtype, is_gray=is_gray, has_alpha=has_alpha, metadata=Metadata(xmp=XMP))
    encoded = encode(picture, Path("a.png"))
    found = open_with_pillow(encoded)
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[stored(picture).shape[2]]
    assert (encoded.data[24], encoded.data[25]) == (8 * np.dtype(dtype).itemsize, color_type)
    whole = np.dstack((picture.rgb, picture.alpha)) if is_gray and has_alpha else stored(picture)
    assert np.array_equal(decode_with_cv2(encoded), whole)
    if dtype == np.uint8:
        assert np.array_equal(as_channels(np.asarray(found)), stored(picture))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("is_gray", [False, True])
@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_two_decoders_find_the_pixels_of_a_tiff_in_either_byte_order(dtype, is_gray, has_alpha, order):
    picture = draw(dtype, is_gray=is_gray, has_alpha=has_alpha, metadata=Metadata(exif=draw_exif(order)))
    encoded = encode(picture, Path("a.tif"))
    is_widened = is_gray and has_alpha and dtype == np.uint16
    whole = np.dstack((picture.rgb, picture.alpha)) if is_widened else stored(picture)
    assert encoded.data[:2] == (b"II" if order == "<" else b"MM")
    assert np.array_equal(as_channels(tifffile.imread(io.BytesIO(encoded.data))), whole)
    if dtype == np.uint8:
        assert np.array_equal(as_channels(np.asarray(open_with_pillow(encoded))), whole)
    if not has_alpha:
        assert np.array_equal(decode_with_cv2(encoded), whole)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("is_gray", [False, True])
def test_what_is_written_is_read_back_with_alpha_and_grayness(tmp_path, suffix, is_gray):
    picture = draw(is_gray=is_gray, has_alpha=True)
    assert write_picture(tmp_path / f"a{suffix}", picture) == ()
    read = read_picture(tmp_path / f"a{suffix}")
    assert np.array_equal(read.rgb, picture.rgb) and np.array_equal(read.alpha, picture.alpha)
    assert read.is_gray == is_gray


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_sixteen_bits_are_rounded_for_a_format_of_eight_and_it_says_so(suffix):
    picture = draw(np.uint16, is_gray=True)
    rounded = np.round(picture.rgb / 257).astype(np.uint8)
    encoded = encode(picture, Path(f"a{suffix}"), quality=100)
    assert len(encoded.notes) == 1 and "16 bits a channel were rounded to 8" in encoded.notes[0]
    again = encode(Picture(rounded, is_gray=True), Path(f"a{suffix}"), quality=100)
    assert again == Encoded(encoded.data)


def test_a_gray_jpeg_has_one_channel_and_a_gray_webp_three():
    assert open_with_pillow(encode(draw(is_gray=True), Path("a.jpg"))).mode == "L"
    assert open_with_pillow(encode(draw(is_gray=True), Path("a.webp"))).mode == "RGB"


@pytest.mark.parametrize(("subsampling", "number"), [("444", 0), ("422", 1), ("420", 2)])
def test_a_jpeg_keeps_as_much_colour_as_was_asked_for(subsampling, number):
    encoded = encode(draw(), Path("a.jpg"), subsampling=subsampling)
    assert get_sampling(Image.open(io.BytesIO(encoded.data))) == number


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_goes_from_1_to_100_and_100_is_lossy(suffix):
    sizes = [len(encode(draw(), Path(f"a{suffix}"), quality=quality).data) for quality in (1, 50, 100)]
    assert sizes == sorted(sizes) and sizes[0] * 4 < sizes[2]
    assert not np.array_equal(decode_with_cv2(encode(draw(), Path(f"a{suffix}"), quality=100)), draw().rgb)
    for quality in (0, 101):
        with pytest.raises(ImageError, match=f"expected a quality from 1 to 100, got {quality}"):
            encode(draw(), Path(f"a{suffix}"), quality=quality)


def test_a_streamed_png_or_tiff_may_be_ten_times_larger():
    for name in ("a.png", "a.tif"):
        check_writable_size(Path(name), width=200_000, height=100_000, streamed=True)
        with pytest.raises(ImageError, match="200000 x 100001 pixels and the limit is 20000 million"):
            check_writable_size(Path(name), width=200_000, height=100_001, streamed=True)
        with pytest.raises(ImageError, match="the limit is 2000 million"):
            check_writable_size(Path(name), width=200_000, height=100_000)
    with pytest.raises(ImageError, match="the limit is 2000 million"):
        check_writable_size(Path("a.jpg"), width=60_000, height=60_000, streamed=True)
    with pytest.raises(ImageError, match="PNG is limited to 1000000 pixels a side .* choose tiff"):
        check_writable_size(Path("a.png"), width=1_000_001, height=1)


# Metadata


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize(("is_gray", "has_alpha"), [(False, False), (True, False), (False, True), (True, True)])
def test_profile_exif_and_xmp_are_in_the_file_byte_for_byte(suffix, is_gray, has_alpha):
    if has_alpha and suffix == ".jpg":
        pytest.skip("JPEG holds no transparency")
    icc = GRAY if is_gray and suffix != ".webp" else SRGB
    metadata = Metadata(icc=icc, exif=EXIF, xmp=XMP, dpi=(300.0, 240.0))
    encoded = encode(draw(is_gray=is_gray, has_alpha=has_alpha, metadata=metadata), Path(f"a{suffix}"))
    info = open_with_pillow(encoded).info
    assert encoded.notes == ()
    assert info["icc_profile"] == icc
    exif = info["exif"].removeprefix(b"Exif\0\0")
    assert exif == (with_resolution(EXIF, (300.0, 240.0)) if suffix == ".webp" else EXIF)  # WebP has no other place.
    assert info["xmp"] == XMP
    if suffix == ".png":  # The standard's own chunk, which can hold all of UTF-8.
        assert info["XML:com.adobe.xmp"] == XMP.decode() and b"iTXtXML:com.adobe.xmp" in encoded.data
    if suffix != ".webp":
        assert info["dpi"] == pytest.approx((300, 240), abs=0.02)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_holds_profile_xmp_resolution_and_what_exif_says_of_the_photograph(order, dtype):
    metadata = Metadata(icc=SRGB, exif=draw_exif(order), xmp=XMP, dpi=(72.5, 300.0))
    encoded = encode(draw(dtype, metadata=metadata), Path("a.tiff"))
    image = Image.open(io.BytesIO(encoded.data))
    exif = image.getexif()
    assert (image.info["icc_profile"], image.info["xmp"], image.info["dpi"]) == (SRGB, XMP, (72.5, 300.0))
    assert (exif[0x010F], exif[0x013B]) == ("Maker", "An artist")
    assert exif.get_ifd(0x8769) == {TAKEN: "2020:01:02 03:04:05", EXPOSURE: 0.008}
    assert exif.get_ifd(0x8825) == {1: "N", LATITUDE: (52.0, 31.0, 12.25)}
    assert encoded.notes == (
        "The maker's note was left out of the EXIF data: its offsets would point nowhere in a TIFF.",
    )


def test_a_picture_without_metadata_gets_none():
    for suffix in (".png", ".jpg", ".webp", ".tif"):
        image = open_with_pillow(encode(draw(), Path(f"a{suffix}")))
        held = {"icc_profile", "exif", "xmp", "dpi"} & set(image.info)
        assert held == set() and (suffix == ".tif" or not image.getexif())


def test_webp_gets_an_exif_block_for_the_resolution_when_it_has_none():
    exif = open_with_pillow(encode(draw(metadata=Metadata(dpi=(300.0, 72.5))), Path("a.webp"))).getexif()
    assert dict(exif) == {282: 300.0, 283: 72.5, 296: 2}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("block", [exif_block(), exif_block(">"), EXIF, None])
def test_a_wanted_resolution_is_told_in_every_place(suffix, block):
    source = Metadata(exif=block, dpi=None if block is None else (72.0, 72.0))
    image = open_with_pillow(encode(draw(metadata=with_dpi(source, 240)), Path(f"a{suffix}")))
    exif = image.getexif()
    if suffix != ".webp":
        assert image.info["dpi"] == pytest.approx((240, 240), abs=0.02)
    if block is not None or suffix == ".webp":
        assert (exif[282], exif[283], exif[296]) == (240, 240, 2)


def test_a_resolution_that_no_file_holds_changes_no_exif():
    assert with_dpi(ALL, 10**12) == Metadata(SRGB, EXIF, XMP, dpi=(10**12, 10**12))


def test_a_large_profile_is_cut_into_the_parts_of_a_jpeg():
    icc = SRGB + np.random.default_rng(0).bytes(200_000)
    encoded = encode(draw(metadata=Metadata(icc=icc)), Path("a.jpg"))
    assert encoded.data.count(b"ICC_PROFILE\0") == 4
    assert open_with_pillow(encoded).info["icc_profile"] == icc


@pytest.mark.parametrize(
    ("name", "part", "size"), [("exif", EXIF, 65_527), ("xmp", XMP, 65_504)]
)  # A segment holds 65535 bytes, of which 2 are its length, and 6 or 29 a name.
def test_what_is_too_long_for_a_jpeg_is_left_out_and_named(name, part, size):
    fits = encode(draw(metadata=Metadata(**{name: part.ljust(size)})), Path("a.jpg"))
    assert fits.notes == () and open_with_pillow(fits).info[name].removeprefix(b"Exif\0\0") == part.ljust(size)
    spills = encode(draw(metadata=Metadata(**{name: part.ljust(size + 1)})), Path("a.jpg"))
    assert spills.notes == (
        f"The {name.upper()} data was left out: JPEG holds at most {size} bytes of it and there are {size + 1}.",
    )
    assert name not in open_with_pillow(spills).info
    assert encode(draw(metadata=Metadata(**{name: part.ljust(size + 1)})), Path("a.png")).notes == ()


@pytest.mark.parametrize(
    ("metadata", "kind", "said"),
    [
        (
            Metadata(icc=GRAY),
            "PNG",
            "The colour profile was left out: it is for GRAY and the file is RGB, so it may look lighter or darker.",
        ),
        (Metadata(xmp=XMP.decode().encode("utf-16")), "PNG", "The XMP data was left out: it is not UTF-8."),
        (Metadata(exif=EXIF[:60]), "TIFF", "The EXIF data was left out: an EXIF block is cut off"),
        (Metadata(exif=b"none"), "WebP", "The EXIF data was left out: it is damaged."),
        (Metadata(exif=b"none"), "TIFF", "The EXIF data was left out: an EXIF block begins with II or MM."),
        (Metadata(dpi=(0.0, 72.0)), "PNG", "left out: expected 1 to 65535 pixels an inch, got 0 x 72."),
        (Metadata(dpi=(float("nan"), 72.0)), "JPEG", "left out: expected 1 to 65535 pixels an inch, got nan x 72."),
        (Metadata(dpi=(72.0, 1e9)), "TIFF", "left out: expected 1 to 65535 pixels an inch, got 72 x 1e+09."),
    ],
)
def test_metadata_that_would_be_wrong_in_the_file_is_left_out_and_named(metadata, kind, said):
    fitted = fit_metadata(metadata, kind, is_gray=False)
    assert fitted.metadata == Metadata()
    assert len(fitted.notes) == 1 and said in fitted.notes[0]


def test_a_profile_for_rgb_is_left_out_of_a_gray_file_but_not_of_a_gray_webp():
    picture = draw(is_gray=True, metadata=Metadata(icc=SRGB))
    assert encode(picture, Path("a.jpg")).notes == (
        "The colour profile was left out: it is for RGB and the file is GRAY, so it may look lighter or darker.",
    )
    assert open_with_pillow(encode(picture, Path("a.webp"))).info["icc_profile"] == SRGB


@pytest.mark.parametrize(("suffix", "dtype"), [(".webp", np.uint8), (".tif", np.uint16)])
def test_a_gray_profile_becomes_one_for_rgb_where_gray_is_stored_as_rgb(suffix, dtype):
    icc = gray_profile(gamma=1.8)
    encoded = encode(draw(dtype, is_gray=True, has_alpha=True, metadata=Metadata(icc=icc)), Path(f"a{suffix}"))
    found = Image.open(io.BytesIO(encoded.data)) if suffix == ".webp" else None
    written = found.info["icc_profile"] if found else read_metadata(encoded.data, "TIFF")[0].icc
    assert encoded.notes == () and written == gray_as_rgb(icc)


def test_every_cut_of_an_exif_block_is_read_or_refused():
    for length in range(len(EXIF)):
        try:
            read_exif_tags(EXIF[:length])
        except ValueError:
            continue
        assert length >= len(EXIF) - 4


def test_an_exif_block_that_points_to_itself_or_far_away_is_refused():
    for place in (2**32 - 1, len(EXIF)):
        with pytest.raises(ValueError, match="cut off"):
            read_exif_tags(EXIF[:4] + struct.pack("<I", place))
