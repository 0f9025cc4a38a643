import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from realesrgan_arch import images
from realesrgan_arch.image_header import MAX_PIXELS, is_complete
from realesrgan_arch.images import ImageError, Picture, read_picture, read_rgb, read_size, write_image, write_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(height: int = 24, width: int = 40, dtype: type = np.uint8) -> np.ndarray:
    """A smooth picture without any symmetry, so that every orientation differs from every other."""
    y, x = np.mgrid[0:height, 0:width]
    planes = np.stack((x / width, y / height, (x + 2 * y) / (width + 2 * height)), axis=2)
    return np.round(planes * np.iinfo(dtype).max).astype(dtype)


def save_with_pillow(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


# Reading


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_lossless_files_are_read_as_rgb_exactly(tmp_path, suffix):
    path = save_with_pillow(tmp_path / f"a{suffix}", picture())
    assert np.array_equal(read_rgb(path), picture())
    assert np.array_equal(read_picture(path).rgb, picture())


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".gif"])
def test_lossy_files_are_read_in_rgb_order(tmp_path, suffix):
    path = save_with_pillow(tmp_path / f"a{suffix}", picture())
    assert np.abs(read_rgb(path).astype(int) - picture()).mean() < 12
    assert read_rgb(path)[0, -1].argmax() == 0  # Red grows to the right.


