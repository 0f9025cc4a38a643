"""Crops to compare degradations by: of low-quality pictures as they are, and of ground truth."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from realesrgan_arch.audit.file_facts import read_facts
from realesrgan_arch.data.sample import NUM_VIEWS, SCENES, draw_scene
from realesrgan_arch.image_header import ImageError, parse_header, shown
from realesrgan_arch.images import Pixels, read_bytes, read_rgb
from realesrgan_arch.seeding import Stream, numpy_generator

JPEG_GRID = 8
"""Pixels: corners and sides of crops are multiples of a JPEG block."""
_NUM_PLACES = 4
NUM_SAMPLE_PICTURES = len(SCENES) * NUM_VIEWS


@dataclass(frozen=True)
class Survey:
    """What files are good for: `paths` can be read and are large enough, at least `side` pixels each way."""

    paths: tuple[Path, ...]
    side: int
    """Shortest side of all, in pixels; 0 where there are no paths."""
    jpeg_qualities: tuple[float, ...]
    """Of those that are JPEG files: 1 to 100, from their quantisation tables."""
    unreadable: tuple[str, ...]
    """A sentence for each file that is no picture that can be read."""
    too_small: tuple[str, ...]
    """A sentence for each of the rest."""


def survey(paths: Iterable[Path], *, min_side: int) -> Survey:
    """Look at the headers of `paths`; pixels are not decoded."""
    usable: list[Path] = []
    sides: list[int] = []
    qualities: list[float] = []
    unreadable: list[str] = []
    too_small: list[str] = []
    for path in paths:
        try:
            data = read_bytes(path)
            header = parse_header(data, path)
        except ImageError as error:
            unreadable.append(str(error))
            continue
        if min(header.size) < min_side:
            too_small.append(f"{shown(path)} is smaller than {min_side} pixels: {header.size[0]} x {header.size[1]}.")
            continue
        quality = read_facts(data, header).jpeg_quality
        usable.append(path)
        sides.append(min(header.size))
        qualities += [] if quality is None else [quality]
    return Survey(tuple(usable), min(sides, default=0), tuple(qualities), tuple(unreadable), tuple(too_small))


def read_pictures(paths: Sequence[Path], unreadable: list[str]) -> Iterator[Pixels]:
    """Yield the pictures one by one; a sentence for each that cannot be decoded is added to `unreadable`."""
    for path in paths:
        try:
            yield read_rgb(path)
        except ImageError as error:
            unreadable.append(str(error))


def sample_pictures(*, seed: int) -> Iterator[Pixels]:
    """Yield the views of the embedded sample, 384 x 512, one of each scene first; without its floor plans."""
    scenes = [draw_scene(index, seed=seed)[:NUM_VIEWS] for index in range(len(SCENES))]
    yield from (views[number] for number in range(NUM_VIEWS) for views in scenes)


def draw_crops(pictures: Iterable[Pixels], *, side: int, most: int, seed: int) -> list[list[Pixels]]:
    """Return up to `most` crops of `side` pixels of each picture, no two of one place.

    Of four random places the one with most contrast is taken, since a plain sky says nothing of blur. Corners lie on
    multiples of 8, so that the grid of a JPEG starts at the corner of the crop.
    """
    return [_draw_from(picture, side, most, (seed, number)) for number, picture in enumerate(pictures)]


def interleave(by_picture: Sequence[Sequence[Pixels]], *, most: int) -> list[Pixels]:
    """Return up to `most` crops: one of each picture, then a second of each, and so on."""
    rounds = zip_longest(*by_picture)
    return [crop for crops in rounds for crop in crops if crop is not None][:most]


def _draw_from(pixels: Pixels, side: int, most: int, key: tuple[int, int]) -> list[Pixels]:
    seed, number = key
    crops: dict[tuple[int, ...], Pixels] = {}
    for turn in range(most):
        generator = numpy_generator(seed, Stream.MATCHING, number, turn)
        places = [tuple(_place(length, side, generator) for length in pixels.shape[:2]) for _ in range(_NUM_PLACES)]
        found = {(top, left): pixels[top : top + side, left : left + side] for top, left in places}
        place = max(found, key=lambda place: float(found[place][::2, ::2].std()))
        crops.setdefault(place, np.ascontiguousarray(found[place]))
    return list(crops.values())


def _place(length: int, side: int, generator: np.random.Generator) -> int:
    return int(generator.integers((length - side) // JPEG_GRID + 1)) * JPEG_GRID
