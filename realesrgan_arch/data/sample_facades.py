"""Facades of the embedded sample: walls with windows, doors, balconies and cornices, drawn flat."""

from dataclasses import dataclass

import cv2
import numpy as np

from realesrgan_arch.data.sample_textures import PIXELS_PER_METRE, WALLS, Color, Texture, shade

BAY_METRES, FLOOR_METRES = 2.6, 3.0


@dataclass(frozen=True)
class Style:
    """How the facades of one scene look; colours are RGB in 0..255."""

    wall: str
    wall_color: Color
    frame_color: Color
    num_bays: int
    num_floors: int
    muntins: tuple[int, int]
    """Bars across and down that divide a window."""
    window_metres: tuple[float, float]
    """Width and height of a window."""
    has_balconies: bool = False
    has_arches: bool = False
    has_shops: bool = False


def draw_facade(style: Style, generator: np.random.Generator, *, num_bays: int) -> Texture:
    """One side of the building: `num_bays` wide, the style's floors high."""
    height, width = (
        round(style.num_floors * FLOOR_METRES * PIXELS_PER_METRE),
        round(num_bays * BAY_METRES * PIXELS_PER_METRE),
    )
    image = WALLS[style.wall](generator, height=height, width=width, color=style.wall_color)
    if style.wall != "glass":
        for floor in range(style.num_floors):
            _draw_floor(image, style, generator, floor=floor, num_bays=num_bays)
        _draw_cornices(image, style)
    return _in_light(image, generator)


def _draw_floor(image: Texture, style: Style, generator: np.random.Generator, *, floor: int, num_bays: int) -> None:
    bay, storey = BAY_METRES * PIXELS_PER_METRE, FLOOR_METRES * PIXELS_PER_METRE
    bottom = round(image.shape[0] - floor * storey - 0.75 * PIXELS_PER_METRE)
    window_width, window_height = (round(side * PIXELS_PER_METRE) for side in style.window_metres)
    door_bay = num_bays // 2
    for bay_index in range(num_bays):
        left = round((bay_index + 0.5) * bay - window_width / 2)
        if floor == 0 and style.has_shops:
            box = (
                round(bay_index * bay) + 14,
                image.shape[0] - 150,
                round((bay_index + 1) * bay) - 14,
                image.shape[0] - 18,
            )
            draw_window(image, box, style, generator, muntins=(3, 1))
            _draw_awning(image, box, style)
        elif floor == 0 and bay_index == door_bay:
            _draw_door(image, (left, image.shape[0] - 140, left + window_width, image.shape[0]), style)
        else:
            box = (left, bottom - window_height, left + window_width, bottom)
            draw_window(image, box, style, generator, muntins=style.muntins)
            if style.has_balconies and floor > 0 and bay_index % 2 == 0:
                _draw_balcony(image, box)


