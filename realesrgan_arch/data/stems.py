"""What the title of a picture says about its scene: `villa-savoye-03.jpg` and `Villa Savoye (2).JPG` are of one."""

import re
import unicodedata
from pathlib import PurePosixPath


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_SILENT_WORDS = _words(
    "img image images imag imgp photo photos pic picture pictures foto fotos bild dsc dscf dscn dscs sdc cimg pxl",
    "mvimg vid mov gopr dji pano panorama hdr burst sam kif hpim wp wa mg fb whatsapp screenshot snapchat scan scanned",
    "received unnamed untitled download file frame copy kopie copia copie edit edited scaled resized cropped crop",
    "final new min web thumb thumbnail large small medium original full hd uhd rotated compressed train test val valid",
    "validation gt lq hr lr sr jpg jpeg png webp tif tiff bmp gif",
)
"""Words of cameras, programs and data sets. They say nothing about what is in the picture."""
_VIEW_WORDS = _words(
    "view views exterior interior outside inside front back rear side north south east west detail details elevation",
    "facade aerial night day no nr num number part page fig figure",
)
"""At the end of a title they tell one view of a scene from another."""
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_SEPARATORS = re.compile(r"[\W_]+")
_COUNT_OF_ALL = re.compile(r"\b\d+ (?:of|von|de|sur|di) \d+\b")
_SIZE = re.compile(r"\b\d{2,5} ?x ?\d{2,5}\b|\b\d{3,5}[wp]\b")
# Numbers of cameras (P1010003, _MG_0001), dates and ids of sites (19144401003), digests.
_ID = re.compile(r"[a-z]{0,2}\d{5,}[a-z]?|(?=[a-f]*\d)[0-9a-f]{8,}")
_COUNTER = re.compile(r"\d+[a-z]?|[a-z]|v\d+|x\d+|\d+x")
_GLUED_COUNTER = re.compile(r"(?<=[^\W\d]{3})\d{1,4}$")
_LEAST_BYTES = 3
"""Of letters, in UTF-8: two Chinese characters are a name, two Latin letters are not."""


def stem_of(name: str) -> str:
    """Return what pictures of one scene share in their titles: lower case, words with one space between them.

    Counters, numbers of views, sizes, marks of copies and of programs are left out. Empty when nothing remains that
    says something, as for the names that cameras give (`IMG_0001`, `DSC00001`, `PXL_20230101_120000`).
    """
    title = _normal(PurePosixPath(name).stem)
    spaced = _SEPARATORS.sub(" ", _UUID.sub(" ", title))
    spaced = _SIZE.sub(" ", _COUNT_OF_ALL.sub(" ", spaced))
    words = [word for word in spaced.split() if not _is_silent(word)]
    while words and _is_counter(words[-1]):
        words.pop()
    while words and _COUNTER.fullmatch(words[0]):
        words.pop(0)
    if words:
        words[-1] = _GLUED_COUNTER.sub("", words[-1])
    stem = " ".join(words)
    letters = "".join(letter for letter in stem if letter.isalpha())
    return stem if len(letters.encode()) >= _LEAST_BYTES else ""


def _normal(text: str) -> str:
    """The same text for names that differ in case, or in how accents are stored (macOS: NFD, others: NFC)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_silent(word: str) -> bool:
    return word.rstrip("0123456789") in _SILENT_WORDS or _ID.fullmatch(word) is not None


def _is_counter(word: str) -> bool:
    return word in _VIEW_WORDS or _COUNTER.fullmatch(word) is not None
