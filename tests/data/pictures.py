"""Tiny images for the tests of this room."""

from pathlib import Path

import numpy as np

from realesrgan_arch.images import write_image


def noise(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_noise(path: Path, seed: int, height: int = 40, width: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, noise(seed, height, width))
    return path


def write_truncated(path: Path) -> Path:
    write_noise(path, 0, 200, 200)
    path.write_bytes(path.read_bytes()[:5000])
    return path
