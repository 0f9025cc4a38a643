"""Which numbers become findings, and which findings leave a picture out."""

from dataclasses import replace

import pytest

from realesrgan_arch.audit.judge import judge
from realesrgan_arch.audit.measure import Measurements
from realesrgan_arch.audit.thresholds import AuditThresholds, Limits

GOOD = Measurements(
    width=1280,
    height=720,
    is_animated=False,
    is_cmyk=False,
    has_alpha=False,
    bits=8,
    orientation=1,
    jpeg_quality=90,
    block_grid=0.2,
    sharpness=0.95,
    spectrum_fall=7,
    repetition=0.02,
    contrast=50,
    colorfulness=40,
    line_asymmetry=0.1,
    halftone_share=0.3,
    gray_entropy=7.4,
    line_art=0.01,
)


def reasons(**changes):
    return [(f.reason, f.drop) for f in judge(replace(GOOD, **changes), AuditThresholds())]


def test_a_good_picture_has_no_finding():
    assert judge(GOOD, AuditThresholds()) == ()


@pytest.mark.parametrize(
    ("changes", "reason", "drop"),
    [
        ({"is_animated": True}, "animated", True),
        ({"is_cmyk": True}, "cmyk", False),
        ({"colorfulness": 0.9}, "gray", False),
        ({"has_alpha": True}, "alpha", False),
        ({"bits": 16}, "sixteen_bit", False),
        ({"orientation": 2}, "exif_rotated", False),
        ({"height": 399}, "too_small", False),
        ({"width": 255}, "too_small", True),
        ({"sharpness": 0.79, "spectrum_fall": None}, "blurred", False),
        ({"sharpness": 0.59, "spectrum_fall": None}, "blurred", True),
        ({"jpeg_quality": 59}, "compressed", False),
        ({"jpeg_quality": 29}, "compressed", True),
        ({"block_grid": 0.67}, "compressed", False),
        ({"block_grid": 0.8}, "compressed", True),
        ({"spectrum_fall": 22, "sharpness": 0.85}, "upscaled", False),
        ({"spectrum_fall": 24, "sharpness": 0.81}, "upscaled", True),
        ({"repetition": 0.5}, "upscaled", False),
        ({"repetition": 0.8}, "upscaled", True),
        ({"contrast": 7.9}, "blank", False),
        ({"contrast": 2.9}, "blank", True),
        ({"line_art": 0.5}, "line_drawing", False),
        ({"line_art": 0.85}, "line_drawing", True),
    ],
)
def test_each_reason(changes, reason, drop):
    assert reasons(**changes) == [(reason, drop)]


@pytest.mark.parametrize(
    "changes",
    [{"height": 400}, {"jpeg_quality": 60}, {"contrast": 8}, {"colorfulness": 1}, {"sharpness": 0.8}, {"bits": 1}],
)
def test_at_the_threshold_low_numbers_are_still_good(changes):
    assert reasons(**changes) == []


def test_what_could_not_be_measured_is_no_finding():
    assert reasons(jpeg_quality=None, sharpness=None, spectrum_fall=None) == []


def test_one_reason_is_found_once_and_the_worse_one_counts():
    assert reasons(jpeg_quality=50, block_grid=0.9) == [("compressed", True)]
    assert reasons(jpeg_quality=20, block_grid=0.7) == [("compressed", True)]


def test_what_leaves_a_picture_out_comes_first():
    assert reasons(bits=16, line_art=0.9, height=200) == [
        ("too_small", True),
        ("line_drawing", True),
        ("sixteen_bit", False),
    ]


def test_a_finding_has_its_number_its_threshold_and_a_sentence():
    (finding,) = judge(replace(GOOD, jpeg_quality=45), AuditThresholds())
    assert (finding.value, finding.threshold) == (45, 60)
    assert finding.text == "Saved as JPEG of quality 45."


def test_the_users_thresholds_count_and_never_means_never():
    lenient = AuditThresholds(line_drawing=Limits(note="never", drop="never"), gray=Limits(drop=1))
    assert judge(replace(GOOD, line_art=1.0), lenient) == ()
    assert [f.drop for f in judge(replace(GOOD, colorfulness=0), lenient)] == [True]
