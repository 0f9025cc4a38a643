"""Tiny images for the tests of this room."""

import hashlib
from pathlib import Path

import numpy as np

from realesrgan_arch.data.files import list_images
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.images import read_size, write_image


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


def rows_of(root: Path) -> list[ManifestRow]:
    """A row for each image below `root`, for training, its folder as scene."""
    rows = []
    for path in list_images(root):
        name, data = path.relative_to(root), path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        rows.append(ManifestRow(name.as_posix(), name.parent.as_posix(), "train", *read_size(path), len(data), digest))
    return rows
