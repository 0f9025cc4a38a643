import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from realesrgan_arch.image_metadata import Metadata, read_metadata, reduce_metadata, resize_metadata, with_dpi
from realesrgan_arch.images import ImageError, decode_picture, encode, read_picture
from tests.image_makers import SRGB, XMP, chunk, exif_block, picture, saved, tags, with_chunks

KINDS = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "TIFF": ".tif"}
FULL = Metadata(icc=SRGB, exif=exif_block(), xmp=XMP, dpi=(300, 150))


def file_with_everything(kind: str, block: bytes = exif_block()) -> bytes:
    if kind == "TIFF":
        exif = Image.Exif()
        exif.load(block)
        exif[700], exif[33432] = XMP, exif[33432].encode("latin-1")
        return saved(picture(), "TIFF", exif=exif, icc_profile=SRGB, dpi=(300, 150))
    if kind == "PNG":
        xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        return with_chunks(saved(picture(), "PNG", icc_profile=SRGB, exif=block, dpi=(300, 150)), xmp)
    lossless = {"lossless": True} if kind == "WebP" else {"quality": 100, "subsampling": 0}
    return saved(picture(), kind, icc_profile=SRGB, exif=b"Exif\0\0" + block, dpi=(300, 150), xmp=XMP, **lossless)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_all_four_and_an_upright_picture(tmp_path, kind):
    path = tmp_path / f"a{KINDS[kind]}"
    path.write_bytes(file_with_everything(kind))
    result = read_picture(path)
    assert result.notes == ()
    assert result.metadata.icc == SRGB
    assert result.metadata.xmp == XMP.replace(b'Orientation="6"', b'Orientation="1"')
    assert result.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    first, exif, gps = tags(result.metadata.exif)
    assert first.get(274, 1) == 1 and first[272] == "Model 7" and exif[42036] == "Lens" and gps[1] == "N"
    assert exif[37500] == b"note of the maker" and first[33432] == "© Müller"
    expected = np.rot90(picture(), -1).astype(int)
    assert result.rgb.shape == expected.shape and np.abs(result.rgb - expected).max() <= 3


def test_the_structure_of_a_tiff_is_no_metadata(tmp_path):
    data = saved(picture(), "TIFF", compression="tiff_lzw")
    assert read_metadata(data, "TIFF") == (Metadata(), ())
    first = tags(read_metadata(file_with_everything("TIFF"), "TIFF")[0].exif)[0]
    assert set(first) == {271, 272, 305, 306, 315, 33432, 34665, 34853}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_says_nothing_gives_nothing(kind):
    assert read_metadata(saved(picture(), kind), kind) == (Metadata(), ())


def test_no_resolution_is_made_up_for_a_jpeg_whose_exif_tells_none():
    exif = Image.Exif()
    exif[271] = "Maker"
    found, _ = read_metadata(saved(picture(), "JPEG", exif=exif), "JPEG")
    assert found.exif is not None and found.dpi is None


def test_a_profile_that_is_a_number_is_none():
    tags_of_file = TiffImagePlugin.ImageFileDirectory_v2()
    tags_of_file.tagtype[34675] = 3
    tags_of_file[34675] = 5
    assert read_metadata(saved(picture(), "TIFF", tiffinfo=tags_of_file), "TIFF")[0].icc is None


def test_resolution_of_a_webp_is_that_of_its_exif():
    assert read_metadata(saved(picture(), "WebP", exif=exif_block()), "WebP")[0].dpi == (300, 150)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
