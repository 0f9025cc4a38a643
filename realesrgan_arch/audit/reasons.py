"""What each reason is called and what it means to training, in the order in which people should see them."""

from typing import NamedTuple


class Reason(NamedTuple):
    """`title` for a heading, `meaning` one or two sentences below it."""

    title: str
    meaning: str


REASONS: dict[str, Reason] = {
    "unreadable_folder": Reason("Folders that cannot be read", "Nothing below them was looked at."),
    "unreadable": Reason("Files that cannot be read", "Permissions, a failing disk, or a decoder that crashed."),
    "vanished": Reason("Files that vanished", "They were listed at the start and are gone; run the audit again."),
    "changed": Reason("Files that changed", "They were written to while the audit ran; run it again."),
    "empty": Reason("Empty files", "0 bytes."),
    "not_an_image": Reason("Not an image", "Named like an image, but the bytes are something else."),
    "unsupported": Reason("Formats that cannot be read", "Convert them to PNG or JPEG to use them."),
    "too_large": Reason("Too large", "Refused before decoding, because the size alone could fill the memory."),
    "truncated": Reason(
        "Cut off", "The file stops before the end that its format requires, as after a broken download."
    ),
    "corrupt": Reason("Damaged", "The decoder gave up, or made up a part of the picture."),
    "exact_duplicate": Reason("Exact copies", "The same bytes as another file; the first in order is kept."),
    "line_drawing": Reason("Floor plans and drawings", "Flat areas and thin lines instead of texture."),
    "blank": Reason("Nearly blank", "There is nothing in them to learn from."),
    "too_small": Reason("Too small", "Below what a training crop needs."),
    "blurred": Reason("Blurred", "Even the sharpest parts have little detail; a model would learn to blur."),
    "upscaled": Reason("Enlarged from a smaller picture", "They have more pixels than detail."),
    "compressed": Reason("Heavily compressed", "A model would learn to draw the blocks of JPEG."),
    "animated": Reason("Animated", "Only the first frame would be used."),
    "cmyk": Reason("CMYK", "Made for print; the colours of the conversion may be off."),
    "near_duplicate": Reason(
        "Near copies", "They look like another picture: resized, saved again, or cropped a little."
    ),
    "gray": Reason("Gray", "No colour."),
    "alpha": Reason("With transparency", "The transparency is ignored."),
    "sixteen_bit": Reason("16 bits a channel", "Read with 8 bits."),
    "exif_rotated": Reason("Turned by EXIF", "Used upright."),
    "other_file": Reason("Files that are not named like images", "They were not looked at, only counted."),
}

_ORDER = {reason: place for place, reason in enumerate(REASONS)}


def place_of(reason: str) -> int:
    """Return the place of a reason in the order of `REASONS`; a reason without a line comes last."""
    return _ORDER.get(reason, len(_ORDER))
