"""Hashes stay when a picture is re-encoded, resized or brightened, and near ones are found without all pairs."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.images import read_rgb
from realesrgan_arch.perceptual_hash import (
    MIN_DETAIL,
    NEAR_DISTANCE,
    SAME_DISTANCE,
    find_near,
    fingerprint,
    hamming,
)


def brute_force(hashes: list[int], max_distance: int) -> list[tuple[int, int]]:
    """All pairs of first occurrences, and every repetition with its first."""
    firsts = [hashes.index(value) for value in hashes]
    pairs = [(first, index) for index, first in enumerate(firsts) if first != index]
    distinct = sorted(set(firsts))
    pairs += [(i, j) for i in distinct for j in distinct if i < j and hamming(hashes[i], hashes[j]) <= max_distance]
    return sorted(pairs)


@st.composite
def clustered_hashes(draw: st.DrawFn) -> list[int]:
    """Hashes with a few bits turned, so that every distance around the threshold occurs."""
    seeds = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    turns = st.lists(st.integers(0, 63), max_size=14)
    hashes = []
    for seed, turned in draw(st.lists(st.tuples(st.sampled_from(seeds), turns), max_size=30)):
        for bit in turned:
            seed ^= 1 << bit
        hashes.append(seed)
    return hashes


@settings(max_examples=200, deadline=None)
@given(clustered_hashes(), st.sampled_from([0, 1, 4, 6, 10, 16, 63]))
def test_bands_find_what_all_pairs_would(hashes, max_distance):
    assert find_near(hashes, max_distance=max_distance) == brute_force(hashes, max_distance)


def test_ten_thousand_equal_hashes_give_ten_thousand_pairs():
    pairs = find_near([7] * 10_000 + [5], max_distance=4)
    assert pairs[:2] == [(0, 1), (0, 2)] and len(pairs) == 10_000


def test_the_distance_counts_bits():
    assert hamming(0b1011, 0b0010) == 2 and hamming(0, 2**64 - 1) == 64


def texture(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(rgb: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def bits_of(rgb: np.ndarray) -> int:
    return fingerprint(rgb).bits


def test_a_hash_survives_what_happens_to_copies_and_tells_pictures_apart():
    rgb = texture(0)
    own = bits_of(rgb)
    assert 0 <= own < 2**64 and own.bit_count() == 32
    assert hamming(own, bits_of(encoded(rgb, 60))) <= 4
    assert hamming(own, bits_of(cv2.resize(rgb, (160, 120), interpolation=cv2.INTER_AREA))) <= 4
    assert hamming(own, bits_of((rgb * 0.7 + 20).astype(np.uint8))) <= 4
    assert min(hamming(own, bits_of(texture(seed))) for seed in range(1, 30)) > 12
    assert hamming(own, bits_of(np.ascontiguousarray(rgb[:, ::-1]))) > 12


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (31, 33), (2000, 17)])
def test_any_size_has_a_hash(shape):
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert 0 <= bits_of(rgb) < 2**64


def test_blank_pictures_have_no_detail_and_pictures_have():
    sky = np.linspace(120, 200, 300)[:, None, None] * np.ones((1, 400, 3))
    noisy = np.clip(sky + np.random.default_rng(0).normal(0, 2, sky.shape), 0, 255).astype(np.uint8)
    assert not fingerprint(np.full((50, 50, 3), 255, np.uint8)).is_telling
    assert not fingerprint(noisy).is_telling
    assert fingerprint(texture(0)).detail > 4 * MIN_DETAIL


@pytest.mark.shared_data
def test_photographs_and_their_copies_are_near_and_different_scenes_are_not(shared_data):
    paths = sorted(shared_data("data/photos/pexels").rglob("*.jpg"))[:40]
    pictures = [read_rgb(path) for path in paths]
    prints = [fingerprint(rgb) for rgb in pictures]
    near = find_near([own.bits for own in prints], max_distance=NEAR_DISTANCE)
    # One picture is in two folders of this collection under two names.
    assert [(paths[i].stem, paths[j].stem) for i, j in near] == [("glass_steel_09", "mixed_materials_07")]
    assert all(own.is_telling for own in prints)
    copies = [bits_of(encoded(rgb, 60)) for rgb in pictures]
    assert all(hamming(own.bits, copy) <= SAME_DISTANCE for own, copy in zip(prints, copies, strict=True))
