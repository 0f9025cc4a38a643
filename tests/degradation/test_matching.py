from dataclasses import replace

import numpy as np
import pytest

from realesrgan_arch.degradation.advice import advise
from realesrgan_arch.degradation.knobs import Knob, build_knobs, turn, with_last_jpeg
from realesrgan_arch.degradation.match_run import Halves, run_match
from realesrgan_arch.degradation.matching import Search, compare, measure_pictures, measure_synthetic, total_distance
from realesrgan_arch.degradation.settings import DegradationSettings, StageSettings
from realesrgan_arch.degradation.statistics import STATISTICS
from realesrgan_arch.images import to_uint8
from tests.degradation.pictures import smooth_picture

FULL = DegradationSettings()
ALIKE = {"colour noise": np.zeros(4), "blur": np.zeros(4), "blockiness": np.zeros(4)}


def constant(noise: float) -> DegradationSettings:
    """Gaussian noise of one strength in both passes, hardly any blur, JPEG without loss."""
    stage = StageSettings(
        gaussian_noise_prob=1.0,
        noise_sigma_255_range=(noise, noise),
        blur_sigma_range=(0.1, 0.2),
        sinc_prob=0.0,
        resize_range=(0.9, 1.1),
        jpeg_quality_range=(98.0, 99.0),
    )
    return DegradationSettings(stage, stage, final_sinc_prob=0.0)


def test_the_distance_is_that_of_kolmogorov_and_smirnov():
    mine = {**ALIKE, "noise": np.array([1.0, 2.0, 3.0, 4.0])}
    for theirs, distance in (([1, 2, 3, 4], 0), ([3, 4, 5, 6], 0.5), ([9, 9, 9, 9], 1)):
        row = compare(mine, {**ALIKE, "noise": np.array(theirs, float)})[0]
        assert row.name == "noise" and row.distance == distance
    assert total_distance(compare(mine, mine)) == 0


def test_advice_says_which_side_is_stronger_and_which_key_sets_it():
    mine = {**ALIKE, "noise": np.full(10, 2.0)}
    much = list(advise(compare(mine, {**ALIKE, "noise": np.array([1.0, *[9.0] * 9])})))
    assert much[0].startswith(
        "your pictures have less noise than 90% of the synthetic ones: the preset's noise is too strong (see noise"
    )
    assert much[2] == "blur: alike"
    little = next(advise(compare(mine, {**ALIKE, "noise": np.full(10, 0.5)})))
    assert little.startswith(
        "your pictures have more noise than 100% of the synthetic ones: the preset's noise is too weak"
    )


def test_what_counts_as_chance_shrinks_with_the_number_of_pictures():
    few, many = ({name: np.zeros(count) for name in STATISTICS} for count in (8, 64))
    assert [round(compare(side, side)[0].chance, 3) for side in (few, many)] == [0.815, 0.288]


def test_the_same_seed_throws_the_same_dice_for_other_ranges():
    crops = [smooth_picture(1, 256, 256, seed=seed)[0] for seed in range(2)]
    full = measure_synthetic(crops, FULL, scale=4, seed=3)
    again = measure_synthetic(crops, FULL, scale=4, seed=3)
    other = measure_synthetic(crops, FULL, scale=4, seed=4)
    assert all(np.array_equal(full[name], again[name]) for name in full)
    assert not np.array_equal(full["noise"], other["noise"])


def test_knobs_at_their_start_change_nothing_and_milder_choices_shrink_towards_no_effect():
    knobs = build_knobs(is_last_jpeg_known=False)
    start = tuple(knob.start for knob in knobs)
    assert turn(FULL, knobs, start) == FULL
    names = [knob.name for knob in knobs]

    def only(name: str, choice: int) -> DegradationSettings:
        place = names.index(name)
        return turn(FULL, knobs, (*start[:place], choice, *start[place + 1 :]))

    assert only("noise", 1).first.noise_sigma_255_range == (0.1, 3.0)
    assert only("JPEG", 1).second.jpeg_quality_range == (86.0, 99.0)
    assert only("resize", 1).first.resize_range == (0.703, 1.18)
    assert only("least noise", 2).second.noise_sigma_255_range == (17.8, 25.0)
    assert only("ringing", 0).final_sinc_prob == 0 and only("ringing", 0).first.sinc_prob == 0


