"""One picture -> plain numbers."""

import io
import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from PIL import Image

from realesrgan_arch.audit.file_facts import read_facts
from realesrgan_arch.audit.judge import judge
from realesrgan_arch.audit.measure import measure
from realesrgan_arch.audit.thresholds import AuditThresholds
from realesrgan_arch.data.files import list_images
from realesrgan_arch.image_header import parse_header
from realesrgan_arch.images import read_rgb
from tests.audit.drawn import draw_scene, draw_sheet, encode, measure_bytes


def save(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_the_numbers_are_json_and_the_same_again(tmp_path):
    data = encode(draw_scene(), "JPEG", quality=85)
    first, second = measure_bytes(data, tmp_path), measure_bytes(data, tmp_path)
    assert first == second
    assert json.loads(json.dumps(asdict(first))) == asdict(first)
    assert (first.width, first.height, first.jpeg_quality) == (512, 512, 85)


def test_floats_have_six_significant_digits(tmp_path):
    found = asdict(measure_bytes(encode(draw_scene()), tmp_path))
    assert all(value == float(f"{value:.6g}") for value in found.values() if isinstance(value, float))


@pytest.mark.parametrize(
    ("image", "kind", "name", "value"),
    [
        (Image.new("RGB", (64, 64)), "PNG", "has_alpha", False),
        (Image.new("RGBA", (64, 64)), "PNG", "has_alpha", True),
        (Image.new("LA", (64, 64)), "PNG", "has_alpha", True),
        (Image.new("CMYK", (64, 64)), "JPEG", "is_cmyk", True),
        (Image.new("L", (64, 64)), "JPEG", "is_cmyk", False),
        (Image.new("I;16", (64, 64)), "PNG", "bits", 16),
        (Image.new("L", (64, 64)), "PNG", "bits", 8),
        (Image.new("1", (64, 64)), "PNG", "bits", 1),
        (Image.new("I;16", (64, 64)), "TIFF", "bits", 16),
        (Image.new("RGB", (64, 64)), "TIFF", "bits", 8),
        (Image.new("RGB", (64, 64)), "PNG", "jpeg_quality", None),
        (Image.new("RGB", (64, 64)), "WebP", "is_animated", False),
    ],
)
def test_facts_of_the_file(tmp_path, image, kind, name, value):
    assert asdict(measure_bytes(save(image, kind), tmp_path))[name] == value


def test_a_png_of_three_times_16_bits_is_told_from_8(tmp_path):
    _, data = cv2.imencode(".png", np.zeros((40, 40, 3), np.uint16))
    assert measure_bytes(data.tobytes(), tmp_path).bits == 16


def test_a_palette_with_a_transparent_colour_has_alpha(tmp_path):
    assert measure_bytes(save(Image.new("P", (64, 64)), "PNG", transparency=0), tmp_path).has_alpha


@pytest.mark.parametrize("kind", ["GIF", "WebP", "PNG"])
def test_animations_are_seen(tmp_path, kind):
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    data = save(frames[0], kind, save_all=True, append_images=frames[1:])
    header = parse_header(data, tmp_path / "x")
    assert read_facts(data, header).is_animated


def test_the_pages_of_a_tiff_are_no_animation(tmp_path):
    pages = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    assert not measure_bytes(save(pages[0], "TIFF", save_all=True, append_images=pages[1:]), tmp_path).is_animated


def test_the_size_is_that_of_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    found = measure_bytes(save(Image.new("RGB", (64, 48)), "JPEG", exif=exif), tmp_path)
    assert (found.width, found.height, found.orientation) == (48, 64, 6)


def test_colorfulness_is_the_mean_range_of_the_channels(tmp_path):
    pixels = np.full((50, 50, 3), (100, 110, 90), np.uint8)
    pixels[:25] = 77
    assert measure_bytes(encode(pixels), tmp_path).colorfulness == 10


@pytest.mark.parametrize("size", [(1, 1), (1, 600), (600, 1), (31, 31), (33, 5000)])
def test_odd_sizes_are_measured(tmp_path, size):
    assert measure_bytes(encode(np.full((*size, 3), 9, np.uint8)), tmp_path).width == size[1]


def test_a_scene_passes_and_a_plan_does_not(tmp_path):
    thresholds = AuditThresholds()
    assert judge(measure_bytes(encode(draw_scene()), tmp_path), thresholds) == ()
    found = judge(measure_bytes(encode(draw_sheet()), tmp_path), thresholds)
    assert [(finding.reason, finding.drop) for finding in found][0] == ("line_drawing", True)


@pytest.mark.shared_data
def test_the_plans_are_found_and_no_photograph_of_the_cameras_is_lost(shared_data):
    thresholds = AuditThresholds()
    plans, photos = list_images(shared_data("data/floorplans")), list_images(shared_data("data/photos/cameras"))
    dropped = [[f.reason for f in judge(_measure(path), thresholds) if f.drop] for path in (*plans, *photos)]
    assert sum("line_drawing" in reasons for reasons in dropped[: len(plans)]) >= 19
    assert not any(dropped[len(plans) :])


def _measure(path):
    data = path.read_bytes()
    return measure(data, parse_header(data, path), read_rgb(path))
