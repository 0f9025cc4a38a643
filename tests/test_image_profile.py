"""16-bit conversion to sRGB, held against LittleCMS (8 bits, through Pillow) and against numbers of the standards."""

import struct
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.image_color import check_profile, to_srgb
from realesrgan_arch.image_encode import Picture, to_8_bit
from realesrgan_arch.image_metadata import Metadata
from realesrgan_arch.image_profile import ProfileError, deep_to_srgb, gray_as_rgb, parse_profile
from tests.image_makers import SRGB, cmyk_profile

PATH = Path("a.tif")
D50 = (0.9642, 1.0, 0.8249)
# Colorants in the connection space, as the profiles of Apple, Adobe and the ICC (ROMM) have them.
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(65536 * value) for value in values))


def para(kind: int, *values: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*values)


def curv(*values: int) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *values)


def build(space: bytes, **tags: bytes) -> bytes:
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name.encode(), at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4s", at + len(body), bytes(4)) + b"\x04\x30\0\0mntr" + space + b"XYZ " + SRGB[24:128]
    return head + table + body


def xyz(values) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*values)


def rgb_profile(primaries, curve: bytes) -> bytes:
    columns = {name: xyz(column) for name, column in zip(("rXYZ", "gXYZ", "bXYZ"), primaries, strict=True)}
    return build(b"RGB ", wtpt=xyz(D50), **columns, rTRC=curve, gTRC=curve, bTRC=curve)


def gray_profile(curve: bytes) -> bytes:
    return build(b"GRAY", wtpt=xyz(D50), kTRC=curve)


SRGB_CURVE = para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
TABLE = curv(*np.rint(65535 * np.linspace(0, 1, 1024) ** 2.2).astype(int))
PROFILES = {
    "sRGB of LittleCMS": SRGB,
    "P3": rgb_profile(P3, SRGB_CURVE),
    "Adobe RGB": rgb_profile(ADOBE_RGB, curv(563)),
    "Adobe RGB with a table": rgb_profile(ADOBE_RGB, TABLE),
    "ProPhoto": rgb_profile(PROPHOTO, curv(461)),
    "linear": rgb_profile(P3, curv()),
    "para 0": rgb_profile(P3, para(0, 1.8)),
    "para 1": rgb_profile(P3, para(1, 2.0, 1.1, -0.1)),
    "para 4": rgb_profile(P3, para(4, 2.4, 0.9, 0.05, 0.07, 0.04, 1 - 0.95**2.4, 0.0)),
    "gray gamma": gray_profile(curv(461)),
    "gray table": gray_profile(TABLE),
}


@pytest.mark.parametrize("name", PROFILES)
def test_16_bits_become_what_littlecms_makes_of_8(name):
    icc, is_gray = PROFILES[name], name.startswith("gray")
    shallow = np.random.default_rng(1).integers(0, 256, (130, 90, 3), np.uint8)
    shallow[:, :2] = (0, 255, 0), (255, 255, 255)
    if is_gray:
        shallow = np.repeat(shallow[..., :1], 3, axis=2)
    assert check_profile(icc, "GRAY" if is_gray else "RGB") is None
    metadata = Metadata(icc=icc, dpi=(72, 72))
    expected = to_srgb(Picture(shallow, is_gray=is_gray, metadata=metadata), PATH).rgb
    deep = to_srgb(Picture(shallow.astype(np.uint16) * 257, shallow[..., 0], is_gray, metadata), PATH)
    assert deep.rgb.dtype == np.uint16 and deep.metadata == Metadata(dpi=(72, 72))
    assert np.array_equal(deep.alpha, shallow[..., 0])
    assert np.abs(to_8_bit(deep.rgb).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("curve", "expected"),  # At 0, 0.25 and 1; Table 68 of ICC.1:2022.
    [
        (para(0, 2.0), (0, 0.0625, 1)),
        (para(1, 2.0, 0.5, 0.25), (0.0625, 0.140625, 0.5625)),
        (para(1, 2.0, 1.0, -0.5), (0, 0, 0.25)),
        (para(2, 2.0, 1.0, -0.5, 0.125), (0.125, 0.125, 0.375)),
        (para(3, 2.0, 0.5, 0.25, 0.125, 0.5), (0, 0.03125, 0.5625)),
        (para(4, 2.0, 0.5, 0.25, 0.125, 0.5, 0.25, 0.0625), (0.0625, 0.09375, 0.8125)),
        (curv(512), (0, 0.0625, 1)),
        (curv(0, 0, 65535), (0, 0, 1)),
        (curv(), (0, 0.25, 1)),
    ],
)
def test_curves_are_those_of_the_standard(curve, expected):
    found = parse_profile(gray_profile(curve)).curves[0](np.array((0, 0.25, 1)))
    assert found == pytest.approx(expected, abs=2e-5)


def test_16_bits_stay_16_bits():
    ramp = np.repeat(np.arange(0, 65536, 7, np.uint16)[None, :, None], 3, axis=2)
    result = deep_to_srgb(ramp, parse_profile(rgb_profile(P3, SRGB_CURVE)))
    assert np.abs(result.astype(int) - ramp).max() <= 24  # The same curve, and white is white: a thousandth of it.
    assert len(np.unique(result)) > 9000


@pytest.mark.parametrize(
    ("icc", "said"),
    [
        (cmyk_profile(), "tables"),
        (build(b"RGB ", wtpt=xyz(D50)), "lacks a part"),
        (SRGB[:130], "damaged"),
        (rgb_profile(P3, para(5, 1.0)), "unknown kind"),
        (rgb_profile(P3, b"mAB \0\0\0\0"), "unknown kind"),
        (rgb_profile(P3, curv(1, 2, 3)[:14]), "lacks a part"),
        (SRGB[:16] + b"CMYK" + SRGB[20:], "neither"),
    ],
)
def test_other_profiles_are_refused(icc, said):
    with pytest.raises(ProfileError, match=said):
        parse_profile(icc)


def test_a_gray_profile_becomes_one_for_rgb_with_the_same_tones():
    icc = gray_profile(curv(461))
    as_rgb = gray_as_rgb(icc)
    assert check_profile(as_rgb, "RGB") is None
    gray = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    expected = to_srgb(Picture(gray, is_gray=True, metadata=Metadata(icc=icc)), PATH).rgb
    found = to_srgb(Picture(gray, metadata=Metadata(icc=as_rgb)), PATH).rgb
    assert np.abs(found.astype(int) - expected).max() <= 1
    with pytest.raises(ProfileError, match="not for gray"):
        gray_as_rgb(SRGB)