def test_a_damaged_exif_block_is_left_out_with_a_note(tmp_path, kind):
    data = saved(picture(), kind, exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    result = decode_picture(data, tmp_path / f"a{KINDS[kind]}")
    assert result.metadata.exif is None
    assert result.notes == ("its EXIF block is damaged and was left out",)


def test_exif_of_more_than_a_jpeg_segment_is_read_and_its_safe_part_is_small():
    exif = Image.Exif()
    exif.load(exif_block())
    exif[34665] = {**exif.get_ifd(34665), 37500: bytes(range(256)) * 400}
    found, notes = read_metadata(saved(picture(), "PNG", exif=exif.tobytes()), "PNG")
    assert notes == () and len(found.exif) > 100_000
    assert len(reduce_metadata(found, "safe").exif) < 1000


def test_a_block_beyond_the_limit_is_left_out_with_a_note():
    png = with_chunks(saved(picture(), "TIFF", icc_profile=bytes(17 * 1024 * 1024)))
    found, notes = read_metadata(png, "TIFF")
    assert found.icc is None and notes == ("its ICC block is larger than 16 MiB and was left out",)


def test_keep_is_everything_safe_is_nothing_of_a_person_and_none_is_the_colours():
    assert reduce_metadata(FULL) == reduce_metadata(FULL, "keep") == FULL
    assert reduce_metadata(FULL, "none") == Metadata(icc=SRGB)
    safe = reduce_metadata(FULL, "safe")
    assert (safe.icc, safe.xmp, safe.dpi) == (SRGB, None, (300, 150))
    assert tags(safe.exif)[2] == {} and b"An Artist" not in safe.exif
    assert reduce_metadata(Metadata(), "safe") == Metadata()


def test_sides_in_exif_and_xmp_become_those_of_the_result():
    result = resize_metadata(FULL, (160, 96))
    assert tags(result.exif)[1][40962] == 160 and tags(result.exif)[0][257] == 96
    assert b'exif:PixelXDimension="160"' in result.xmp
    assert resize_metadata(Metadata(icc=SRGB), (1, 2)) == Metadata(icc=SRGB)


@pytest.mark.parametrize("kind", ["GIF", "WebP", "TIFF", "MPO"])
def test_of_several_pictures_the_first_is_read_and_a_note_says_so(tmp_path, kind):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 100, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    result = decode_picture(stream.getvalue(), tmp_path / "a")
    assert abs(int(result.rgb.mean()) - 10) <= 2
    assert result.notes == ("it holds more than one picture, of which the first was read",)


def test_a_resolution_that_is_text_is_none():
    tags_of_file = TiffImagePlugin.ImageFileDirectory_v2()
    tags_of_file.tagtype[282], tags_of_file.tagtype[283] = 7, 7
    tags_of_file[282], tags_of_file[283], tags_of_file[296] = b"300", b"300", 2
    assert read_metadata(saved(picture(), "TIFF", tiffinfo=tags_of_file), "TIFF")[0].dpi is None


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([(b"gAMA", (100_000,))], "gAMA"),
        ([(b"gAMA", (45_455,))], None),
        ([(b"cHRM", (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))], "cHRM"),
        ([(b"cHRM", (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))], None),
        ([(b"gAMA", (100_000,)), (b"cHRM", (1,) * 8)], "gAMA and cHRM"),
        ([(b"cICP", (0x090E0001,))], "cICP"),
        ([(b"cICP", (0x010D0001,))], None),
        ([(b"gAMA", (100_000, 1))], None),
        ([(b"sRGB", ()), (b"gAMA", (100_000,))], None),
    ],
)
def test_colours_that_only_chunks_of_a_png_describe_are_named(chunks, said):
    made = [chunk(name, struct.pack(f">{len(numbers)}I", *numbers) or b"\0") for name, numbers in chunks]
    notes = read_metadata(with_chunks(saved(picture(), "PNG"), *made), "PNG")[1]
    told = (f"the colours of its {said} are not kept: the result is sRGB and may look different",)
    assert notes == (told if said else ())
    with_profile = with_chunks(saved(picture(), "PNG", icc_profile=SRGB), *made)
    assert (read_metadata(with_profile, "PNG")[1] == ()) == (said != "cICP")


def test_iptc_data_are_named_in_every_format_that_has_them():
    iptc = b"\x1c\x02\x78\0\5words"
    resource = b"Photoshop 3.0\x008BIM\4\4\0\0" + struct.pack(">I", len(iptc)) + iptc
    jpeg = saved(picture(), "JPEG")
    files = {
        "JPEG": jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource + jpeg[2:],
        "TIFF": saved(picture(), "TIFF", tiffinfo={33723: iptc}),
        "PNG": with_chunks(
            saved(picture(), "PNG"), chunk(b"tEXt", b"Raw profile type iptc\0\niptc\n       4\n01020304\n")
        ),
    }
    for kind, data in files.items():
        assert read_metadata(data, kind)[1] == ("its IPTC data are not kept",), kind
        assert read_metadata(saved(picture(), kind), kind)[1] == (), kind


def damaged(whole: bytes, places: list[int], generator: np.random.Generator) -> bytes:
    data = bytearray(whole)
    for place in generator.choice(places, 3):
        data[place] = generator.choice((0, 1, 2, 5, 7, 12, 255, int(generator.integers(256))))
    return bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_metadata_never_ends_in_anything_but_a_picture_or_a_sentence(kind):
    # Every byte but those of the pixels, whose sides may ask for gigabytes.
    whole, generator = (
        file_with_everything(kind, exif_block(thumbnail=b"\xff\xd8 small \xff\xd9")),
        np.random.default_rng(len(kind)),
    )
    pixels = saved(picture(), kind)
    places = [at for at in range(40, len(whole)) if kind == "TIFF" or whole[at : at + 8] not in pixels]
    outcomes = set()
    for turn in range(150):
        try:
            found = decode_picture(damaged(whole, places, generator), Path("a"))
            for keep in ("keep", "safe", "none"):
                wanted = with_dpi(resize_metadata(reduce_metadata(found.metadata, keep), (160, 96)), 240)
                suffix = (".jpg", ".png", ".webp", ".tif")[turn % 4]
                encode(replace(found, metadata=wanted), Path(f"a{suffix}"))
            outcomes.add("picture")
        except ImageError:
            outcomes.add("sentence")
    assert "picture" in outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes_give_a_picture_or_a_sentence(tmp_path, kind):
    whole, generator = file_with_everything(kind), np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        for place in generator.integers(40, len(data), 4):  # Sizes in the header may ask for gigabytes.
            data[place] = generator.integers(256)
        try:
            decode_picture(bytes(data), tmp_path / "a")
        except ImageError as error:
            assert str(tmp_path) in str(error)
