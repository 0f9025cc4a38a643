"""The option files that the tests of options start from."""

import re
from pathlib import Path

import pytest

from realesrgan_arch.options.load import OptionsError, load_options

FOLDER = Path(__file__).parents[1] / "assets" / "upstream_options"
UPSTREAM = sorted(FOLDER.glob("*.yml"))
GAN = FOLDER / "finetune_realesrgan_x4plus.yml"
PAIRS = FOLDER / "finetune_realesrgan_x4plus_pairdata.yml"
NET = FOLDER / "train_realesrnet_x2plus.yml"
TESTING = {"name": "t", "network_g": {"type": "RRDBNet"}}


def problems(path, *overrides):
    with pytest.raises(OptionsError) as caught:
        load_options(path, overrides=overrides)
    return list(caught.value.problems)


def with_override(*overrides):
    """Return the sentences about the GAN file with `overrides`, without the place that each starts with."""
    places = [f"--set {override}: " for override in overrides]
    texts = problems(GAN, *overrides)
    for place in places:
        texts = [text.removeprefix(place) for text in texts]
    return [re.sub(r"^line \d+: ", "", text) for text in texts]
