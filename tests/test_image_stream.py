"""Files written strip by strip: the same pixels, a bounded memory, and whole or absent."""

import errno
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from realesrgan_arch import image_strips, image_tiff_write
from realesrgan_arch.image_header import ImageError
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_stream import open_strips, streams
from realesrgan_arch.images import read_size
from tests.test_image_encode import ALL, EXIF, GRAY, NOTHING, SRGB, XMP

HEIGHT, WIDTH = 301, 67


def draw_rows(channels=3, dtype=np.uint8, height=HEIGHT) -> np.ndarray:
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max, (height, WIDTH, channels), dtype, endpoint=True)


def write_strips(path: Path, pixels: np.ndarray, *, strip=64, metadata=NOTHING, height=None) -> tuple[str, ...]:
    given, width, channels = pixels.shape
    with open_strips(
        path, width=width, height=height or given, channels=channels, dtype=pixels.dtype, metadata=metadata
    ) as writer:
        for top in range(0, given, strip):
            writer.write(pixels[top : top + strip])
    return writer.notes


def small_blocks(monkeypatch) -> None:
    """More blocks than are packed at once, and strips that do not end where blocks do."""
    monkeypatch.setattr(image_strips, "_BLOCK_BYTES", 7 * WIDTH)


def test_png_and_tiff_can_be_written_in_strips_and_the_others_say_that_they_cannot(tmp_path):
    assert [streams(Path(f"a.{suffix}")) for suffix in ("png", "TIF", "tiff", "jpg", "webp")] == [True] * 3 + [
        False
    ] * 2
    with pytest.raises(ImageError, match="a.jpg cannot be written strip by strip; choose png or tiff"):
        write_strips(tmp_path / "a.jpg", draw_rows())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("strip", [1, 64, HEIGHT])
def test_two_decoders_find_the_pixels_of_a_png_written_in_strips(tmp_path, monkeypatch, channels, dtype, strip):
    small_blocks(monkeypatch)
    pixels, path = draw_rows(channels, dtype), tmp_path / "a.png"
    write_strips(path, pixels, strip=strip)
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if channels == 2:
        assert np.array_equal(found[..., 0], pixels[..., 0]) and np.array_equal(found[..., 3], pixels[..., 1])
    else:
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
        assert np.array_equal(found.reshape(HEIGHT, WIDTH, channels)[..., order], pixels)
    with Image.open(path) as image:
        image.load()
        if dtype == np.uint8 or channels == 1:  # Pillow cuts colours to eight bits and widens gray with alpha.
            assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("is_big", [False, True])
