"""Every tuple of counters has numbers of its own, the same on every machine."""

from realesrgan_arch.seeding import Stream, derived_seed, numpy_generator


def test_the_same_counters_give_the_same_numbers() -> None:
    assert numpy_generator(3, Stream.CROP, 7, 2).random() == numpy_generator(3, Stream.CROP, 7, 2).random()
    assert derived_seed(3, 7) == derived_seed(3, 7)


def test_a_stored_value_guards_against_a_silent_change_of_every_run() -> None:
    assert numpy_generator(0, 1, 2).integers(2**32) == 3741562460
    assert derived_seed(0, 1, 2) == 5975187269406873824


def test_trailing_zeros_are_counters_too() -> None:
    seeds = {derived_seed(5), derived_seed(5, 0), derived_seed(5, 0, 0), derived_seed(0, 5), derived_seed(5, 0, 1)}
    assert len(seeds) == 5


def test_streams_do_not_share_their_numbers() -> None:
    assert len({derived_seed(1, stream, 4, 0) for stream in Stream}) == len(Stream)


def test_a_seed_fits_a_torch_generator() -> None:
    assert all(0 <= derived_seed(0, counter) < 2**63 for counter in range(100))
