"""Flat textures of the embedded sample: walls, floors and roofs as uint8 RGB (H, W, 3) at `PIXELS_PER_METRE`."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

PIXELS_PER_METRE = 64

Texture = np.ndarray[Any, np.dtype[np.uint8]]
Color = tuple[int, int, int]


def value_noise(generator: np.random.Generator, *, height: int, width: int, cell: int) -> np.ndarray:
    """Return smooth float32 noise (height, width) of about unit variance whose blobs are `cell` pixels wide."""
    coarse = generator.standard_normal((height // cell + 2, width // cell + 2), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)) * 1.4


def brick(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Running bond: every brick has its own tint, joints are light."""
    return _bond(
        generator, height=height, width=width, color=color, course=6, length=19, spread=16, joint=(196, 188, 176)
    )


def stone(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Ashlar: large blocks with dark joints."""
    return _bond(generator, height=height, width=width, color=color, course=27, length=62, spread=9, joint=(92, 86, 78))


def plaster(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Rendered wall with stains that run down and a fine grain."""
    stains = value_noise(generator, height=height, width=width, cell=90) * 4
    grain = generator.standard_normal((height, width), dtype=np.float32) * 4
    return _tinted(color, stains + grain)


def planks(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Vertical boards with grain and dark grooves."""
    board = np.arange(width) // 11
    tint = generator.normal(0, 11, board[-1] + 1).astype(np.float32)[board]
    stretched = cv2.resize(
        generator.standard_normal((height // 24 + 2, width), dtype=np.float32),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )
    image = _tinted(color, np.asarray(stretched) * 9 + tint)
    image[:, np.arange(width) % 11 == 0] = _scaled(color, 0.45)
    return image


def concrete(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Cast panels: clouds, pores, joints and tie holes."""
    clouds = value_noise(generator, height=height, width=width, cell=70) * 5
    image = _tinted(color, clouds + generator.standard_normal((height, width), dtype=np.float32) * 5)
    step_y, step_x = 96, 160
    image[::step_y] = image[1::step_y][: len(image[::step_y])] // 2 if height > step_y else image[::step_y]
    image[:, ::step_x] = image[:, ::step_x] // 2
    for y in range(step_y // 4, height, step_y // 2):
        for x in range(step_x // 4, width, step_x // 2):
            cv2.circle(image, (x, y), 2, _scaled(color, 0.4), -1)
    return image


def metal(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Corrugated sheet: fine vertical waves and sheet joints."""
    wave = 26 * np.sin(np.arange(width, dtype=np.float32) * (2 * np.pi / 7))
    image = _tinted(color, wave + value_noise(generator, height=height, width=width, cell=120) * 5)
    image[:: 3 * PIXELS_PER_METRE] = _scaled(color, 0.5)
    return image


def curtain_wall(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Glass facade: panes that mirror the sky, some blinds, spandrels and thin mullions."""
    pane_y, pane_x = 56, 48
    rows, columns = -(-height // pane_y), -(-width // pane_x)
    tint = generator.normal(0, 12, (rows, columns)) - 46 * (generator.random((rows, columns)) < 0.15)
    tint = tint.repeat(pane_y, 0).repeat(pane_x, 1)[:height, :width].astype(np.float32)
    y = np.arange(height)[:, None]
    mirrored = value_noise(generator, height=height, width=width, cell=150) * 16 + (y / height - 0.5) * -60
    image = _tinted(color, tint + mirrored.astype(np.float32))
    blinds = (generator.random((rows, columns)) < 0.25).repeat(pane_y, 0).repeat(pane_x, 1)[:height, :width]
    image[blinds & (y % 4 < 2) & (y % pane_y < 34)] = (206, 204, 196)
    image[np.broadcast_to(y % pane_y > 46, blinds.shape)] //= 2
    image[:, np.arange(width) % pane_x < 3] = (58, 62, 68)
    image[np.arange(height) % pane_y < 2] = (188, 192, 196)
    return image


def roof_tiles(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Rows of rounded tiles, each row half a tile aside, with a shadow under every edge."""
    course, length = 14, 13
    y, x = np.mgrid[0:height, 0:width].astype(np.int32)
    row = y // course
    x = x + (row % 2) * (length // 2)
    tint = generator.normal(0, 15, (row.max() + 1, x.max() // length + 1)).astype(np.float32)[row, x // length]
    bulge = 30 * np.sin((x % length) * (np.pi / length)).astype(np.float32)
    edge = np.where(y % course > course - 4, -62.0, (y % course) * 1.5).astype(np.float32)
    return _tinted(color, tint + bulge + edge - 12)


def paving(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Square slabs with dark joints and specks."""
    return _bond(generator, height=height, width=width, color=color, course=32, length=32, spread=8, joint=(84, 82, 78))


def lawn(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Grass: noise of three sizes."""
    noise = sum(value_noise(generator, height=height, width=width, cell=cell) * 9 for cell in (2, 5, 60))
    return _tinted(color, np.asarray(noise, np.float32))


def checker(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Floor tiles of two colours."""
    y, x = np.mgrid[0:height, 0:width] // 32
    image = plaster(generator, height=height, width=width, color=color)
    image[(x + y) % 2 == 0] = (image[(x + y) % 2 == 0] * 0.35).astype(np.uint8)
    image[::32] = image[:, ::32] = (120, 116, 110)
    return image


def parquet(generator: np.random.Generator, *, height: int, width: int, color: Color) -> Texture:
    """Boards with staggered ends."""
    return (
        _bond(
            generator,
            height=width,
            width=height,
            color=color,
            course=8,
            length=90,
            spread=13,
            joint=_scaled(color, 0.5),
        )
        .swapaxes(0, 1)
        .copy()
    )


WALLS: dict[str, Callable[..., Texture]] = {
    "brick": brick, "stone": stone, "plaster": plaster, "planks": planks,
    "concrete": concrete, "metal": metal, "glass": curtain_wall,
}  # fmt: skip
GROUNDS: dict[str, Callable[..., Texture]] = {"paving": paving, "lawn": lawn, "checker": checker, "parquet": parquet}


def shade(image: Texture, factor: np.ndarray | float) -> Texture:
    """Return the texture times `factor` (a number, or (H, W)), clipped."""
    weights = factor[..., None] if isinstance(factor, np.ndarray) else factor
    return np.clip(image * weights, 0, 255).astype(np.uint8)


def _bond(
    generator: np.random.Generator, *, height: int, width: int, color: Color, course: int, length: int, spread: float,
    joint: Color,
) -> Texture:  # fmt: skip
    """Blocks in rows, every second row half a block aside."""
    row = np.arange(height) // course
    x = np.arange(width)[None, :] + ((row % 2) * (length // 2))[:, None]
    tint = generator.normal(0, spread, (row[-1] + 1, width // length + 2)).astype(np.float32)[row[:, None], x // length]
    grain = generator.standard_normal((height, width), dtype=np.float32) * 4
    image = _tinted(color, tint + grain + value_noise(generator, height=height, width=width, cell=110) * 4)
    image[(x % length == 0) | (np.arange(height) % course == 0)[:, None]] = joint
    return image


def _tinted(color: Color, offset: np.ndarray) -> Texture:
    """One colour plus a gray offset for every pixel (H, W)."""
    return np.clip(np.asarray(color, np.float32) + offset[..., None], 0, 255).astype(np.uint8)


def _scaled(color: Color, factor: float) -> Color:
    red, green, blue = (int(value * factor) for value in color)
    return red, green, blue
