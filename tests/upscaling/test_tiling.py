"""The cut of one side: cores once, zones shared by two, windows inside and of one length, and enough context."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.upscaling.tiling import Cutter, Span, rounded_up

CUTTERS = st.builds(Cutter, st.integers(0, 70), st.integers(0, 12), st.sampled_from([1, 2, 4]))


@settings(deadline=None, max_examples=150)
@given(cutter=CUTTERS, blocks=st.integers(1, 200), cut_off=st.integers(0, 3), start=st.integers(0, 30))
def test_pieces_cover_a_span_once_with_shared_zones_and_equal_windows(cutter, blocks, cut_off, start):
    length = blocks * cutter.multiple
    span = Span(min(start * cutter.multiple, length - cutter.multiple), length - min(cut_off, cutter.multiple - 1))
    pieces = cutter.pieces(span, length)
    assert [pixel for piece in pieces for pixel in range(piece.core.start, piece.core.stop)] == list(
        range(span.start, span.stop)
    )
    assert len({len(piece.window) for piece in pieces}) == 1
    for piece in pieces:
        assert piece.shown.start == piece.core.start
        assert piece.window.start % cutter.multiple == len(piece.window) % cutter.multiple == 0
        assert 0 <= piece.window.start <= max(piece.shown.start - cutter.pad, 0)
        assert min(piece.shown.stop + cutter.pad, length) <= piece.window.stop <= length
    for piece, following in itertools.pairwise(pieces):
        assert 0 < piece.zone <= len(following.core)
        assert piece.shown.stop < following.shown.stop
    assert pieces[-1].zone == 0


@settings(deadline=None, max_examples=80)
@given(size=st.integers(1, 300), length=st.integers(1, 3000))
def test_no_window_is_longer_than_its_tile_and_margin(size, length):
    cutter = Cutter(size, 16)
    assert len(cutter.pieces(Span(0, length), length)[0].window) <= size + cutter.margin


@pytest.mark.parametrize("length", [552, 500, 1])
def test_a_side_not_longer_than_a_window_is_one_window_of_exactly_that_side(length):
    (piece,) = Cutter(512, 16).pieces(Span(0, length), length)
    assert piece.core == piece.shown == piece.window == Span(0, length)


def test_sides_of_many_lengths_share_few_windows():
    lengths = {len(Cutter(512, 16).pieces(Span(0, length), length)[0].window) for length in range(553, 6000)}
    assert len(lengths) <= 8
    assert all((length - 40) % 32 == 0 for length in lengths)


def test_cores_are_balanced_instead_of_leaving_a_sliver():
    assert [len(piece.core) for piece in Cutter(512, 16).pieces(Span(0, 1300), 1300)] == [448, 448, 404]


def test_size_zero_is_one_piece():
    (piece,) = Cutter(0, 10).pieces(Span(0, 12), 12)
    assert piece.window == Span(0, 12)


def test_the_zone_is_eight_pixels_but_no_longer_than_a_tile():
    assert Cutter(64, 0).pieces(Span(0, 200), 200)[0].zone == 8
    assert Cutter(3, 0).pieces(Span(0, 200), 200)[0].zone == 3


def test_a_span_is_scaled_from_an_origin():
    assert Span(5, 9).scaled(4, origin=3) == slice(8, 24)
    assert rounded_up(9, 4) == 12


@pytest.mark.parametrize("arguments", [{"size": -1}, {"size": 5, "pad": -1}, {"size": 5, "multiple": 0}])
def test_impossible_cuts_are_refused(arguments):
    with pytest.raises(ValueError, match="expected a size and a pad of at least 0"):
        Cutter(**arguments)
