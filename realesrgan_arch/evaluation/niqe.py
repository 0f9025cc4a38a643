"""NIQE: how far a picture's local statistics lie from those of pristine photographs (lower is more natural).

Method: Mittal, Soundararajan and Bovik, "Making a completely blind image quality analyzer" (IEEE SPL 2013); constants
and order of operations of BasicSR 1.4.2 `metrics/niqe.py`, whose values are met within 1e-6. That code measures in
float32, where the last digit can move a shape parameter by one step of its grid; so the float32 roundings are kept,
and what was a loop over blocks (a search through 9,801 shapes in each) is done for all blocks at once.
"""

import importlib.util
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from realesrgan_arch.errors import UserError

BLOCK_SIZE = 96
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
_HALVING_OVERLAP = 3

Floats = NDArray[np.floating]


class NiqeModelError(UserError):
    """The statistics of pristine photographs, which NIQE compares with, cannot be read."""


@dataclass(frozen=True)
class PristineModel:
    """Gaussian model of pristine photographs: `mean` (36,), `covariance` (36, 36), smoothing `window` (7,)."""

    mean: Floats
    covariance: Floats
    window: Floats


@cache
def load_pristine_model(path: Path | None = None) -> PristineModel:
    """Read `niqe_pris_params.npz`, by default the copy that the installed basicsr carries (it is not imported).

    Raises:
        NiqeModelError: the file is absent or is not that file.
    """
    path = path or _installed_model_path()
    try:
        with np.load(path, allow_pickle=False) as arrays:
            window = arrays["gaussian_window"].sum(axis=1)  # the 7x7 window is the outer product of its sums
            return PristineModel(arrays["mu_pris_param"][0], arrays["cov_pris_param"], window)
    except (OSError, KeyError, ValueError) as error:
        # A name may hold what cannot be printed; this room is below `image_header.shown`.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else repr(str(error))
        raise NiqeModelError(
            f"NIQE needs the file niqe_pris_params.npz of basicsr 1.4.2, but {str(path)!r} cannot be used ({reason}); "
            "install basicsr again or leave niqe out of the metrics"
        ) from error


def _installed_model_path() -> Path:
    spec = importlib.util.find_spec("basicsr")
    if spec is None or spec.origin is None:
        raise NiqeModelError(
            "NIQE needs the file niqe_pris_params.npz of basicsr 1.4.2, but basicsr is not installed; "
            "install it or leave niqe out of the metrics"
        )
    return Path(spec.origin).parent / "metrics" / "niqe_pris_params.npz"


@dataclass(frozen=True)
class NiqeMeasure:
    """NIQE of one plane, and on how much of it it stands."""

    value: float
    """0 or more; NaN where it is not defined: fewer than two blocks with any texture."""
    blocks: int
    """Of 96x96 pixels."""
    undefined_blocks: int
    """Without texture, as a clear sky: left out."""


