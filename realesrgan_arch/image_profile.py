"""ICC profiles that are a matrix and curves, or one gray curve: 16-bit colours to sRGB, which Pillow cannot.

ICC.1:2022: 7.3 tag table, 8.3.3 and 8.4.2 the models, 10.6 curveType, 10.18 parametricCurveType, 10.31 XYZType; its
matrices end in the D50 of the connection space, so no white is adapted here. sRGB: IEC 61966-2-1. Colours outside of
sRGB are clipped, and black is black in these models, so that this is LittleCMS's relative colorimetric conversion.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from realesrgan_arch.image_formats import Pixels

Curve = Callable[[Pixels], Pixels]
"""Device values 0..1 to linear ones, float64, of any shape."""

_TABLE_AT, _TAG_BYTES = 128, 12
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
_LEVELS = 65536
_ROWS_AT_ONCE = 64
# The columns are sRGB's primaries, adapted to D50 by Bradford's matrix, as in the profiles of the ICC for sRGB.
_SRGB_TO_PCS = np.array(
    ((0.43606567, 0.38514709, 0.14307403), (0.22248840, 0.71687317, 0.06060791), (0.01391602, 0.09707642, 0.71409607))
)


class ProfileError(ValueError):
    """A profile of another kind, or a damaged one; the text ends the sentence "its colour profile ..."."""


@dataclass(frozen=True)
class Profile:
    """How device values become linear sRGB: a curve for each channel, then a matrix (3, 3), None for gray."""

    curves: tuple[Curve, ...]
    matrix: Pixels | None


def parse_profile(icc: bytes) -> Profile:
    """Return the model of an RGB or GRAY profile.

    Raises:
        ProfileError: it is made of tables (A2B0), of another colour space, or damaged.
    """
    try:
        tags = _read_tags(icc)
        space = icc[16:20]
        if b"A2B0" in tags or b"D2B0" in tags:
            raise ProfileError("is made of tables")
        if icc[20:24] != b"XYZ " or space not in (b"RGB ", b"GRAY"):
            raise ProfileError("is neither a matrix with curves nor one gray curve")
        if space == b"GRAY":
            return Profile((_read_curve(tags[b"kTRC"]),), None)
        columns = [_read_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_read_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (KeyError, struct.error) as error:
        raise ProfileError("is damaged or lacks a part") from error
    return Profile(curves, np.linalg.inv(_SRGB_TO_PCS) @ np.array(columns).T)


def deep_to_srgb(rgb: Pixels, profile: Profile) -> Pixels:
    """Return uint16 pixels (H, W, 3) in sRGB; of a gray profile the first channel is taken and repeated.

    A strip of rows is in floating point at a time.
    """
    tables = [curve(np.linspace(0, 1, _LEVELS)) for curve in profile.curves]
    result = np.empty_like(rgb)
    for top in range(0, len(rgb), _ROWS_AT_ONCE):
        rows = rgb[top : top + _ROWS_AT_ONCE]
        if profile.matrix is None:
            linear = tables[0][rows[..., :1]]
        else:
            linear = np.stack([table[rows[..., index]] for index, table in enumerate(tables)], axis=2)
            linear = linear @ profile.matrix.T
        result[top : top + _ROWS_AT_ONCE] = np.rint(_encode_srgb(linear) * (_LEVELS - 1))
    return result


def gray_as_rgb(icc: bytes) -> bytes:
    """Return the RGB profile, with sRGB's primaries, under which equal channels look as gray does under a GRAY one.

    Raises:
        ProfileError: as `parse_profile`, or it is no GRAY profile.
    """
    parse_profile(icc)
    tags = _read_tags(icc)
    if icc[16:20] != b"GRAY":
        raise ProfileError("is not for gray")
    kept = {name: tags[name] for name in (b"desc", b"cprt", b"wtpt", b"chad") if name in tags}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _SRGB_TO_PCS.T, strict=True):
        kept[name] = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * value) for value in column))
    kept |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tags[b"kTRC"])
    table, body = _pack_tags(kept)
    num_bytes = _TABLE_AT + len(table) + len(body)
    # Bytes 84 to 99 are a checksum, which may be zero.
    head = struct.pack(">I", num_bytes) + icc[4:16] + b"RGB " + icc[20:84] + bytes(16) + icc[100:_TABLE_AT]
    return head + table + body


def _pack_tags(tags: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    table, body = struct.pack(">I", len(tags)), b""
    body_at = _TABLE_AT + 4 + _TAG_BYTES * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, body_at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    return table, body


def _read_tags(icc: bytes) -> dict[bytes, bytes]:
    found = {}
    (count,) = struct.unpack_from(">I", icc, _TABLE_AT)
    for at in range(_TABLE_AT + 4, min(_TABLE_AT + 4 + _TAG_BYTES * count, len(icc)), _TAG_BYTES):
        name, start, length = struct.unpack_from(">4sII", icc, at)
        found[name] = icc[start : start + length]
    return found


def _read_xyz(tag: bytes) -> tuple[float, ...]:
    if tag[:4] != b"XYZ ":
        raise ProfileError("is damaged")
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _read_curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        kind = struct.unpack_from(">H", tag, 8)[0]
        if kind not in _PARAMETERS:
            raise ProfileError("has a curve of an unknown kind")
        return _parametric(kind, [value / 65536 for value in struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)])
    if tag[:4] != b"curv":
        raise ProfileError("has a curve of an unknown kind")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return lambda values: values
    if 12 + 2 * count > len(tag):
        raise ProfileError("is damaged or lacks a part")
    points = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 1:
        return lambda values: values ** (points[0] / 256)
    return lambda values: np.interp(values, np.linspace(0, 1, count), points / 65535)


def _parametric(kind: int, numbers: list[float]) -> Curve:
    """Table 68 of ICC.1:2022: Y = (aX + b)^g + e from d upwards, cX + f below."""
    g, a, b, c, d, e, f = (*numbers, *(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)[len(numbers) :])
    if kind in (1, 2):  # Below -b / a: a constant, the third number of kind 2 (which is added above it, too).
        c, d, e, f = 0.0, -b / a if a else 0.0, numbers[3] if kind == 2 else 0.0, numbers[3] if kind == 2 else 0.0

    def curve(values: Pixels) -> Pixels:
        above = np.maximum(a * values + b, 0) ** g + e
        return np.clip(np.where(values >= d, above, c * values + f), 0, 1)

    return curve


def _encode_srgb(linear: Pixels) -> Pixels:
    clipped = np.clip(linear, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
