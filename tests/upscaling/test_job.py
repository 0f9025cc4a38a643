"""A plan in one line."""

from pathlib import Path

import pytest

from realesrgan_arch.upscaling.job import Job, RunPlan


def _job(width=4000, height=2500):
    return Job(Path("a.jpg"), Path("a_out.jpg"), (width // 4, height // 4), (width, height))


def test_a_plan_says_pictures_room_and_time():
    plan = RunPlan(
        jobs=(_job(),) * 127, done=(Path("a"),) * 3, unreadable=((Path("b"), "why"),) * 2, output_bytes=41 * 2**30,
        free_bytes=120 * 2**30,
    )  # fmt: skip
    assert plan.output_megapixels == pytest.approx(1270)
    assert plan.in_words(megapixels_per_second=1270 / 840) == (
        "132 images, 3 done already, 2 unreadable; output about 41.0 GiB, free 120.0 GiB; about 14 min"
    )


def test_what_is_not_known_or_not_there_is_not_said():
    plan = RunPlan(jobs=(_job(),), output_bytes=3_000_000, free_bytes=4_000_000)
    assert plan.in_words() == "1 image; output about 3.0 MB, free 4.0 MB"
    assert RunPlan(jobs=(), done=(Path("a"),)).in_words(megapixels_per_second=1) == "1 image, 1 done already"


def test_what_was_left_out_and_a_small_disk_are_said():
    plan = RunPlan(jobs=(_job(),), skipped=(Path("a"),), num_ignored=5, output_bytes=2_000_000, free_bytes=1_000_000)
    assert plan.in_words() == (
        "1 image, 1 in the output folder left out, 5 other files ignored; "
        "output about 2.0 MB, free 1.0 MB; the disk may be too small"
    )


@pytest.mark.parametrize(
    ("rate", "words"), [(100, "about 1 s"), (0.2, "about 50 s"), (0.1, "about 2 min"), (0.001, "about 2.8 h")]
)
def test_times_are_told_in_units_that_suit_them(rate, words):
    assert RunPlan(jobs=(_job(),)).in_words(megapixels_per_second=rate).endswith(f"; {words}")
