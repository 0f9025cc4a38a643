"""Where tiles lie in a picture, what they are called and which are kept: pure functions of sizes, names and numbers.

The grid is that of BasicSR's `extract_subimages.py`; several sizes of one picture, each antialiased, are those of
Real-ESRGAN's `generate_multiscale_DF2K.py`.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import cv2
import numpy as np
from PIL import Image

from realesrgan_arch.data.files import DataError
from realesrgan_arch.images import Box, Pixels
from realesrgan_arch.seeding import Stream, numpy_generator

_FLAT_SHARE = 0.1
"""Of the tiles below the wanted detail: walls and sky, against hallucination there."""
Choice = Mapping[tuple[str, float], tuple[int, ...]]
"""(path of the picture, scale) -> places in the order of falling detail that are kept."""


@dataclass(frozen=True)
class TileSettings:
    """How pictures are cut.

    `size` and `step` in pixels; a rest at the border of more than `thresh` pixels gets a tile of its own; of `scales`
    each is in (0, 1]; `detail` is the share of tiles kept; `smallest` the least side of a picture that is used.

    Raises:
        DataError: values that exclude each other or are out of range.
    """

    size: int = 480
    step: int = 240
    thresh: int = 0
    scales: tuple[float, ...] = (1.0,)
    detail: float = 1.0
    most_per_scene: int | None = None
    smallest: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        rules = [
            (1 <= self.step <= self.size, f"1 <= step <= size, got step {self.step} and size {self.size}"),
            (1 <= self.smallest <= self.size, f"1 <= smallest <= size, got {self.smallest} and size {self.size}"),
            (self.thresh >= 0, f"thresh >= 0, got {self.thresh}"),
            (0 < self.detail <= 1, f"a share of detailed tiles in (0, 1], got {self.detail:g}"),
            (self.most_per_scene is None or self.most_per_scene > 0, f"most per scene > 0, got {self.most_per_scene}"),
            (bool(self.scales) and all(0.001 <= s <= 1 for s in self.scales), f"scales in (0, 1], got {self.scales}"),
            (len({_per_mille(s) for s in self.scales}) == len(self.scales), f"different scales, got {self.scales}"),
        ]
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise DataError(f"Expected {'; '.join(broken)}.")


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Return height and width of a picture at `scale`: rounded down, as upstream."""
    return int(height * scale), int(width * scale)


def shrink(rgb: Pixels, scale: float) -> Pixels:
    """Return uint8 RGB (H, W, 3) at `scale`: Lanczos, antialiased, in Pillow's fixed point (the same everywhere)."""
    if scale == 1:
        return rgb
    height, width = scaled_size(rgb.shape[0], rgb.shape[1], scale)
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


def grid(height: int, width: int, settings: TileSettings) -> list[Box]:
    """Return the tiles of a picture, row by row; the last of a row or column is flush with the border.

    A side that is shorter than a tile is kept whole; there is none in a picture with a side below `smallest`.
    """
    if min(height, width) < settings.smallest:
        return []
    rows, columns = (_starts(side, settings) for side in (height, width))
    down, across = min(settings.size, height), min(settings.size, width)
    return [Box(top, left, top + down, left + across) for top in rows for left in columns]


def tile_name(base: str, number: int, scale: float) -> str:
    """Return the path of tile `number` (from 1) of the picture `base`: `villa/a_s001.png`, at scale 0.5 `..._s001x500`.

    The end says the number and the scale, so that different (base, number, scale) never have one name.
    """
    return f"{base}_s{number:03d}{'' if scale == 1 else f'x{_per_mille(scale)}'}.png"


def base_names(paths: Sequence[str]) -> dict[str, str]:
    """Return path -> path without suffix; where two pictures would share one (also but for case), with it: `a_jpg`."""
    stems = {path: PurePosixPath(path).with_suffix("").as_posix() for path in paths}
    counts = Counter(stem.casefold() for stem in stems.values())
    taken = {stem.casefold() for stem in stems.values()}
    names: dict[str, str] = {}
    for path in sorted(paths):
        name = stems[path]
        if counts[name.casefold()] > 1:
            name = free_name(name + PurePosixPath(path).suffix.replace(".", "_"), taken)
            taken.add(name.casefold())
        names[path] = name
    return names


def free_name(name: str, taken: Container[str]) -> str:
    """Return `name`, with a number where it is among the case-folded names `taken`: some disks ignore case."""
    number, free = 1, name
    while free.casefold() in taken:
        number, free = number + 1, f"{name}_{number + 1}"
    return free


def gradient_energy(rgb: Pixels) -> float:
    """Return the mean squared gradient (Sobel, in levels a pixel) of the luma of uint8 RGB (H, W, 3)."""
    luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    across, down = (cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    return float(np.mean(np.square(across) + np.square(down), dtype=np.float64))


def kept_places(num_tiles: int, *, detail: float, generator: np.random.Generator) -> tuple[int, ...]:
    """Return which places in the order of falling detail are kept: the first share, and a tenth of the flat rest.

    The flat ones are drawn one by one, so that pictures of a few tiles bring their tenth too.
    """
    num_detailed = math.ceil(detail * num_tiles)
    draws = generator.random(num_tiles)
    return tuple(place for place in range(num_tiles) if place < num_detailed or draws[place] < _FLAT_SHARE)


def choose_at_most(places: Choice, most: int, generator: np.random.Generator) -> Choice:
    """Return `most` of all places, drawn without replacement; all of them when there are no more."""
    every = [(key, place) for key in sorted(places) for place in places[key]]
    if len(every) <= most:
        return places
    chosen: dict[tuple[str, float], tuple[int, ...]] = dict.fromkeys(places, ())
    for index in sorted(generator.permutation(len(every))[:most]):
        key, place = every[index]
        chosen[key] += (place,)
    return chosen


def named_generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of a scene or picture; no other name changes its numbers."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return numpy_generator(seed, Stream.TILES, int.from_bytes(digest[:8], "big"))


def tiles_at(boxes: Sequence[Box], rgb: Pixels, places: Sequence[int]) -> list[int]:
    """Return the indices, in order, of the tiles at `places` of the order of falling detail."""
    if len(places) == len(boxes):
        return list(range(len(boxes)))
    energies = [gradient_energy(cut(rgb, box)) for box in boxes]
    falling = sorted(range(len(boxes)), key=lambda index: (-energies[index], index))
    return sorted(falling[place] for place in places)


def cut(rgb: Pixels, box: Box) -> Pixels:
    """Return the pixels in the box as a contiguous copy."""
    return np.ascontiguousarray(rgb[box.top : box.bottom, box.left : box.right])


def _starts(length: int, settings: TileSettings) -> list[int]:
    last = max(0, length - settings.size)
    starts = list(range(0, last + 1, settings.step))
    return [*starts, last] if last - starts[-1] > settings.thresh else starts


def _per_mille(scale: float) -> int:
    return round(scale * 1000)
