"""Small pictures that look like photographs to an audit, and files that do not."""

from pathlib import Path

import cv2
import numpy as np

from realesrgan_arch.images import write_image

JPEG_QUALITY = 92


def photo(seed: int, side: int = 420) -> np.ndarray:
    """Return RGB uint8 (side, side, 3): blobs of colour with grain, another picture for each seed."""
    generator = np.random.default_rng(seed)
    blobs = generator.uniform(0, 255, (7, 7, 3)).astype(np.float32)
    smooth = cv2.resize(blobs, (side, side), interpolation=cv2.INTER_CUBIC)
    grain = generator.normal(0, 25, (side, side, 3))
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def write_photo(path: Path, seed: int, side: int = 420) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, photo(seed, side), quality=JPEG_QUALITY)
    return path


def write_photos(folder: Path, count: int, side: int = 420) -> Path:
    """Write `count` photographs in two sub-folders."""
    for seed in range(count):
        write_photo(folder / f"scene_{seed % 2}" / f"{seed}.jpg", seed, side)
    return folder
