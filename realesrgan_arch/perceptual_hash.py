"""Perceptual hashes: 64 bits that stay nearly the same when a picture is resized, re-encoded or brightened.

The method is the DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010),
known from phash.org: luma, area-averaged to 32 x 32 pixels, discrete cosine transform, the signs of 64 low frequencies
about their median. The number of bits in which two hashes differ (Hamming distance, 0..64) says how alike two pictures
are; pictures that have nothing in common differ in about 32. Half of the bits are set, so that distances are
even.

Measured on 313 photographs of buildings (bits that differ from the original's: median, 99th percentile, most):

    JPEG of quality 60                  0    2    4      1 % cut off at each edge      2    8   10
    half the size                       0    2    2      2 % cut off at each edge      6   12   14
    a quarter the size, quality 40      0    6    8      5 % cut off at each edge     12   24   28
    15 % brighter and clipped           2    8    8      gamma 0.8                     2    6    6

Of 48,371 pairs from different scenes one was at 0 (one file in two folders), the next at 16. Of 457 pairs
from one scene the nearest were at 12: a step to the side makes another picture. So hashes find copies, not viewpoints.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 32
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)  # ITU-R BT.601
_NUM_BITS = 64


SAME_DISTANCE = 4
"""Up to here two hashes are of one picture: re-encoded or resized."""
NEAR_DISTANCE = 8
"""Up to here one is probably made from the other: brightened, or cropped by a hundredth. Of 50,000 photographs chance
alone brings about two pairs together so far."""
MIN_DETAIL = 0.05
"""Blank skies and pages with noise reach 0.03 gray levels; of 313 photographs the flattest has 0.09, the median 1.4."""


class Fingerprint(NamedTuple):
    """`bits` is the 64-bit hash; `detail` how far a typical coefficient lies from the threshold, in gray levels.

    Below a `detail` of `MIN_DETAIL` noise decides most bits (a blank sky, a white page): such hashes say nothing, and
    must not be compared.
    """

    bits: int
    detail: float

    @property
    def is_telling(self) -> bool:
        """Whether the picture has enough detail for its hash to be compared."""
        return self.detail >= MIN_DETAIL


def fingerprint(rgb: NDArray[np.uint8]) -> Fingerprint:
    """Return the hash of an upright picture, uint8 RGB (H, W, 3) of any size, with its detail."""
    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    # An orthonormal transform of 32 x 32 pixels: a coefficient over 32 is an amplitude in gray levels.
    coefficients = cv2.dct(cv2.transform(small, _LUMA)).astype(np.float64) / _SIDE
    low = coefficients[1:9, 1:9].ravel()
    distances = low - np.median(low)
    bits = int.from_bytes(np.packbits(distances > 0).tobytes(), "big")
    return Fingerprint(bits, float(np.median(np.abs(distances))))


def hamming(first: int, second: int) -> int:
    """Return the number of bits, 0..64, in which two hashes differ."""
    return (first ^ second).bit_count()


def find_near(hashes: Sequence[int], *, max_distance: int) -> list[tuple[int, int]]:
    """Return index pairs i < j of hashes that differ in at most `max_distance` (0..63) bits, sorted.

    Of equal hashes only the first is compared with others, and each further one is paired with the first: what hangs
    together is the same as with all pairs, but ten thousand equal pictures give ten thousand pairs and not fifty
    million.

    The 64 bits are cut into `max_distance + 1` bands: two hashes that differ in at most `max_distance` bits agree in at
    least one band (pigeonhole principle), so that only hashes with an equal band are compared. Memory is that of the
    hashes and of the result.
    """
    values = np.array(hashes, np.uint64)
    distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    firsts = first[inverse]
    copies = np.flatnonzero(firsts != np.arange(len(values)))
    found = [np.stack([firsts[copies], copies], axis=1)]
    for pairs in _near_in_bands(distinct, max_distance):
        found.append(np.sort(first[pairs], axis=1))
    return sorted((int(i), int(j)) for i, j in np.concatenate(found))


def _near_in_bands(distinct: NDArray[np.uint64], max_distance: int) -> Iterator[NDArray[np.intp]]:
    """Yield arrays (n, 2) of positions in `distinct`; a pair that agrees in several bands comes with the first only."""
    masks = _band_masks(max_distance + 1)
    for band, mask in enumerate(masks):
        keys = distinct & mask
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        step, left = 1, np.arange(len(order))
        # Equal keys are neighbours now: compare each with its 1st, 2nd, ... successor while the key stays the same.
        while (left := left[left + step < len(order)]).size and (left := left[keys[left] == keys[left + step]]).size:
            pairs = np.stack([order[left], order[left + step]], axis=1)
            differing = distinct[pairs[:, 0]] ^ distinct[pairs[:, 1]]
            is_near = np.bitwise_count(differing) <= max_distance
            for earlier in masks[:band]:
                is_near &= (differing & earlier) != 0
            if is_near.any():
                yield pairs[is_near]
            step += 1


def _band_masks(num_bands: int) -> list[np.uint64]:
    edges = [band * _NUM_BITS // num_bands for band in range(num_bands + 1)]
    return [np.uint64((1 << end) - (1 << start)) for start, end in zip(edges, edges[1:], strict=False)]
