"""Crops to compare degradations by: of low-quality pictures as they are, and of ground truth."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from realesrgan_arch.audit.file_facts import read_facts
from realesrgan_arch.data.sample import NUM_VIEWS, SCENES, draw_scene
from realesrgan_arch.image_header import ImageError, parse_header, shown
from realesrgan_arch.images import Pixels, read_rgb
from realesrgan_arch.seeding import Stream, numpy_generator

_GRID = 8
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
    left_out: tuple[str, ...]
    """A sentence for each other file."""


def survey(paths: Iterable[Path], *, min_side: int) -> Survey:
    """Look at the headers of `paths`; pixels are not decoded."""
    usable: list[Path] = []
    sides: list[int] = []
    qualities: list[float] = []
    left_out: list[str] = []
    for path in paths:
        try:
            data = path.read_bytes()
            header = parse_header(data, path)
        except (ImageError, OSError) as error:
            left_out.append(str(error))
            continue
        if min(header.size) < min_side:
            left_out.append(f"{shown(path)} is smaller than {min_side} pixels: {header.size[0]} x {header.size[1]}.")
            continue
        quality = read_facts(data, header).jpeg_quality
        usable.append(path)
        sides.append(min(header.size))
        qualities += [] if quality is None else [quality]
    return Survey(tuple(usable), min(sides, default=0), tuple(qualities), tuple(left_out))


def read_pictures(paths: Sequence[Path], left_out: list[str]) -> Iterator[Pixels]:
    """Yield the pictures one by one; a sentence for each that cannot be decoded is added to `left_out`."""
    for path in paths:
        try:
            yield read_rgb(path)
        except ImageError as error:
            left_out.append(str(error))


def sample_pictures(*, seed: int) -> Iterator[Pixels]:
    """Yield the views of the embedded sample, 384 x 512, one of each scene first; without its floor plans."""
    scenes = [draw_scene(index, seed=seed)[:NUM_VIEWS] for index in range(len(SCENES))]
    yield from (views[number] for number in range(NUM_VIEWS) for views in scenes)


def draw_crops(pictures: Iterable[Pixels], *, side: int, rounds: int, seed: int) -> list[Pixels]:
    """Return `rounds` crops of `side` pixels of every picture: one of each, then a second of each, and so on.

    Of four random places the one with most contrast is taken, since a plain sky says nothing of blur. Corners lie on
    multiples of 8, so that the grid of a JPEG starts at the corner of the crop.
    """
    by_picture = [
        [_busiest(picture, side, numpy_generator(seed, Stream.MATCHING, number, turn)) for turn in range(rounds)]
        for number, picture in enumerate(pictures)
    ]
    return [crops[turn] for turn in range(rounds) for crops in by_picture]


def _busiest(pixels: Pixels, side: int, generator: np.random.Generator) -> Pixels:
    places = [[_place(length, side, generator) for length in pixels.shape[:2]] for _ in range(_NUM_PLACES)]
    crops = [pixels[top : top + side, left : left + side] for top, left in places]
    return np.ascontiguousarray(max(crops, key=lambda crop: float(crop[::2, ::2].std())))


def _place(length: int, side: int, generator: np.random.Generator) -> int:
    return int(generator.integers((length - side) // _GRID + 1)) * _GRID
