"""The parts of a picture that are looked at pixel by pixel: the busiest windows, where faults of detail can be seen."""

import cv2
import numpy as np
from numpy.typing import NDArray

WINDOW = 256
"""Side of a window in pixels."""
_NUM_WINDOWS = 6
_MIN_SIDE = 32

Gray = NDArray[np.uint8]


def busiest_windows(pixels: NDArray[np.uint8], small_gray: Gray) -> list[Gray]:
    """Return up to 6 gray windows of 256 x 256 with the most contrast between neighbours, busiest first.

    `pixels` is the uint8 RGB picture (H, W, 3), `small_gray` a small copy of it in which the windows are chosen: what
    is in focus there is busy, and sky and walls are passed over. Windows lie on a grid of 256, so that the 8x8 grid of
    a JPEG starts in their corner. A side below 256 gives narrower windows; below 32 pixels there are none.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < _MIN_SIDE:
        return []
    activity = _activity(small_gray, rows=max(1, height // WINDOW), columns=max(1, width // WINDOW))
    chosen = np.argsort(-activity, axis=None, kind="stable")[:_NUM_WINDOWS]
    corners = [(int(index) // activity.shape[1] * WINDOW, int(index) % activity.shape[1] * WINDOW) for index in chosen]
    return [_gray(pixels[top : top + WINDOW, left : left + WINDOW]) for top, left in corners]


def _activity(gray: Gray, *, rows: int, columns: int) -> NDArray[np.floating]:
    """Return the mean step between neighbours in each of `rows` x `columns` parts."""
    down = cv2.absdiff(gray[1:, 1:], gray[:-1, 1:])
    steps = cv2.add(down, cv2.absdiff(gray[1:, 1:], gray[1:, :-1]))
    return np.asarray(
        cv2.resize(np.asarray(steps, np.float32), (columns, rows), interpolation=cv2.INTER_AREA), np.float32
    )


def _gray(pixels: NDArray[np.uint8]) -> Gray:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), np.uint8)
