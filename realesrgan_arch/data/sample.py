"""The embedded sample: small pictures of buildings and rooms, drawn, so that demo and tests need nothing from outside.

Twelve scenes in sub-folders, three views of each, and four floor plans that hide among them under the names of photos.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.sample_camera import (
    HEIGHT,
    SUPERSAMPLING,
    WIDTH,
    Camera,
    draw_sky,
    expose,
    paint_gable,
    paint_ground,
    paint_quad,
)
from realesrgan_arch.data.sample_facades import BAY_METRES, FLOOR_METRES, Style, draw_facade, draw_window
from realesrgan_arch.data.sample_plans import draw_plan
from realesrgan_arch.data.sample_textures import GROUNDS, PIXELS_PER_METRE, WALLS, Color, Texture, roof_tiles, shade
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import write_image
from realesrgan_arch.seeding import Stream, numpy_generator

NUM_VIEWS = 3
_NUM_THREADS = 2


@dataclass(frozen=True)
class Exterior:
    """A building on its ground; `roof` is the colour of a tiled roof, None for a flat one."""

    style: Style
    ground: str
    ground_color: Color
    roof: Color | None = None


@dataclass(frozen=True)
class Interior:
    """A room: what its walls and its floor are made of."""

    style: Style
    floor: str
    floor_color: Color


@dataclass(frozen=True)
class DrawnSample:
    """What `draw_sample` wrote."""

    folder: Path
    num_scenes: int
    num_photos: int
    num_plans: int


SCENES: dict[str, Exterior | Interior] = {
    "brick_terrace": Exterior(
        Style("brick", (158, 82, 62), (236, 232, 222), 5, 3, (1, 2), (1.2, 1.6)),
        "paving", (150, 146, 140), (120, 70, 56),
    ),
    "yellow_brick_flats": Exterior(
        Style("brick", (196, 164, 112), (60, 66, 70), 5, 4, (1, 0), (1.5, 1.5), has_balconies=True),
        "lawn", (88, 118, 62),
    ),
    "stone_palace": Exterior(
        Style("stone", (188, 176, 150), (88, 62, 44), 6, 3, (1, 1), (1.1, 1.6), has_arches=True),
        "paving", (176, 168, 152),
    ),
    "white_villa": Exterior(
        Style("plaster", (228, 224, 214), (70, 96, 84), 4, 2, (1, 1), (1.3, 1.5)), "lawn", (98, 132, 66), (168, 88, 58)
    ),
    "ochre_shops": Exterior(
        Style("plaster", (206, 160, 92), (124, 44, 40), 5, 4, (1, 1), (1.1, 1.6), has_shops=True),
        "paving", (140, 138, 134),
    ),
    "glass_office": Exterior(
        Style("glass", (96, 132, 156), (60, 64, 70), 5, 6, (0, 0), (1.0, 1.0)), "paving", (166, 166, 164)
    ),
    "timber_house": Exterior(
        Style("planks", (150, 108, 70), (240, 238, 232), 4, 2, (1, 1), (1.2, 1.5)), "lawn", (106, 124, 72), (84, 84, 92)
    ),
    "concrete_block": Exterior(
        Style("concrete", (164, 162, 156), (44, 46, 50), 6, 5, (1, 0), (1.7, 1.4), has_balconies=True),
        "paving", (128, 126, 122),
    ),
    "metal_studio": Exterior(
        Style("metal", (116, 134, 146), (228, 176, 60), 4, 3, (2, 1), (1.8, 1.8)), "paving", (118, 116, 114)
    ),
    "brick_loft": Interior(
        Style("brick", (164, 92, 72), (48, 50, 54), 2, 1, (3, 3), (1.7, 2.0)), "parquet", (156, 112, 70)
    ),
    "tiled_hall": Interior(
        Style("plaster", (222, 214, 196), (240, 238, 232), 2, 1, (1, 2), (1.4, 2.0)), "checker", (226, 220, 208)
    ),
    "timber_room": Interior(
        Style("planks", (188, 150, 104), (236, 232, 224), 2, 1, (2, 1), (1.8, 1.7)), "paving", (150, 142, 130)
    ),
}  # fmt: skip
_SCENES_WITH_PLANS = ("yellow_brick_flats", "white_villa", "concrete_block", "tiled_hall")
_RISE = 0.42
"""Height of a roof over the depth of its building."""
# Where the camera stands, as shares of the building's width beside its middle, and of the usual distance.
_STANDS = ((0.12, 1.0), (-0.85, 0.95), (0.5, 0.68))


def draw_sample(folder: Path, *, seed: int = 0) -> DrawnSample:
    """Draw the sample into `folder/SCENE/view_N.png`; the same seed gives the same pixels.

    Raises:
        DataError: the folder holds something already, or cannot be made.
        ImageError: a picture cannot be written.
    """
    _make_empty(folder)
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        for index, views in enumerate(pool.map(lambda i: draw_scene(i, seed=seed), range(len(SCENES)))):
            _write_views(folder / tuple(SCENES)[index], views)
    return DrawnSample(folder, len(SCENES), len(SCENES) * NUM_VIEWS, len(_SCENES_WITH_PLANS))


def draw_scene(index: int, *, seed: int) -> list[Texture]:
    """Return the views (384, 512, 3) of scene `index` of `SCENES`, and its floor plan if it has one.

    Every scene has a generator of its own, so that scenes may be drawn in any order and beside one another.
    """
    generator = numpy_generator(seed, Stream.SAMPLE, index)
    name, scene = tuple(SCENES.items())[index]
    views = _draw_exterior(scene, generator) if isinstance(scene, Exterior) else _draw_interior(scene, generator)
    return [*views, draw_plan(generator, height=HEIGHT, width=WIDTH)] if name in _SCENES_WITH_PLANS else views


def _write_views(folder: Path, views: list[Texture]) -> None:
    folder.mkdir()
    for number, view in enumerate(views, start=1):
        write_image(folder / f"view_{number}.png", view)


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise DataError(f"The folder {shown(folder)} cannot be made: {error.strerror}.") from error
    if not is_empty:
        raise DataError(
            f"Expected an empty or new folder for the sample, but {shown(folder)} holds files; name another."
        )


def _draw_exterior(scene: Exterior, generator: np.random.Generator) -> list[Texture]:
    style = scene.style
    width, height, depth = style.num_bays * BAY_METRES, style.num_floors * FLOOR_METRES, 3 * BAY_METRES
    front = draw_facade(style, generator, num_bays=style.num_bays)
    side = shade(draw_facade(style, generator, num_bays=3), 0.72)
    slab = GROUNDS[scene.ground](generator, height=1024, width=1024, color=scene.ground_color)
    gable = WALLS[style.wall](generator, height=_pixels(_RISE * depth), width=_pixels(depth), color=style.wall_color)
    gable = shade(gable, 0.72)
    slope = None if scene.roof is None else roof_tiles(generator, height=300, width=front.shape[1], color=scene.roof)
    sky_top = (int(generator.integers(70, 104)), int(generator.integers(120, 146)), int(generator.integers(180, 204)))
    top = height if scene.roof is None else height + _RISE * depth
    views: list[Texture] = []
    for beside, share in _STANDS:
        canvas = draw_sky(generator, top=sky_top, bottom=(206, 222, 236))
        distance = share * max(1.05 * width, 1.8 * (top - 1.7))
        camera = Camera(beside * width, 1.7, -distance, yaw=-np.arctan2(beside * width * 0.72, distance), horizon=0.8)
        paint_ground(canvas, slab, camera)
        for sign in (-1, 1):
            if sign * camera.x > width / 2:
                near, far = (0, depth) if sign > 0 else (depth, 0)
                wall = _upright(sign * width / 2, near, sign * width / 2, far, height)
                paint_quad(canvas, side, wall, camera)
                if slope is not None:
                    paint_gable(canvas, gable, wall, camera, rise=_RISE * depth)
        paint_quad(canvas, front, _upright(-width / 2, 0, width / 2, 0, height), camera)
        if slope is not None:
            paint_quad(canvas, slope, _roof(width, height, depth), camera)
        views.append(expose(canvas, generator))
    return views


def _draw_interior(scene: Interior, generator: np.random.Generator) -> list[Texture]:
    style = scene.style
    width, height, depth = 2.2 * BAY_METRES, FLOOR_METRES, 3 * BAY_METRES
    back = _draw_room_wall(style, generator, metres=width)
    left, right = (_draw_room_wall(style, generator, metres=depth) for _ in range(2))
    ceiling = WALLS["plaster"](generator, height=_pixels(depth), width=_pixels(width), color=(232, 230, 224))
    for y in range(40, len(ceiling), 110):
        ceiling[y : y + 14] = (ceiling[y : y + 14] * 0.55).astype(np.uint8)
    floor = GROUNDS[scene.floor](generator, height=_pixels(depth), width=_pixels(width), color=scene.floor_color)
    views: list[Texture] = []
    for beside, share in _STANDS:
        canvas = np.zeros((HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING, 3), np.uint8)
        camera = Camera(beside * 1.4, 1.5, -1.7 * share, yaw=-beside * 0.22, focal=0.72, horizon=0.5)
        half = width / 2
        paint_quad(canvas, shade(floor, 0.85), _level(half, 0.0, depth), camera)
        paint_quad(canvas, shade(ceiling, 0.9), _level(half, height, depth), camera)
        paint_quad(canvas, shade(left, 0.78), _upright(-half, 0, -half, depth, height), camera)
        paint_quad(canvas, shade(right, 0.9), _upright(half, depth, half, 0, height), camera)
        paint_quad(canvas, back, _upright(-half, depth, half, depth, height), camera)
        views.append(expose(canvas, generator))
    return views


def _draw_room_wall(style: Style, generator: np.random.Generator, *, metres: float) -> Texture:
    """A wall of a room: windows, a skirting, and light that falls off towards the corners."""
    image = WALLS[style.wall](generator, height=_pixels(FLOOR_METRES), width=_pixels(metres), color=style.wall_color)
    window_width, window_height = (_pixels(side) for side in style.window_metres)
    for index in range(style.num_bays):
        left = round((index + 0.5) * image.shape[1] / style.num_bays - window_width / 2)
        draw_window(image, (left, 30, left + window_width, 30 + window_height), style, generator, muntins=style.muntins)
    image[-12:] = (226, 222, 214)
    image[-13] = (70, 66, 60)
    across = np.linspace(-1, 1, image.shape[1], dtype=np.float32)[None, :]
    return shade(image, np.broadcast_to(1 - 0.28 * across**4, image.shape[:2]))


def _pixels(metres: float) -> int:
    return round(metres * PIXELS_PER_METRE)


def _upright(x: float, z: float, next_x: float, next_z: float, height: float) -> np.ndarray:
    """Corners (4, 3) of a wall from (x, z) at its left to (next_x, next_z) at its right."""
    return np.array([(x, height, z), (next_x, height, next_z), (next_x, 0, next_z), (x, 0, z)], np.float64)


def _level(half_width: float, y: float, depth: float) -> np.ndarray:
    """Corners (4, 3) of a floor or ceiling, far edge first."""
    return np.array(
        [(-half_width, y, depth), (half_width, y, depth), (half_width, y, 0), (-half_width, y, 0)], np.float64
    )


def _roof(width: float, height: float, depth: float) -> np.ndarray:
    """Corners (4, 3) of the slope that is seen from the street: the ridge, then the eaves, which project."""
    half, ridge = width / 2 + 0.4, height + _RISE * depth
    eaves = height - 0.2
    return np.array([(-half, ridge, depth / 2), (half, ridge, depth / 2), (half, eaves, -0.5), (-half, eaves, -0.5)])