ORIENTED = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}  # fmt: skip


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_all_eight_orientations_are_applied_once(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    options = (
        {"quality": 100, "subsampling": 0} if suffix == ".jpg" else {"lossless": True} if suffix == ".webp" else {}
    )
    path = save_with_pillow(tmp_path / f"a{suffix}", picture(), exif=exif, **options)
    expected = ORIENTED[orientation](picture()).astype(int)
    for pixels in (read_rgb(path), read_picture(path).rgb):
        assert pixels.shape == expected.shape
        assert np.abs(pixels - expected).max() <= 3
    assert read_size(path) == expected.shape[1::-1]


def test_orientation_of_a_16_bit_tiff_is_applied_once(tmp_path):
    gray = picture(dtype=np.uint16)[..., 0]
    Image.fromarray(gray).save(tmp_path / "a.tif", tiffinfo={274: 6})
    assert np.array_equal(read_picture(tmp_path / "a.tif").rgb[..., 1], np.rot90(gray, -1))


def test_a_damaged_exif_block_means_upright(tmp_path):
    path = save_with_pillow(tmp_path / "a.jpg", picture(), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff garbage")
    assert read_rgb(path).shape == (24, 40, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "PA"])
def test_foreign_modes_become_three_channels(tmp_path, mode):
    source = (
        Image.fromarray(picture()).convert("L" if mode in ("LA", "1") else "RGB").convert(mode if mode != "PA" else "P")
    )
    source.save(tmp_path / "a.png")
    expected = np.asarray(source.convert("RGB"))
    assert np.array_equal(read_rgb(tmp_path / "a.png"), expected)
    assert np.array_equal(read_picture(tmp_path / "a.png").rgb, expected)


def test_gray_stays_gray_and_alpha_is_kept_apart(tmp_path):
    gray, alpha = picture()[..., 0], picture()[..., 1]
    Image.fromarray(np.dstack((gray, alpha)), "LA").save(tmp_path / "la.png")
    Image.fromarray(np.dstack((gray, alpha)), "LA").save(tmp_path / "la.tif")
    Image.fromarray(np.dstack((picture(), alpha)), "RGBA").save(tmp_path / "rgba.png")
    for name in ("la.png", "la.tif"):
        read = read_picture(tmp_path / name)
        assert read.is_gray and np.array_equal(read.alpha, alpha) and np.array_equal(read.rgb[..., 2], gray)
    read = read_picture(tmp_path / "rgba.png")
    assert not read.is_gray and np.array_equal(read.alpha, alpha) and np.array_equal(read.rgb, picture())


def test_palette_with_transparency_keeps_it(tmp_path):
    rgba = np.dstack((np.full((8, 8, 3), (200, 30, 60), np.uint8), np.tile([[0], [255]], (4, 8)).astype(np.uint8)))
    Image.fromarray(rgba, "RGBA").quantize(4).save(tmp_path / "p.png")
    assert np.array_equal(read_picture(tmp_path / "p.png").alpha, rgba[..., 3])


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_is_converted_as_pillow_does_and_not_inverted(tmp_path, suffix):
    path = save_with_pillow(tmp_path / f"a{suffix}", picture(), "CMYK", icc_profile=SRGB)
    with Image.open(path) as image:
        assert np.array_equal(read_rgb(path), np.asarray(image.convert("RGB")))
    assert np.abs(read_rgb(path).astype(int) - picture()).mean() < 4
    assert read_picture(path).metadata.icc is None


def test_dark_16_bit_pixels_are_16_bit_and_are_scaled_by_type(tmp_path):
    dark = (picture(dtype=np.uint16) // 300).astype(np.uint16)
    assert dark.max() <= 255
    write_image(tmp_path / "dark.png", dark)
    assert read_picture(tmp_path / "dark.png").rgb.dtype == np.uint16
    assert read_rgb(tmp_path / "dark.png").max() == 1


def test_16_bit_pixels_are_rounded_to_8_bit(tmp_path):
    values = np.array([[0, 128, 129, 257, 385, 386, 65535]], np.uint16)
    write_image(tmp_path / "a.png", values)
    assert read_rgb(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0, 1, 1, 1, 2, 255]


def test_profile_is_read_and_written_byte_for_byte(tmp_path):
    source = save_with_pillow(tmp_path / "a.png", picture(), icc_profile=SRGB)
    for suffix in (".png", ".jpg", ".webp"):
        write_picture(tmp_path / f"b{suffix}", read_picture(source))
        assert read_picture(tmp_path / f"b{suffix}").metadata.icc == SRGB


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff"])
def test_bytes_are_decoded_as_their_file_is(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    write_image(path, pixels)
    data, box = path.read_bytes(), images.Box(3, 5, 20, 40)
    elsewhere = tmp_path / "absent" / path.name
    assert np.array_equal(images.decode_rgb(data, elsewhere), read_rgb(path))
    part = images.decode_rgb_part(data, elsewhere, lambda height, width: box)
    assert np.array_equal(part, read_rgb(path)[3:20, 5:40])
    with pytest.raises(ImageError, match=rf"absent/a{suffix} "):
        images.decode_rgb(data[:25], elsewhere)
    with pytest.raises(ImageError, match=r"is empty \(0 bytes\)"):
        images.decode_rgb_part(b"", elsewhere, lambda height, width: box)


def test_content_decides_and_not_the_suffix(tmp_path):
    path = save_with_pillow(tmp_path / "a.jpg", picture(), format="PNG")
    assert np.array_equal(read_rgb(path), picture())


def test_a_name_that_is_not_utf8_is_read_and_written(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    write_image(path, picture())
    assert np.array_equal(read_rgb(path), picture())
    path.write_bytes(b"")
    with pytest.raises(ImageError, match=r"caf\\udce9.png is empty"):
        read_rgb(path)


# Faults


def jpeg_bytes(progressive: bool = False, trailer: bytes = b"") -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG", progressive=progressive, quality=95)
    return stream.getvalue() + trailer


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.999])
def test_a_truncated_jpeg_is_refused(tmp_path, progressive, share):
    data = jpeg_bytes(progressive)
    (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match="a.jpg is a truncated JPEG"):
        read_rgb(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="truncated"):
        read_picture(tmp_path / "a.jpg")


def test_the_end_of_an_embedded_thumbnail_is_not_the_end_of_the_image():
    thumbnail = jpeg_bytes()[:40_000] + b"\xff\xd9"
    segment = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = jpeg_bytes()
    data = whole[:2] + segment + whole[2:]
    assert is_complete(data, "JPEG")
    assert is_complete(data + b"bytes that a phone appends", "JPEG")
    assert not is_complete(data[:-100], "JPEG")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp"])
def test_other_truncated_formats_are_refused(tmp_path, suffix):
    path = save_with_pillow(tmp_path / f"a{suffix}", picture(100, 100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(ImageError, match=f"a{suffix}"):
        read_rgb(path)


def test_a_flipped_bit_in_a_png_is_refused(tmp_path):
    path = save_with_pillow(tmp_path / "a.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageError, match="damaged PNG"):
        read_rgb(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"just words", "a text file"),
        (b"<!DOCTYPE html><html>Not found</html>", "an HTML page"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x00\x00\x00\x20ftypheic", "HEIC"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"<svg xmlns='...'/>", "SVG"),
        (bytes(300), "zeros"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20) + b"IEND\xaeB`\x82", "header is damaged"),
        (b"\x01\x02\xfe\x03" * 9, "unknown format"),
    ],
)
def test_what_is_no_image_is_described(tmp_path, content, said):
    (tmp_path / "a.png").write_bytes(content)
    for read in (read_rgb, read_picture, read_size):
        with pytest.raises(ImageError, match=said):
            read(tmp_path / "a.png")


def test_missing_files_folders_and_pipes_are_refused_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(ImageError, match="is not a regular file"):
        read_rgb(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_rgb(tmp_path / "folder.jpg")
    with pytest.raises(ImageError, match="No such file"):
        read_size(tmp_path / "none.jpg")


def test_a_header_that_promises_too_many_pixels_is_refused_before_decoding(tmp_path):
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ImageError, match="60000 x 60000 pixels; the limit is 300 million"):
        read_rgb(tmp_path / "bomb.png")
    assert MAX_PIXELS == 300_000_000


def test_floating_point_pixels_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="float32 pixels"):
        read_picture(tmp_path / "a.tif")


# Writing


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("is_gray", [False, True])
def test_lossless_formats_round_trip(tmp_path, suffix, dtype, is_gray):
    pixels = picture(dtype=dtype)[..., 0] if is_gray else picture(dtype=dtype)
    write_image(tmp_path / f"a{suffix}", pixels)
    read = read_picture(tmp_path / f"a{suffix}")
    assert read.rgb.dtype == dtype and read.is_gray == is_gray
    assert np.array_equal(read.rgb[..., 0] if is_gray else read.rgb, pixels)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_written(tmp_path, suffix):
    alpha = picture()[..., 1]
    write_picture(tmp_path / f"a{suffix}", Picture(picture(), alpha))
    read = read_picture(tmp_path / f"a{suffix}")
    assert np.array_equal(read.alpha, alpha)
    assert np.abs(read.rgb.astype(int) - picture())[4:].max() <= (16 if suffix == ".webp" else 0)


def test_gray_with_alpha_comes_back_with_equal_colours(tmp_path):
    gray = np.repeat(picture()[..., :1], 3, axis=2)
    write_picture(tmp_path / "a.png", Picture(gray, picture()[..., 1], is_gray=True))
    read = read_picture(tmp_path / "a.png")
    assert np.array_equal(read.rgb, gray) and np.array_equal(read.alpha, picture()[..., 1])


def test_jpeg_is_written_at_quality_95_without_chroma_subsampling(tmp_path):
    write_image(tmp_path / "a.jpg", picture(dtype=np.uint16))
    with JpegImageFile(tmp_path / "a.jpg") as written:
        assert [component[1:3] for component in written.layer] == [(1, 1)] * 3
        assert written.quantization[0][0] == 2  # 16 at quality 50, times (200 - 2 * 95) / 100, rounded.
    assert np.abs(read_rgb(tmp_path / "a.jpg").astype(int) - picture()).max() <= 4


def test_formats_that_cannot_hold_the_picture_say_so_before_encoding(tmp_path):
    wide = np.zeros((1, 16_384, 3), np.uint8)
    with pytest.raises(ImageError, match="WebP is limited to 16383 pixels a side and the picture has 16384 x 1"):
        write_image(tmp_path / "a.webp", wide)
    with pytest.raises(ImageError, match="JPEG is limited to 65535"):
        images.check_writable_size(tmp_path / "a.jpg", width=10, height=65_536)
    with pytest.raises(ImageError, match="JPEG holds no transparency"):
        write_picture(tmp_path / "a.jpg", Picture(picture(), picture()[..., 0]))
    with pytest.raises(ImageError, match="expected one of png, jpg, jpeg, webp, tif, tiff, got '.gif'"):
        write_image(tmp_path / "a.gif", picture())
    assert not list(tmp_path.iterdir())


def test_a_failed_write_raises_and_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", picture())
    before = (tmp_path / "a.png").read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ImageError, match=r"a.png cannot be written: No space left on device"):
        write_image(tmp_path / "a.png", picture()[::-1].copy())
    assert (tmp_path / "a.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(ImageError, match="b.png cannot be written: (Not a directory|File exists)"):
        write_image(tmp_path / "a.png" / "b.png", picture())


def test_an_encoder_that_fails_raises(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imencodeWithMetadata", lambda *_: (False, None))
    with pytest.raises(ImageError, match="cannot be encoded as PNG"):
        write_image(tmp_path / "a.png", picture())


def test_colours_that_opencv_cannot_convert_are_one_sentence(tmp_path, monkeypatch):
    def no_memory(*_):
        raise cv2.error("OpenCV: Failed to allocate 9 bytes")

    monkeypatch.setattr(cv2, "cvtColor", no_memory)
    with pytest.raises(ImageError, match="cannot be encoded as PNG"):
        write_image(tmp_path / "a.png", picture())


# Tensors


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_way_to_a_tensor_and_back(dtype):
    top = np.iinfo(dtype).max
    levels = np.arange(top + 1, dtype=dtype).reshape(1, -1, 1).repeat(3, axis=2)
    tensor = images.to_tensor(levels)
    assert tensor.dtype == torch.float32 and tensor.shape == (3, 1, top + 1)
    assert float(tensor.min()) == 0 and float(tensor.max()) == 1
    back = images.from_tensor(tensor, bits=8 if dtype == np.uint8 else 16)
    assert back.dtype == dtype and np.array_equal(back, levels)


def test_rounding_is_half_to_even_and_clamped():
    values = torch.tensor([-1.0, 0.5, 1.5, 2.5, 254.5, 300.0]) / 255
    assert images.to_uint8(values.reshape(1, 1, -1).repeat(3, 1, 1))[0, :, 0].tolist() == [0, 0, 2, 2, 254, 255]


def test_pillows_limit_on_pixels_is_ours():
    assert Image.MAX_IMAGE_PIXELS == MAX_PIXELS


def test_what_pillow_finds_too_large_is_refused_in_a_sentence(tmp_path, monkeypatch):
    path = save_with_pillow(tmp_path / "a.tif", picture())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 24 * 40 // 2 - 1)
    for read in (read_rgb, read_picture):
        with pytest.raises(ImageError, match=r"a\.tif is a TIFF image whose parts are too large"):
            read(path)
