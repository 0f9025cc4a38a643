"""Floor plans of the embedded sample: the contamination that a data set of architecture photographs comes with."""

from typing import Any

import cv2
import numpy as np

_INK = (28, 28, 30)
_ROOMS = ("LIVING 24.6", "KITCHEN 11.2", "BEDROOM 14.8", "BATH 6.1", "HALL 7.3", "STUDY 9.9")


def draw_plan(generator: np.random.Generator, *, height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A plan on white paper: walls, doors with their arcs, windows, furniture, dimensions and room names."""
    image = np.full((height, width, 3), 252, np.uint8)
    left, top, right, bottom = 46, 40, width - 40, height - 48
    columns = _cuts(generator, left, right)
    rows = _cuts(generator, top, bottom)
    cv2.rectangle(image, (left, top), (right, bottom), _INK, 7)
    for x in columns[1:-1]:
        cv2.line(image, (x, top), (x, bottom), _INK, 4)
    for y in rows[1:-1]:
        cv2.line(image, (left, y), (right, y), _INK, 4)
    names = iter(generator.permutation(len(_ROOMS)).tolist() * 3)
    for x, next_x in zip(columns, columns[1:], strict=False):
        for y, next_y in zip(rows, rows[1:], strict=False):
            _draw_room(image, (x, y, next_x, next_y), _ROOMS[next(names)], generator)
    _draw_dimensions(image, columns, rows)
    return image


def _cuts(generator: np.random.Generator, low: int, high: int) -> list[int]:
    """Places of the walls: both ends, and one or two between."""
    num_rooms = int(generator.integers(2, 4))
    inner = [low + round((high - low) * (i + generator.uniform(-0.15, 0.15)) / num_rooms) for i in range(1, num_rooms)]
    return [low, *inner, high]


def _draw_room(
    image: np.ndarray[Any, np.dtype[np.uint8]],
    box: tuple[int, int, int, int],
    name: str,
    generator: np.random.Generator,
) -> None:
    left, top, right, bottom = box
    cv2.putText(image, name, (left + 12, (top + bottom) // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.32, _INK, 1, cv2.LINE_AA)
    door = left + int(generator.integers(14, max(15, right - left - 44)))
    cv2.line(image, (door, bottom), (door + 26, bottom), (252, 252, 252), 7)
    cv2.line(image, (door, bottom), (door, bottom - 26), _INK, 1)
    cv2.ellipse(image, (door, bottom), (26, 26), 0, 270, 360, _INK, 1, cv2.LINE_AA)
    cv2.rectangle(image, (left + 10, top + 10), (left + 44, top + 30), (110, 110, 114), 1)
    cv2.circle(image, (right - 22, top + 24), 10, (110, 110, 114), 1, cv2.LINE_AA)
    if generator.random() < 0.4:
        for x in range(left + 8, right - 8, 7):
            cv2.line(image, (x, bottom - 20), (x, bottom - 8), (150, 150, 154), 1)


def _draw_dimensions(image: np.ndarray[Any, np.dtype[np.uint8]], columns: list[int], rows: list[int]) -> None:
    line = image.shape[0] - 20
    for x, next_x in zip(columns, columns[1:], strict=False):
        cv2.arrowedLine(image, (x, line), (next_x, line), _INK, 1, cv2.LINE_AA, tipLength=0.04)
        place = ((x + next_x) // 2 - 12, line - 5)
        cv2.putText(image, f"{(next_x - x) / 40:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.3, _INK, 1, cv2.LINE_AA)
    for y, next_y in zip(rows, rows[1:], strict=False):
        cv2.arrowedLine(image, (20, y), (20, next_y), _INK, 1, cv2.LINE_AA, tipLength=0.04)
