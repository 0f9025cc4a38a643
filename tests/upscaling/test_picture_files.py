"""Whatever a parser stumbles over is a fault of that file, with its name."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from realesrgan_arch import images
from realesrgan_arch.images import ImageError, Picture
from realesrgan_arch.upscaling.picture_files import WriteOptions, decode, encode

FAULTS = [
    struct.error("unpack requires 4 bytes"), TypeError("an offset"), ZeroDivisionError("dpi"), IndexError("range"),
    KeyError(274), SyntaxError("not a TIFF"), cv2.error("resize"), Image.DecompressionBombError("too many pixels"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_what_a_parser_raises_is_the_files_fault(monkeypatch, fault):
    def stumble(*given, **named):
        raise fault

    monkeypatch.setattr(images, "decode_picture", stumble)
    with pytest.raises(ImageError, match=f"^odd.tif cannot be decoded: {type(fault).__name__}, "):
        decode(b"", Path("odd.tif"), WriteOptions())
    monkeypatch.setattr(images, "encode", stumble)
    with pytest.raises(ImageError, match=f"^odd.png cannot be encoded: {type(fault).__name__}, "):
        encode(Picture(np.zeros((2, 2, 3), np.uint8)), Path("odd.png"), WriteOptions())


@pytest.mark.parametrize("fault", [MemoryError(), AssertionError("ours"), ImageError("said already")])
def test_what_is_no_parsers_fault_stays_as_it_is(monkeypatch, fault):
    def stumble(*given, **named):
        raise fault

    monkeypatch.setattr(images, "decode_picture", stumble)
    with pytest.raises(type(fault)) as caught:
        decode(b"", Path("odd.tif"), WriteOptions())
    assert caught.value is fault
