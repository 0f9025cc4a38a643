"""How results are called: decided for all pictures before the first is read, and the same in every run."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Literal
from unicodedata import normalize

from realesrgan_arch.image_formats import holds_alpha

Extension = Literal["auto", "jpg", "png", "webp", "tif"]
_KEPT_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


def result_names(
    sources: Sequence[Path], *, suffix: str, ext: Extension, has_alpha: Callable[[Path], bool]
) -> list[Path]:
    """Return the names of the results of `sources`, all different on file systems that ignore case or composition, too.

    A picture with transparency gets `with_room_for_alpha` of its name; those are different as well.

    `facade.jpg` becomes `facade_out.jpg`; with an empty `suffix` it keeps its name. Where two pictures would get one
    name (`a.jpg` and `a.tif` as png), both also get their old extension: `a_jpg_out.png`, `a_tif_out.png`.

    Args:
        sources: relative to the input folder.
        suffix: added to each name.
        ext: `auto` keeps the extension (png for formats that are only read).
        has_alpha: whether one of `sources` has transparency; asked only where its name depends on it.
    """
    tail = f"_{suffix}" if suffix else ""
    names = [path.with_name(path.stem + tail + _extension(path, ext)) for path in sources]
    uses = Counter(_key(name) for name in names)
    wishes = Counter(key for name in names for key in _keys(name))
    taken = set(wishes)
    for index, (path, name) in enumerate(zip(sources, names, strict=True)):
        is_wished = not holds_alpha(name) and wishes[_key(with_room_for_alpha(name))] > 1
        if uses[_key(name)] > 1 or (is_wished and has_alpha(path)):
            names[index] = _free_name(path, tail + name.suffix, taken)
            taken |= _keys(names[index])
    return names


def with_room_for_alpha(name: Path) -> Path:
    """Return the name of a result that has transparency: png where its format has no room for that."""
    return name if holds_alpha(name) else name.with_suffix(".png")


def _free_name(path: Path, ending: str, taken: set[str]) -> Path:
    """The name of `path` with its old extension in it, and with a number where that is taken too."""
    stem = f"{path.stem}_{path.suffix[1:]}"
    numbers = chain([""], (f"_{number}" for number in count(2)))
    candidates = (path.with_name(stem + number + ending) for number in numbers)
    return next(name for name in candidates if not _keys(name) & taken)


def _extension(path: Path, ext: Extension) -> str:
    if ext != "auto":
        return f".{ext}"
    return path.suffix if path.suffix.lower() in _KEPT_SUFFIXES else ".png"


def _key(name: Path) -> str:
    return normalize("NFC", name.as_posix().casefold())  # macOS composes no letters, other systems do


def _keys(name: Path) -> set[str]:
    """Of the name, and of that which the result gets if there is transparency."""
    return {_key(name), _key(with_room_for_alpha(name))}
