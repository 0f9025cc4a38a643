"""What a command line argument may be."""

import argparse
from pathlib import Path

import pytest

from realesrgan_arch.commands.arguments import (
    dots_per_inch,
    encoder_quality,
    place,
    positive_number,
    shard,
    share,
    tile_size,
)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (tile_size, "auto", None), (tile_size, "0", 0), (tile_size, "512", 512), (encoder_quality, "1", 1),
        (encoder_quality, "100", 100), (shard, "1/1", (1, 1)), (shard, "3/16", (3, 16)),
        (dots_per_inch, "1", 1), (dots_per_inch, "65535", 65535), (positive_number, "1.5", 1.5),
        (share, "0", 0), (share, "1", 1), (share, "0.5", 0.5), (share, ".5", 0.5),
    ],
)  # fmt: skip
def test_what_is_meant_is_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (tile_size, ("-1", "1.5", "", "Auto")),
        (encoder_quality, ("0", "101", "95.5", "")),
        (dots_per_inch, ("0", "65536", "72.5", "")),
        (share, ("1.01", "-0.1", "nan", ".", "1e-1", "2", "")),
        (positive_number, ("0", "-1", "nan", "inf", "9" * 400, "1e3", "")),
        (shard, ("0/4", "5/4", "4", "1/", "/4", "a/b", "1/2/3", "-1/4", "")),
    ],
)
def test_what_is_not_meant_is_refused_with_what_came(read, texts):
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match=f"got '{text[:30]}"):
            read(text)


def test_an_empty_text_is_no_place_and_never_the_current_folder():
    with pytest.raises(argparse.ArgumentTypeError, match="expected a file or folder, got an empty text"):
        place("")
    assert place("photos/") == Path("photos")
