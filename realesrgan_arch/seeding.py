"""Counter-based randomness: every draw is seeded from plain numbers, so nothing has to be saved to repeat it.

The scheme (a keyed hash of counters instead of a running state) is that of Salmon et al., "Parallel random numbers:
as easy as 1, 2, 3" (SC 2011); the mixing here is NumPy's SeedSequence.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The first counter of every draw, so that no two uses of randomness share their numbers."""

    CROP = 1
    ORDER = 2
    RECIPE = 3
    PAIR_POOL = 4
    SUBSTITUTE = 5
    SAMPLE = 7
    VALIDATION = 8
    INITIAL_WEIGHTS = 9
    MANIFEST_SAMPLE = 10
    TILES = 11
    FROZEN = 12
    MATCHING = 13
    PLAIN_BATCH = 14
    PLAIN_SAMPLE = 15
    GRADIENT_PENALTY = 16
    LAYER_STUDY = 17
    EXPORT = 18
    STATISTICS = 19
    SHOWN_PICTURES = 20
    GATE = 21


def numpy_generator(seed: int, *counters: int) -> np.random.Generator:
    """Return a generator that depends on `seed` and `counters` only (each >= 0), on every platform."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(_entropy(seed, counters))))


def derived_seed(seed: int, *counters: int) -> int:
    """Return a 63-bit seed for a `torch.Generator` from `seed` and `counters` (each >= 0)."""
    return int(np.random.SeedSequence(_entropy(seed, counters)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _entropy(seed: int, counters: tuple[int, ...]) -> tuple[int, ...]:
    # NumPy pads the entropy with zeros, so (seed, step) and (seed, step, 0) would be one stream without the count.
    return (seed, len(counters), *counters)
