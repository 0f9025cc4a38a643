"""What the tags of a TIFF file say about how it is to be read."""

from typing import Any

from PIL import ImageFile

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR, _NEW_SUBFILE_TYPE, _DNG_VERSION = 258, 262, 284, 254, 50706
_SAMPLE_FORMAT, _X_RESOLUTION, _Y_RESOLUTION = 339, 282, 283
_IPTC = 33723
_WHITE_IS_ZERO, _SEPARATE, _SIGNED = 0, 2, 2
_TYPES = {1: "uint", 2: "int", 3: "float"}


def is_preview(image: ImageFile.ImageFile) -> bool:
    """True for a DNG or another RAW file whose first picture says that it is a small copy."""
    tags = _tags(image)
    return _DNG_VERSION in tags or tags.get(_NEW_SUBFILE_TYPE) == 1


def is_for_pillow(image: ImageFile.ImageFile) -> bool:
    """True for 8 bits a channel or fewer; of more Pillow would cut some. Lab is left to OpenCV."""
    return not _is_deep(image) and image.mode != "LAB"


def tells_resolution(image: ImageFile.ImageFile) -> bool:
    """Say whether the file has resolutions of its own."""
    return _X_RESOLUTION in _tags(image) and _Y_RESOLUTION in _tags(image)


def holds_iptc(image: ImageFile.ImageFile) -> bool:
    """Say whether the file has IPTC data in their own tag."""
    return _IPTC in _tags(image)


def unread_kind(image: ImageFile.ImageFile) -> str | None:
    """Return what it is whose pixels would come out wrong without a word, None when there is nothing."""
    tags = _tags(image)
    bits = max(_several(tags.get(_BITS_PER_SAMPLE)), default=1)
    if bits > 16:
        return f"a TIFF image of {_TYPES.get(max(_several(tags.get(_SAMPLE_FORMAT)), default=1), 'odd')}{bits} pixels"
    if not _is_deep(image):
        return "a TIFF image of signed numbers" if _SIGNED in _several(tags.get(_SAMPLE_FORMAT)) else None
    if image.mode == "CMYK":
        return None
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        return "a 16-bit TIFF image whose white is zero"
    is_separate = tags.get(_PLANAR) == _SEPARATE and len(_several(tags.get(_BITS_PER_SAMPLE))) > 1
    return "a 16-bit TIFF image with a plane for each colour" if is_separate else None


def _is_deep(image: ImageFile.ImageFile) -> bool:
    return max(_several(_tags(image).get(_BITS_PER_SAMPLE)), default=1) > 8


def _several(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _tags(image: ImageFile.ImageFile) -> dict[int, Any]:
    return getattr(image, "tag_v2", {})