def test_two_decoders_find_the_pixels_of_a_tiff_written_in_strips(tmp_path, monkeypatch, channels, dtype, is_big):
    small_blocks(monkeypatch)
    if is_big:
        monkeypatch.setattr(image_tiff_write, "_MAX_CLASSIC_BYTES", 0)
    pixels, path = draw_rows(channels, dtype), tmp_path / "a.tif"
    write_strips(path, pixels, metadata=Metadata(exif=EXIF, dpi=(300.0, 300.0)))
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == is_big
        assert np.array_equal(file.asarray().reshape(pixels.shape), pixels)
        assert file.pages[0].tags["ExifTag"].value["DateTimeOriginal"] == "2020:01:02 03:04:05"
    if channels in (1, 3):
        found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).reshape(pixels.shape)
        assert np.array_equal(found[..., ::-1], pixels)
    elif dtype == np.uint8:
        assert np.array_equal(np.asarray(Image.open(path)).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_file_is_the_same_however_the_rows_are_handed_in_and_changed_afterwards(tmp_path, monkeypatch, suffix):
    small_blocks(monkeypatch)
    pixels = draw_rows()
    write_strips(tmp_path / f"whole{suffix}", pixels, strip=HEIGHT)
    row = np.empty((1, WIDTH, 3), np.uint8)
    with open_strips(
        tmp_path / f"rows{suffix}", width=WIDTH, height=HEIGHT, channels=3, dtype="uint8", metadata=NOTHING
    ) as writer:
        for index in range(HEIGHT):
            row[:] = pixels[index]
            writer.write(row)
            row[:] = 0
    assert (tmp_path / f"whole{suffix}").read_bytes() == (tmp_path / f"rows{suffix}").read_bytes()


def test_one_pixel_and_one_row_wider_than_a_block_are_written(tmp_path):
    for shape in ((1, 1, 3), (2, 200_000, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        for suffix in (".png", ".tif"):
            write_strips(tmp_path / f"a{suffix}", pixels)
            assert np.array_equal(cv2.imread(str(tmp_path / f"a{suffix}"))[..., ::-1], pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_metadata_is_in_files_written_in_strips(tmp_path, suffix):
    notes = write_strips(tmp_path / f"a{suffix}", draw_rows(), metadata=ALL)
    assert [note[:35] for note in notes] == (["The maker's note was left out of the"[:35]] if suffix == ".tif" else [])
    with Image.open(tmp_path / f"a{suffix}") as image:
        image.load()
        assert image.info["icc_profile"] == SRGB and image.info["xmp"] == XMP
        assert image.info["dpi"] == pytest.approx((300, 240), abs=0.02)
        assert image.getexif()[0x010F] == "Maker" and image.getexif().get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"


def test_what_the_file_cannot_hold_is_told(tmp_path):
    notes = write_strips(tmp_path / "a.png", draw_rows(), metadata=Metadata(icc=GRAY))
    assert notes == (
        "The colour profile was left out: it is for GRAY and the file is RGB, so it may look lighter or darker.",
    )
    assert write_strips(tmp_path / "a.png", draw_rows(channels=2), metadata=Metadata(icc=GRAY)) == ()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("height", [HEIGHT - 1, HEIGHT + 1])
def test_a_wrong_number_of_rows_is_an_error_and_leaves_no_file(tmp_path, suffix, height):
    with pytest.raises(ValueError, match=f"expected {height} rows, got (at least )?{HEIGHT}"):
        write_strips(tmp_path / f"a{suffix}", draw_rows(), height=height)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "rows",
    [
        draw_rows(dtype=np.uint16),
        draw_rows(channels=4),
        draw_rows()[:, :-1],
        draw_rows()[..., 0],
        draw_rows().astype(np.float32),
    ],
    ids=["dtype", "channels", "width", "flat", "float"],
)
def test_rows_that_were_not_promised_are_an_error_and_leave_the_old_file(tmp_path, rows):
    (tmp_path / "a.png").write_bytes(b"old")
    with (
        pytest.raises(ValueError, match="expected rows of 67 x 3 uint8, got"),
        open_strips(
            tmp_path / "a.png", width=WIDTH, height=HEIGHT, channels=3, dtype="uint8", metadata=NOTHING
        ) as writer,
    ):
        writer.write(rows)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.png", b"old")]


@pytest.mark.parametrize(("channels", "dtype"), [(5, "uint8"), (0, "uint8"), (3, "float32"), (3, ">u2")])
def test_pixels_of_another_kind_are_refused_before_a_file_is_made(tmp_path, channels, dtype):
    with (
        pytest.raises(ValueError, match="expected 1 to 4 channels of uint8 or uint16"),
        open_strips(tmp_path / "a.png", width=3, height=3, channels=channels, dtype=dtype, metadata=NOTHING),
    ):
        pytest.fail("the block was entered")
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_caller_passes_unchanged_and_leaves_no_file(tmp_path):
    with (
        pytest.raises(OSError, match="of another disk") as caught,
        open_strips(tmp_path / "a.png", width=3, height=3, channels=3, dtype="uint8", metadata=NOTHING),
    ):
        raise OSError(errno.EIO, "a fault of another disk")
    assert not isinstance(caught.value, ImageError)
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from realesrgan_arch.image_header import ImageError
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_stream import open_strips
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
pixels = np.random.default_rng(0).integers(0, 256, (500, 300, 3), np.uint8)
try:
    with open_strips(
        Path(sys.argv[1]), width=300, height=500, channels=3, dtype="uint8", metadata=Metadata()
    ) as writer:
        for top in range(0, 500, 50):
            writer.write(pixels[top : top + 50])
except ImageError as error:
    sys.exit(f"said: {error}")
"""

MEMORY = """
import re, sys
from pathlib import Path
import numpy as np
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_stream import open_strips
def peak_kib():  # Not getrusage: its peak is that of the parent before this program was loaded.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
strip = np.random.default_rng(0).integers(0, 8, (256, 20_000, 3), np.uint8)
before = peak_kib()
with open_strips(
    Path(sys.argv[1]), width=20_000, height=6_000, channels=3, dtype="uint8", metadata=Metadata()
) as writer:
    for top in range(0, 6_000, 256):
        writer.write(strip[: 6_000 - top])
sys.stdout.write(str((peak_kib() - before) // 1024))
"""


def run_script(script: str, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, argv)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_full_disk_is_one_sentence_and_no_file(tmp_path, suffix):
    done = run_script(LIMITED, tmp_path / f"a{suffix}")
    assert done.returncode == 1
    assert done.stderr == f"said: {tmp_path}/a{suffix} cannot be written: {os.strerror(errno.EFBIG)}.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_picture_of_360_megabytes_needs_memory_for_a_strip(tmp_path, suffix):
    done = run_script(MEMORY, tmp_path / f"a{suffix}")
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout) < 100
    assert read_size(tmp_path / f"a{suffix}") == (20_000, 6_000)
    assert (tmp_path / f"a{suffix}").stat().st_size > 20_000 * 6_000 * 3 * 3 / 8  # Three bits a sample are noise.


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_disk_that_fails_when_the_file_is_finished_is_one_sentence(tmp_path, monkeypatch, suffix):
    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(ImageError, match=rf"a{suffix} cannot be written: No space left on device"):
        write_strips(tmp_path / f"a{suffix}", draw_rows())
    assert list(tmp_path.iterdir()) == []


def test_the_checksum_of_a_png_is_that_of_all_its_rows(tmp_path, monkeypatch):
    small_blocks(monkeypatch)
    write_strips(tmp_path / "a.png", draw_rows(height=5_000), strip=999)
    data, body, position = (tmp_path / "a.png").read_bytes(), b"", 8
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        body += data[position + 8 : position + 8 + length] if name == b"IDAT" else b""
        position += 12 + length
    assert len(zlib.decompress(body)) == 5_000 * (1 + 3 * WIDTH)  # Most decoders of PNG pass over the checksum.


def test_what_a_tiff_points_to_stands_at_even_places(tmp_path, monkeypatch):
    small_blocks(monkeypatch)
    write_strips(tmp_path / "a.tif", draw_rows(), metadata=Metadata(icc=SRGB + b"!", exif=EXIF, xmp=XMP.ljust(201)))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        places = [page.offset, *page.dataoffsets, *(tag.valueoffset for tag in page.tags if tag.valuebytecount > 4)]
    assert len(places) > 40 and all(place % 2 == 0 for place in places)


def test_rows_too_many_are_refused_when_they_come(tmp_path):
    with (
        pytest.raises(ValueError, match="expected 9 rows, got at least 10"),
        open_strips(tmp_path / "a.png", width=3, height=9, channels=3, dtype="uint8", metadata=NOTHING) as writer,
    ):
        writer.write(np.zeros((5, 3, 3), np.uint8))
        writer.write(np.zeros((5, 3, 3), np.uint8))
        pytest.fail("they were taken")
