"""Where the spectrum of a picture breaks off: an enlarged picture holds nothing above the limit of the smaller one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SIDE = 256
_FIRST, _LAST, _STEP = 16, 100, 2
"""Bins in which the break is looked for: 1/16 to 0.39 cycles a pixel."""
_BELOW = (0.6, 0.9)
_ABOVE = (1.15, 1.5)
_EVERY = 3
"""Of the rows and of the columns a third is enough for a mean spectrum."""
_ROUNDING_NOISE = 1 / 12
"""Variance of rounding to whole levels: what is weaker than that cannot be told from it."""


def measure_spectrum_fall(windows: Sequence[NDArray[np.uint8]]) -> float | None:
    """Return the steepest fall, in dB, in the mean spectrum of gray windows (256, 256); None when there is none.

    The power spectrum of photographs falls like 1/f^2, which is the same 4 to 8 dB at every place (Field, "Relations
    between the statistics of natural images and the response properties of cortical cells", 1987); interpolation cuts
    it off near 0.5 / s cycles a pixel. Rows and columns are looked at apart, because enlargement is separable, and the
    weaker fall of both counts.
    """
    whole = [window for window in windows if window.shape == (_SIDE, _SIDE)]
    if not whole:
        return None
    levels = np.stack(whole).astype(np.float32)
    return min(_steepest_fall(_power(part)) for part in (levels[:, ::_EVERY], levels[:, :, ::_EVERY].swapaxes(1, 2)))


def _power(levels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power of each bin, along the last axis, for white noise of variance 1 equal to 1."""
    taper = np.hanning(_SIDE).astype(np.float32)
    spectra = np.fft.rfft((levels - levels.mean(axis=(1, 2), keepdims=True)) * taper, axis=2)
    power = (spectra.real**2 + spectra.imag**2).mean(axis=(0, 1), dtype=np.float64)
    return power / float((taper**2).sum())


def _steepest_fall(power: NDArray[np.float64]) -> float:
    decibels = 10 * np.log10(power + _ROUNDING_NOISE)

    def mean_of(place: int, share: tuple[float, float]) -> float:
        return float(decibels[int(share[0] * place) : int(share[1] * place)].mean())

    return max(mean_of(place, _BELOW) - mean_of(place, _ABOVE) for place in range(_FIRST, _LAST, _STEP))
