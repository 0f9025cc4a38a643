"""Whether the pixels hold as much detail as their number promises: blur, and pixels that only repeat others."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

_TILE = 64
_SHARPEST_SHARE = 0.1
_MIN_ENERGY = 4.0
"""Mean square of the step between neighbours, in levels of 255, that a tile must have to be looked at."""
_REBLUR_SIGMA = 1.5
_FACTORS = (2, 3, 4)


def measure_sharpness(windows: Sequence[NDArray[np.uint8]]) -> float | None:
    """Return the share of its gradient energy that the sharpest tenth of the tiles loses when it is blurred a little.

    0 to 1: a picture that is blurred already loses little (the idea of Crete et al., "The blur effect", 2007). Only the
    sharpest tiles of 64 x 64 count, because a shallow depth of field is no fault, and only those with some contrast.
    Gray windows (H, W) at the resolution of the file; None where no tile has contrast.
    """
    lost = np.sort(np.concatenate([_lost_shares(window) for window in windows] or [np.empty(0)]))
    if not lost.size:
        return None
    count = max(1, round(_SHARPEST_SHARE * lost.size))
    return float(lost[-count:].mean(dtype=np.float64))


def measure_repetition(windows: Sequence[NDArray[np.uint8]]) -> float:
    """Return how far every second, third or fourth step between pixels holds all the change: 0 to 1.

    1 for an enlargement by repeating pixels (nearest neighbour), near 0 for a photograph; of rows and columns the
    smaller value counts. Gray windows (H, W) at the resolution of the file; 0 when there are none.
    """
    if not windows:
        return 0.0
    across, down = (_steps_of_phases(windows, axis) for axis in (1, 0))
    return max(min(_repetition(across, factor), _repetition(down, factor)) for factor in _FACTORS)


def _steps_of_phases(windows: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.float64]:
    """Return the mean step at each of 12 places, the least common multiple of the factors."""
    phases = np.zeros((2, math.lcm(*_FACTORS)))
    for window in windows:
        levels = np.ascontiguousarray(window if axis == 1 else window.T)
        steps = cv2.absdiff(np.ascontiguousarray(levels[:, 1:]), np.ascontiguousarray(levels[:, :-1]))
        column_sums = np.asarray(steps).sum(axis=0, dtype=np.int64)
        places = np.arange(column_sums.size) % phases.shape[1]
        phases += np.stack([np.bincount(places, column_sums, phases.shape[1]), np.bincount(places, minlength=12)])
    return phases[0] / np.maximum(phases[1], 1)


def _repetition(steps: NDArray[np.float64], factor: int) -> float:
    phases = np.sort(steps.reshape(-1, factor).mean(axis=0))
    return float(1 - phases[:-1].mean() / phases[-1]) if phases[-1] > 0 else 0.0


def _lost_shares(window: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Return the lost share of every tile with contrast."""
    levels = window.astype(np.float32)
    before = _tile_means(_gradient_energy(levels))
    after = _tile_means(_gradient_energy(np.asarray(cv2.GaussianBlur(levels, (0, 0), _REBLUR_SIGMA), np.float32)))
    strong = before >= _MIN_ENERGY
    return 1 - after[strong] / before[strong]


def _gradient_energy(levels: NDArray[np.floating]) -> NDArray[np.floating]:
    across, down = levels[:, 1:] - levels[:, :-1], levels[1:] - levels[:-1]
    return np.pad(across**2, ((0, 0), (0, 1))) + np.pad(down**2, ((0, 1), (0, 0)))


def _tile_means(energy: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean of each tile; what is left over at the right and at the bottom does not count."""
    rows, columns = (max(1, size // _TILE) for size in energy.shape)
    kept = energy[: rows * _TILE, : columns * _TILE]
    return kept.reshape(rows, kept.shape[0] // rows, columns, kept.shape[1] // columns).mean(axis=(1, 3))
