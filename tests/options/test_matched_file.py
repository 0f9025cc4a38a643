from dataclasses import replace

import pytest
import yaml

from realesrgan_arch.degradation.knobs import build_knobs, turn
from realesrgan_arch.degradation.presets import PRESETS
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.options.degradation_keys import expressible
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.matched_file import changed_keys, matched_yaml
from tests.tiny_run import tiny_options, write_options

FULL = DegradationSettings()


def pasted(tmp_path, text):
    """Load an option file into which the keys of `text` were pasted."""
    mapping, keys = tiny_options(tmp_path, tmp_path), yaml.safe_load(text)
    mapping["datasets"]["train"] |= keys.pop("datasets")["train"]
    return load_options(write_options(tmp_path / "x.yml", mapping | keys)).options


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_becomes_keys_that_mean_the_same_again(tmp_path, name):
    settings = expressible(PRESETS[name])
    assert pasted(tmp_path, matched_yaml(FULL, settings, heading=())).degradation() == settings


def test_every_choice_of_every_knob_can_be_said_in_an_option_file(tmp_path):
    knobs = build_knobs(is_last_jpeg_known=False)
    for lowest in (True, False):
        settings = turn(FULL, knobs, tuple(0 if lowest else len(knob.choices) - 1 for knob in knobs))
        assert pasted(tmp_path, matched_yaml(FULL, settings, heading=())).degradation() == settings


def test_full_and_medium_ranges_stay_and_a_preset_without_noise_gets_a_range_of_none():
    assert expressible(FULL) == FULL
    mild = expressible(PRESETS["mild"])
    assert mild.first.noise_sigma_255_range == (0.0, 0.0) and mild.first.gaussian_noise_prob == 1.0
    assert mild.second.jpeg_quality_range == PRESETS["mild"].second.jpeg_quality_range
    assert expressible(PRESETS["bicubic"]).first.jpeg_quality_range == (100.0, 100.0)


def test_a_changed_key_says_what_it_was(tmp_path):
    calm = replace(FULL, first=replace(FULL.first, noise_sigma_255_range=(0.1, 3.0), blur_sigma_range=(0.2, 1.0)))
    text = matched_yaml(FULL, calm, heading=("made by a test",))
    assert text.startswith("# made by a test\n")
    assert "noise_range: [0.1, 3]  # [1, 30] -> [0.1, 3]\n" in text and "\njpeg_range: [30, 95]\n" in text
    changes = ["noise_range: [1, 30] -> [0.1, 3]", "datasets.train.blur_sigma: [0.2, 3] -> [0.2, 1]"]
    assert list(changed_keys(FULL, calm)) == changes
