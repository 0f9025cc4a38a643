"""What of a request decides the bytes of a result."""

from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.upscaling.request import UpscaleRequest

REQUEST = UpscaleRequest(Path("photos"), Path("out"), "m")


@pytest.mark.parametrize(
    "change",
    [
        {"tile": 256},
        {"tile": 0},
        {"tile_pad": 0},
        {"pre_pad": 10},
        {"quality": 90},
        {"to_srgb": True},
        {"dpi": 72},
        {"consistency": 0.5},
    ],
)
def test_what_changes_a_result_changes_the_settings(change):
    assert replace(REQUEST, **change).settings() != REQUEST.settings()


@pytest.mark.parametrize("change", [{"device": "cpu"}, {"compiled": True}, {"resume": True}, {"limit": 3}])
def test_where_and_when_a_result_is_made_changes_no_settings(change):
    assert replace(REQUEST, **change).settings() == REQUEST.settings()


def test_results_without_back_projection_have_the_settings_of_earlier_versions():
    assert "consistency" not in REQUEST.settings()
    assert replace(REQUEST, consistency=0.5).settings()["consistency"] == 0.5


def test_what_was_left_open_is_the_sessions_to_add():
    assert REQUEST.settings()["tile"] == "auto"
    assert not {"backend", "precision"} & set(REQUEST.settings())