def niqe_of_luma(luma: Floats, model: PristineModel) -> NiqeMeasure:
    """Measure NIQE of one luma plane.

    Args:
        luma: (H, W), whole levels in [0, 255]; what is beyond a multiple of 96 pixels is ignored.
        model: statistics to compare with.

    Returns:
        The distance to the pristine model; NaN for a picture of less than 96x192 pixels, or a flat one.
    """
    height, width = (side - side % BLOCK_SIZE for side in luma.shape)
    if height == 0 or width == 0:
        return NiqeMeasure(math.nan, blocks=0, undefined_blocks=0)
    fine = np.ascontiguousarray(luma[:height, :width], dtype=np.float32)
    coarse = _halve(fine / np.float32(255)) * np.float32(255)
    features = np.concatenate(
        [
            _block_features(fine, BLOCK_SIZE, model.window),
            _block_features(coarse, BLOCK_SIZE // 2, model.window),
        ],
        axis=1,
    )
    undefined = int(np.isnan(features).any(axis=1).sum())
    return NiqeMeasure(_distance(features, model), blocks=len(features), undefined_blocks=undefined)


def _distance(features: Floats, model: PristineModel) -> float:
    """Equation 10 of the paper for (blocks, 36) features; undefined features count neither for mean nor covariance."""
    defined = features[~np.isnan(features).any(axis=1)]
    if len(defined) < 2:
        return math.nan
    difference = model.mean - np.nanmean(features, axis=0)
    pooled = (model.covariance + np.cov(defined, rowvar=False)) / 2
    return float(np.sqrt(difference @ np.linalg.pinv(pooled) @ difference))


def _normalise(plane: Floats, window: Floats) -> Floats:
    """Subtract the local mean and divide by the local deviation, (H, W) float32 (equation 1 of the paper)."""
    mean = _smooth(plane, window)
    deviation = np.sqrt(np.abs(_smooth(np.square(plane), window) - np.square(mean)))
    return (plane - mean) / (deviation + 1)


def _smooth(plane: Floats, window: Floats) -> Floats:
    smooth = cv2.sepFilter2D(plane.astype(np.float64), cv2.CV_64F, window, window, borderType=cv2.BORDER_REPLICATE)
    return smooth.astype(np.float32)


def _halve(plane: Floats) -> Floats:
    """Return `plane` (H, W, even sides) at half size: MATLAB's antialiased bicubic, whose 8 taps never change."""
    distance = (torch.arange(8) - 3.5) / 2
    taps = 0.5 * _cubic(distance)
    taps = taps / taps.sum()
    rows = torch.from_numpy(np.pad(plane, ((_HALVING_OVERLAP, _HALVING_OVERLAP), (0, 0)), mode="symmetric"))
    half = torch.stack([rows[top : top + 8].T.mv(taps) for top in range(0, plane.shape[0], 2)])
    columns = torch.from_numpy(np.pad(half.numpy(), ((0, 0), (_HALVING_OVERLAP, _HALVING_OVERLAP)), mode="symmetric"))
    # One matrix-vector product a line, as BasicSR does: a convolution would round differently in the last digit.
    return torch.stack([columns[:, left : left + 8].mv(taps) for left in range(0, plane.shape[1], 2)], dim=1).numpy()


def _cubic(distance: torch.Tensor) -> torch.Tensor:
    """Keys' cubic kernel with a = -0.5 (IEEE ASSP 1981), for |distance| <= 2."""
    near, square, cube = distance.abs(), distance.abs() ** 2, distance.abs() ** 3
    return torch.where(near <= 1, 1.5 * cube - 2.5 * square + 1, -0.5 * cube + 2.5 * square - 4 * near + 2)


def _block_features(plane: Floats, size: int, window: Floats) -> Floats:
    """Return the 18 features of each size x size block: (blocks, 18) float64."""
    # A strip of blocks at a time stays in the processor's cache: a third of the time of a large plane at once.
    tops = range(0, plane.shape[0], size)
    return np.concatenate([_strip_features(_normalised_rows(plane, top, top + size, window)) for top in tops])


def _normalised_rows(plane: Floats, top: int, bottom: int, window: Floats) -> Floats:
    """Return rows `top` to `bottom` of the normalised plane; the window sees beyond them."""
    reach = len(window) // 2
    start = max(top - reach, 0)
    return _normalise(plane[start : bottom + reach], window)[top - start : bottom - start]


def _strip_features(strip: Floats) -> Floats:
    size = len(strip)
    blocks = strip.reshape(size, -1, size).swapaxes(0, 1)
    alpha, left, right = _fit_distribution(blocks)
    features = [_SHAPES.grid[alpha], (left + right) / 2]
    for shift in _NEIGHBOURS:
        alpha, left, right = _fit_distribution(blocks * np.roll(blocks, shift, axis=(1, 2)))
        features += [_SHAPES.grid[alpha], (right - left) * _SHAPES.mean_factor[alpha], left, right]
    return np.stack(features, axis=1)


@dataclass(frozen=True)
class _Shapes:
    """Tables over the grid of shape parameters of the asymmetric generalised Gaussian (equation 7 of the paper)."""

    grid: Floats
    ratio: Floats
    """Squared mean absolute value over mean square; grows with the shape parameter."""
    deviation_factor: Floats
    mean_factor: Floats


def _tabulate_shapes() -> _Shapes:
    grid = np.arange(0.2, 10.001, 0.001)
    gamma1, gamma2, gamma3 = (np.array([math.gamma(order / alpha) for alpha in grid]) for order in (1, 2, 3))
    return _Shapes(grid, gamma2**2 / (gamma1 * gamma3), np.sqrt(gamma1 / gamma3), gamma2 / gamma1)


_SHAPES = _tabulate_shapes()


def _fit_distribution(blocks: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Fit an asymmetric generalised Gaussian to each of (blocks, h, w) float32 values.

    Returns:
        Index of the shape in the table, left scale and right scale, each (blocks,). A block without negative or without
        positive values has NaN scales and the first shape.
    """
    values = blocks.reshape(len(blocks), -1)
    squares = np.square(values)
    left, right = (_root_mean(squares, chosen) for chosen in (values < 0, values > 0))
    with np.errstate(invalid="ignore"):
        ratio = np.square(np.abs(values).mean(axis=1)) / squares.mean(axis=1)
        # Number by number, as upstream: numpy's power of an array and that of a number differ in the last digit.
        ratio = np.array([_corrected(*numbers) for numbers in zip(ratio, left / right, strict=True)])
    shape = _nearest(_SHAPES.ratio, ratio)
    factor = _SHAPES.deviation_factor[shape]
    return shape, left * factor, right * factor


def _corrected(ratio: np.float32, skew: np.float32) -> np.float32:
    """Make the ratio of a skewed distribution that of a symmetric one."""
    return (ratio * (skew**3 + 1) * (skew + 1)) / ((skew**2 + 1) ** 2)


def _root_mean(squares: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Root of the mean of the chosen values of each row; NaN for a row without any."""
    ends = np.count_nonzero(chosen, axis=1).cumsum()
    # Indices are 15 times as fast as a mask here. Each row is added up apart, in the order that BasicSR adds.
    rows = np.split(squares.ravel()[np.flatnonzero(chosen)], ends[:-1])
    return np.sqrt(np.array([row.mean() if row.size else np.nan for row in rows], dtype=np.float32))


def _nearest(table: Floats, values: Floats) -> NDArray[np.intp]:
    """Index of the entry of the rising `table` nearest to each value; 0 for NaN."""
    above = np.searchsorted(table, values.astype(np.float64)).clip(1, len(table) - 1)
    nearest = np.where(values - table[above - 1] <= table[above] - values, above - 1, above)
    return np.where(np.isnan(values), 0, nearest)
