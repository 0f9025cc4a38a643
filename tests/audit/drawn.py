"""Pictures for the tests of the measures: a photograph-like scene with detail at every scale, and a plan."""

import io

import cv2
import numpy as np
from PIL import Image

from realesrgan_arch.audit.measure import Measurements, measure
from realesrgan_arch.data.sample_plans import draw_plan
from realesrgan_arch.image_header import parse_header
from realesrgan_arch.images import read_rgb


def draw_scene(height=512, width=512, *, seed=0):
    """Noise with a power spectrum of 1/f^2, as photographs have it, in three slightly different channels."""
    generator = np.random.default_rng(seed)
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequencies[0, 0] = 1
    common, own = (_filtered(generator.normal(size=(*shape, height, width)), frequencies) for shape in ((1,), (3,)))
    levels = 120 + 45 * (common + 0.3 * own)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8).transpose(1, 2, 0).copy()


def _filtered(noise, frequencies):
    shaped = np.fft.irfft2(np.fft.rfft2(noise) / frequencies, s=noise.shape[-2:])
    return shaped / shaped.std(axis=(-2, -1), keepdims=True)


def draw_sheet(*, seed=0, height=600, width=800):
    return draw_plan(np.random.default_rng(seed), height=height, width=width)


def gray(pixels):
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def encode(pixels, kind="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def measure_bytes(data, tmp_path) -> Measurements:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return measure(data, parse_header(data, path), read_rgb(path))
