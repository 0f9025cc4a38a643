"""The pictures of a report inside its file: each encoded as well as the room for all of them allows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch import pages
from realesrgan_arch.evaluation.evaluate import GROUND_TRUTH
from realesrgan_arch.evaluation.proof import ShownPicture
from realesrgan_arch.evaluation.report_maps import Errors, error_map, errors, gain_map
from realesrgan_arch.evaluation.report_rows import label_of
from realesrgan_arch.image_formats import Pixels
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import ImageError, read_rgb

INPUT = "lq"
_ORDER = (INPUT, "bicubic", "base", "tuned", "model", GROUND_TRUTH)
_FORMS = ((".png", 100), (".jpg", 95), (".jpg", 90), (".jpg", 85), (".jpg", 75))
"""Suffix and quality, from the best to the smallest."""
_MAP_QUALITY = 85


@dataclass(frozen=True)
class Shot:
    """One method's picture of a place."""

    method: str
    label: str
    source: str
    """A `data:` address."""


@dataclass(frozen=True)
class Map:
    """A coloured picture of errors."""

    title: str
    note: str
    source: str


@dataclass(frozen=True)
class Exhibit:
    """One place of one photograph, made by each method; `width` and `height` are those of the result."""

    picture: ShownPicture
    width: int
    height: int
    shots: tuple[Shot, ...]
    maps: tuple[Map, ...]

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return sum(len(one.source) for one in (*self.shots, *self.maps))

    def first_pair(self) -> tuple[str, str]:
        """Return the two methods that a slider begins with: base and tuned where both are there."""
        methods = [shot.method for shot in self.shots]
        after = next((name for name in ("tuned", "model", "base") if name in methods), methods[-1])
        before = next((name for name in ("base", "bicubic", INPUT) if name in methods and name != after), methods[0])
        return before, after


@dataclass(frozen=True)
class Gallery:
    """All pictures of a page, and sentences about them."""

    exhibits: tuple[Exhibit, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    picture: ShownPicture
    pixels: dict[str, Pixels]
    maps: tuple[Map, ...]


def hang(pictures: Sequence[ShownPicture], folder: Path, *, room: int) -> Gallery:
    """Read the pictures and encode them: PNG if all fit into `room` bytes, else JPEG, at worst fewer of them.

    The input is PNG always. A file that is absent, damaged or outside the folder is left out, with a note.

    Args:
        pictures: of a proof.
        folder: of the proof.
        room: bytes for all of them together.
    """
    notes: list[str] = []
    places = [place for place in (_read(picture, folder, notes) for picture in pictures) if place is not None]
    exhibits: list[Exhibit] = []
    for suffix, quality in _FORMS:
        exhibits = [_exhibit(place, suffix, quality) for place in places]
        if sum(exhibit.size for exhibit in exhibits) <= room:
            return Gallery(tuple(exhibits), (*notes, *_encoding_note(exhibits, suffix, quality)))
    fitting = list(_most_even(exhibits, room))
    notes.append(
        f"{len(exhibits) - len(fitting)} of {len(exhibits)} places are not shown, as the page would be too large."
    )
    return Gallery(tuple(fitting), (*notes, *_encoding_note(fitting, *_FORMS[-1])))


def _read(picture: ShownPicture, folder: Path, notes: list[str]) -> _Place | None:
    pixels: dict[str, Pixels] = {}
    for method in sorted(picture.files, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER) - 1.5):
        path = folder / picture.files[method]
        if not path.resolve().is_relative_to(folder.resolve()):
            notes.append(
                f"{shown(Path(picture.files[method]))} is not shown, as it lies outside the folder of the proof."
            )
            continue
        try:
            pixels[method] = read_rgb(path)
        except ImageError as error:
            notes.append(f"A picture is not shown: {str(error).replace(str(path), shown(Path(picture.files[method])))}")
    if not any(method != INPUT for method in pixels):
        return None
    return _Place(picture, pixels, tuple(_maps(pixels)))


def _maps(pixels: dict[str, Pixels]) -> Iterator[Map]:
    truth = pixels.get(GROUND_TRUTH)
    if truth is None:
        return
    found: dict[str, Errors] = {}
    for method in ("base", "tuned", "model"):
        result = pixels.get(method)
        if result is not None and result.shape == truth.shape:
            found[method] = errors(result, truth)
            note = f"{found[method].mean():.1f} levels of 255 off on average"
            yield Map(f"Error, {label_of(method).lower()}", note, _data(error_map(found[method])))
    if "base" in found and "tuned" in found:
        nearer = float((found["tuned"] < found["base"]).mean())
        note = f"green: tuned is nearer to the truth ({100 * nearer:.0f} % of pixels); orange: farther"
        yield Map("Gained and lost", note, _data(gain_map(found["base"], found["tuned"])))


def _data(pixels: Pixels) -> str:
    return pages.data_uri(pixels, quality=_MAP_QUALITY)


def _exhibit(place: _Place, suffix: str, quality: int) -> Exhibit:
    height, width = next(pixels for method, pixels in place.pixels.items() if method != INPUT).shape[:2]
    shots = [
        Shot(
            method,
            label_of(method),
            pages.data_uri(pixels, suffix=".png" if method == INPUT else suffix, quality=quality),
        )
        for method, pixels in place.pixels.items()
    ]
    return Exhibit(place.picture, width, height, tuple(shots), place.maps)


def _encoding_note(exhibits: Sequence[Exhibit], suffix: str, quality: int) -> Iterator[str]:
    if exhibits and suffix == ".jpg":
        yield f"To keep the page small its pictures are JPEG at quality {quality}; the results keep the exact PNG."


def _most_even(exhibits: Sequence[Exhibit], room: int) -> Iterator[Exhibit]:
    """Yield in order what fits, taking one of each kind (worst, best, random) before the second of any."""
    ranks: dict[str, int] = {}
    turns: list[tuple[int, int]] = []
    for index, exhibit in enumerate(exhibits):
        why = exhibit.picture.why
        ranks[why] = ranks.get(why, -1) + 1
        turns.append((ranks[why], index))
    chosen: set[int] = set()
    for _, index in sorted(turns):
        if exhibits[index].size <= room:
            room -= exhibits[index].size
            chosen.add(index)
    yield from (exhibit for index, exhibit in enumerate(exhibits) if index in chosen)
