"""Colour profiles: whether one fits its picture, CMYK to RGB, and any picture to sRGB.

LittleCMS, through Pillow, does the arithmetic: relative colorimetric with black point compensation. For 16 bits a
channel, which Pillow does not hand to it, `image_profile.py` does.
"""

import io
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image, ImageCms

from realesrgan_arch.image_encode import Picture, Pixels
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.image_profile import ProfileError, deep_to_srgb, parse_profile

_PROFILE_FAULTS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_SPACES = {"GRAY": "gray pictures", "RGB": "RGB pictures", "CMYK": "CMYK pictures", "LAB": "Lab pictures"}


def check_profile(icc: bytes | None, space: str) -> str | None:
    """Return what is wrong with the profile of a picture of `space` ("RGB", "GRAY", "CMYK"), None when nothing is."""
    if icc is None:
        return "it is CMYK without a profile, so its colours are a guess" if space == "CMYK" else None
    try:
        profile = ImageCms.getOpenProfile(io.BytesIO(icc))
        found = cast(str, getattr(profile.profile, "xcolor_space")).strip()  # noqa: B009
        if found != space:
            return f"its colour profile is for {_SPACES.get(found, 'other pictures')} and was left out"
        _transform(profile, _MODES[space], ImageCms.Flags.NOOPTIMIZE)  # Which is what takes the time.
    except _PROFILE_FAULTS:
        return "its colour profile is damaged and was left out"
    return None


def cmyk_to_rgb(image: Image.Image, icc: bytes | None) -> Pixels:
    """Return a CMYK image as sRGB pixels (H, W, 3): by its profile or, without one that fits, by Pillow's rule."""
    if icc is None or check_profile(icc, "CMYK"):
        return np.asarray(image.convert("RGB"))
    return np.asarray(_to_srgb(image, icc))


def to_srgb(picture: Picture, path: Path) -> Picture:
    """Return the picture with the colours of sRGB and without a profile; one without a profile is sRGB already.

    Alpha stays as it is. `path` only names the picture in errors.

    Raises:
        ImageError: the profile cannot be applied, or is made of tables and the picture has 16 bits a channel.
    """
    icc = picture.metadata.icc
    if icc is None:
        return picture
    convert = _deep_pixels_to_srgb if picture.rgb.dtype != np.uint8 else _pixels_to_srgb
    rgb = convert(picture, icc, path)
    return replace(picture, rgb=rgb, metadata=replace(picture.metadata, icc=None))


def _pixels_to_srgb(picture: Picture, icc: bytes, path: Path) -> Pixels:
    image = Image.fromarray(np.ascontiguousarray(picture.rgb[..., 0]) if picture.is_gray else picture.rgb)
    try:
        return np.asarray(_to_srgb(image, icc))
    except _PROFILE_FAULTS as error:
        raise ImageError(f"{shown(path)} has a colour profile that cannot be converted to sRGB: {error}.") from error


def _deep_pixels_to_srgb(picture: Picture, icc: bytes, path: Path) -> Pixels:
    """Pillow's LittleCMS takes no 16 bits."""
    try:
        return deep_to_srgb(picture.rgb, parse_profile(icc))
    except ProfileError as error:
        raise ImageError(
            f"{shown(path)} has 16 bits a channel, and its colour profile {error}, which is not converted to sRGB for "
            "these; keep the profile, or convert the picture first."
        ) from error


def _transform(
    profile: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=flags | ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    converted = ImageCms.applyTransform(image, _transform(ImageCms.getOpenProfile(io.BytesIO(icc)), image.mode))
    if converted is None:
        raise ImageCms.PyCMSError("nothing came back")
    return converted
