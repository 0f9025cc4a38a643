"""A small tree that is laid out like Kaggle's `tompaulat/modernarchitecture`, for every test that needs one.

What is known of the set, from the README of YuvalMandel1/Real-ESRGAN_architecture_images_finetune, who trained on it:
about 50,000 pictures of buildings inside and outside; pictures of one building lie side by side in a sub-folder and
share a part of their titles; no building is in two sub-folders; a small share are floor plans. The set itself is not
on this machine, so folder names and titles here are examples:

    modernarchitecture/
      houses-01/
        house-by-the-lake-studio-nord-01.jpg
        house-by-the-lake-studio-nord-02.jpg
        house-by-the-lake-studio-nord-03.jpg
        house-by-the-lake-studio-nord-floor-plan.jpg
        villa-in-the-pines-atelier-ost-01.jpg
        ...
      houses-02/
        ...
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

SCENES = (
    "house-by-the-lake-studio-nord",
    "villa-in-the-pines-atelier-ost",
    "library-of-the-old-port-west-architects",
    "tower-at-the-bridge-sued-and-partners",
    "school-on-the-hill-bureau-mitte",
    "museum-of-glass-studio-linie",
)
FOLDERS = ("houses-01", "houses-02", "public-buildings")


def draw_kaggle_tree(root: Path, *, num_pictures: int = 3, size: tuple[int, int] = (64, 48)) -> list[Path]:
    """Draw the tree below `root` and return its files: in each of three sub-folders two buildings, `num_pictures` each.

    Each building has one more file, a floor plan. `size` is (width, height). The same call draws the same bytes.
    """
    paths = []
    for index, scene in enumerate(SCENES):
        folder = root / FOLDERS[index // 2]
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, num_pictures + 1):
            paths.append(folder / f"{scene}-{number:02}.jpg")
            paths[-1].write_bytes(_jpeg(_photograph(index, number, size)))
        paths.append(folder / f"{scene}-floor-plan.jpg")
        paths[-1].write_bytes(_jpeg(_floor_plan(index, size)))
    return paths


def _photograph(scene: int, number: int, size: tuple[int, int]) -> Image.Image:
    """Coarse coloured noise: pictures of one building share their colours, none is flat."""
    colours = np.random.default_rng(scene).integers(40, 200, (6, 8, 3))
    moved = colours + np.random.default_rng([scene, number]).integers(-40, 40, (6, 8, 3))
    return Image.fromarray(moved.clip(0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def _floor_plan(scene: int, size: tuple[int, int]) -> Image.Image:
    width, height = size
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[4 + scene, 4:-4] = pixels[-5, 4:-4] = pixels[4:-4, 4] = pixels[4:-4, -5 - scene] = 0
    return Image.fromarray(pixels)


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()
