"""What of a request decides the bytes of a result."""

from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.upscaling.request import UpscaleRequest

REQUEST = UpscaleRequest(Path("photos"), Path("out"), "m")


@pytest.mark.parametrize(
    "change",
    [{"tile": 256}, {"tile": 0}, {"tile_pad": 0}, {"pre_pad": 10}, {"quality": 90}, {"backend": "torch"}, {"dpi": 72}],
)
def test_what_changes_a_result_changes_the_settings(change):
    assert replace(REQUEST, **change).settings() != REQUEST.settings()


@pytest.mark.parametrize("change", [{"device": "cpu"}, {"compiled": True}, {"resume": True}, {"limit": 3}])
def test_where_and_when_a_result_is_made_changes_no_settings(change):
    assert replace(REQUEST, **change).settings() == REQUEST.settings()


def test_what_was_chosen_stands_in_the_settings_and_not_that_it_was_left_open():
    settings = REQUEST.settings(precision="bf16", backend="openvino")
    assert (settings["precision"], settings["backend"], settings["tile"]) == ("bf16", "openvino", "auto")
    asked = replace(REQUEST, precision="bf16", backend="openvino")
    assert asked.settings(precision="bf16", backend="openvino") == settings