def draw_window(
    image: Texture, box: tuple[int, int, int, int], style: Style, generator: np.random.Generator, *,
    muntins: tuple[int, int],
) -> None:  # fmt: skip
    """Lintel, reveal, frame, glass that mirrors the sky, bars and sill; `box` is left, top, right, bottom."""
    left, top, right, bottom = box
    lintel = tuple(int(min(255, value * 1.12 + 14)) for value in style.wall_color)
    cv2.rectangle(image, (left - 6, top - 11), (right + 6, top - 3), lintel, -1)
    if style.has_arches:
        centre, axes = ((left + right) // 2, top), ((right - left) // 2, (right - left) // 3)
        cv2.ellipse(image, centre, (axes[0] + 7, axes[1] + 7), 0, 180, 360, lintel, -1)
        cv2.ellipse(image, centre, axes, 0, 180, 360, (62, 74, 88), -1)
        cv2.ellipse(image, centre, axes, 0, 180, 360, style.frame_color, 3)
    cv2.rectangle(image, (left - 2, top - 2), (right + 2, bottom + 2), (46, 42, 38), -1)
    cv2.rectangle(image, (left, top), (right, bottom), style.frame_color, -1)
    _draw_glass(image, (left + 5, top + 5, right - 4, bottom - 4), generator)
    across, down = muntins
    for index in range(1, across + 1):
        x = left + round(index * (right - left) / (across + 1))
        cv2.line(image, (x, top), (x, bottom), style.frame_color, 3)
    for index in range(1, down + 1):
        y = top + round(index * (bottom - top) / (down + 1))
        cv2.line(image, (left, y), (right, y), style.frame_color, 2)
    image[top : top + 4, left:right] //= 2  # The reveal's shadow.
    cv2.rectangle(image, (left - 9, bottom + 2), (right + 9, bottom + 8), (206, 202, 194), -1)
    shadow = image[bottom + 9 : bottom + 15, max(0, left - 7) : right + 11]
    shadow[:] = (shadow * 0.62).astype(np.uint8)


def _draw_glass(image: Texture, box: tuple[int, int, int, int], generator: np.random.Generator) -> None:
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    brightness = 78 + 92 * generator.random() * (1 - y / height) + 34 * (((x + y * 0.7) // 23) % 2) * generator.random()
    glass = brightness[..., None] * np.array((0.78, 0.94, 1.08), np.float32)
    if generator.random() < 0.45:  # Curtains: folds at both sides.
        folds = 176 + 26 * np.sin(x * np.float32(1.15))
        drawn = np.minimum(x, width - 1 - x) < width * generator.uniform(0.12, 0.34)
        glass[drawn] = folds[drawn][:, None] * np.array((1.0, 0.97, 0.9), np.float32)
    image[top:bottom, left:right] = np.clip(glass, 0, 255).astype(np.uint8)


def _draw_door(image: Texture, box: tuple[int, int, int, int], style: Style) -> None:
    left, top, right, bottom = box
    middle = (left + right) // 2
    cv2.rectangle(image, (left - 8, top - 10), (right + 8, bottom), (198, 192, 182), -1)
    cv2.rectangle(image, (left, top), (right, bottom), (52, 40, 34), -1)
    for first, last in ((left + 4, middle - 2), (middle + 2, right - 4)):
        cv2.rectangle(image, (first, top + 30), (last, bottom), style.frame_color, -1)
        cv2.rectangle(image, (first + 6, top + 38), (last - 6, top + 74), (70, 84, 96), -1)
        cv2.rectangle(image, (first + 6, top + 84), (last - 6, bottom - 12), (44, 34, 30), 2)
    cv2.rectangle(image, (left + 4, top + 4), (right - 4, top + 26), (120, 142, 156), -1)
    cv2.circle(image, (middle - 8, bottom - 62), 3, (214, 184, 96), -1)


def _draw_balcony(image: Texture, box: tuple[int, int, int, int]) -> None:
    """A slab, a hand rail and thin bars: the finest detail of the sample."""
    left, top, right, bottom = box[0] - 22, (box[1] + box[3]) // 2 + 4, box[2] + 22, box[3] + 4
    image[bottom + 10 : bottom + 34, left:right] = (image[bottom + 10 : bottom + 34, left:right] * 0.55).astype(
        np.uint8
    )
    for x in range(left, right, 6):
        cv2.line(image, (x, top), (x, bottom), (34, 34, 38), 1)
    cv2.rectangle(image, (left - 3, top - 4), (right + 3, top), (30, 30, 34), -1)
    cv2.rectangle(image, (left - 5, bottom), (right + 5, bottom + 9), (186, 182, 176), -1)


def _draw_awning(image: Texture, box: tuple[int, int, int, int], style: Style) -> None:
    left, top, right, _ = box
    for index, x in enumerate(range(left - 8, right + 8, 12)):
        color = style.frame_color if index % 2 else (232, 226, 214)
        cv2.rectangle(image, (x, top - 22), (x + 11, top + 16), color, -1)
    image[top + 17 : top + 30, left - 8 : right + 8] //= 2


def _draw_cornices(image: Texture, style: Style) -> None:
    """A projecting course over the ground floor and dentils under the eaves."""
    light = tuple(int(min(255, value * 0.4 + 130)) for value in style.wall_color)
    ledge = round(image.shape[0] - FLOOR_METRES * PIXELS_PER_METRE) + 4
    cv2.rectangle(image, (0, ledge), (image.shape[1], ledge + 9), light, -1)
    image[ledge + 10 : ledge + 16] = (image[ledge + 10 : ledge + 16] * 0.6).astype(np.uint8)
    cv2.rectangle(image, (0, 0), (image.shape[1], 16), light, -1)
    for x in range(0, image.shape[1], 13):
        cv2.rectangle(image, (x, 17), (x + 6, 24), light, -1)


def _in_light(image: Texture, generator: np.random.Generator) -> Texture:
    """The shadow of a neighbour falls on it in a slanting line; the eaves darken the top."""
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    edge = x + y * generator.uniform(0.3, 0.9) - generator.uniform(0.0, 0.45) * image.shape[1]
    light = 0.66 + 0.34 / (1 + np.exp(-np.clip(edge / 3, -30, 30)))
    light *= 1 - 0.35 * np.exp(-y / 22)
    return shade(image, light)