def test_a_known_last_jpeg_is_taken_over_and_no_knob_moves_it():
    known = with_last_jpeg(FULL, (70.0, 80.0))
    knobs = build_knobs(is_last_jpeg_known=True)
    mildest = turn(known, knobs, tuple(0 for _ in knobs))
    assert mildest.second.jpeg_quality_range == (70.0, 80.0)
    assert mildest.first.jpeg_quality_range[0] > known.first.jpeg_quality_range[0]


def shift(name: str):
    def change(settings: DegradationSettings, value: float) -> DegradationSettings:
        return replace(settings, first=replace(settings.first, **{name: value}))

    return change


def test_the_search_finds_the_lowest_place_of_two_knobs_and_leaves_alone_what_wins_nothing():
    choices = (0.0, 0.2, 0.4, 0.6, 0.8)
    knobs = [Knob(name, choices, 4, shift(name)) for name in ("blur_prob", "sinc_prob", "gray_noise_prob")]

    def distance(settings: DegradationSettings) -> float:
        first = settings.first
        blur = 0.8 if first.blur_prob == 1.0 else first.blur_prob
        return abs(blur - 0.2) + abs(first.sinc_prob - 0.6) + 0.01 * first.gray_noise_prob

    found = Search(FULL, knobs, distance, budget=60).run()
    assert (found.settings.first.blur_prob, found.settings.first.sinc_prob) == (0.2, 0.6)
    assert found.settings.first.gray_noise_prob == FULL.first.gray_noise_prob
    short = Search(FULL, knobs, distance, budget=3).run()
    assert short.evaluations == 3


def crops(count: int, seed: int):
    return [to_uint8(smooth_picture(1, 256, 256, seed=seed + index)[0]) for index in range(count)]


@pytest.fixture(scope="module")
def match():
    scenes = [picture[::4, ::4] for picture in crops(8, 100)]
    yours = Halves(search=scenes[:4], check=scenes[4:])
    gt = Halves(search=crops(4, 0), check=crops(4, 50))
    ticks = []
    found = matched(yours, gt, budget=4, on_evaluation=lambda: ticks.append(1))
    return found, len(ticks)


def matched(yours, gt, **changes):
    told = {"scale": 4, "seed": 0, "file_qualities": None, "sharpens": True, **changes}
    return run_match(constant(noise=25), yours=yours, gt=gt, **told)


def test_training_that_does_not_sharpen_is_matched_from_pictures_that_are_not():
    pictures = Halves(search=crops(2, 0), check=crops(2, 50))
    small = Halves(*([picture[::4, ::4] for picture in half] for half in (pictures.search, pictures.check)))
    with_usm, plain = (
        matched(small, pictures, budget=1, sharpens=sharpens, on_evaluation=lambda: None) for sharpens in (True, False)
    )
    assert [row.synthetic for row in with_usm.before] != [row.synthetic for row in plain.before]
    assert [row.yours for row in with_usm.before] == [row.yours for row in plain.before]


def test_a_match_of_clean_pictures_asks_for_less_noise_and_is_nearer_on_fresh_draws(match):
    found, ticks = match
    assert found.is_better and total_distance(found.after) < total_distance(found.before)
    assert found.settings.first.noise_sigma_255_range[1] < 25
    assert ticks == found.evaluations == 4


def test_what_is_not_nearer_on_fresh_draws_is_not_better(match):
    found, _ = match
    assert not replace(found, after=found.before).is_better
    assert not replace(found, before=found.after, after=found.before).is_better


def test_clean_pictures_are_nearer_to_ranges_without_noise():
    sources = [smooth_picture(1, 256, 256, seed=seed)[0] for seed in range(4)]
    yours = measure_pictures([picture[::4, ::4] for picture in crops(4, 200)])
    far, near = (
        measure_synthetic(sources, settings, scale=4, seed=0) for settings in (constant(noise=20), constant(noise=0))
    )
    assert np.median(near["noise"]) < np.median(far["noise"])
    assert total_distance(compare(yours, near)) < total_distance(compare(yours, far))
