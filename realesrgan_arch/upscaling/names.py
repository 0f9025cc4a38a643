"""How results are called: decided for all pictures before the first is read, and the same in every run."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Literal

Extension = Literal["auto", "jpg", "png", "webp", "tif"]
_KEPT_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


def result_names(sources: Sequence[Path], *, suffix: str, ext: Extension) -> list[Path]:
    """Return the names of the results of `sources`, all different on file systems that ignore case, too.

    `facade.jpg` becomes `facade_out.jpg`; with an empty `suffix` it keeps its name. Where two pictures would get one
    name (`a.jpg` and `a.tif` as png), both also get their old extension: `a_jpg_out.png`, `a_tif_out.png`.

    Args:
        sources: relative to the input folder.
        suffix: added to each name.
        ext: `auto` keeps the extension (png for formats that are only read).
    """
    tail = f"_{suffix}" if suffix else ""
    names = [path.with_name(path.stem + tail + _extension(path, ext)) for path in sources]
    uses = Counter(_key(name) for name in names)
    taken = set(uses)
    for index, (path, name) in enumerate(zip(sources, names, strict=True)):
        if uses[_key(name)] > 1:
            names[index] = _free_name(path, tail + name.suffix, taken)
            taken.add(_key(names[index]))
    return names


def _free_name(path: Path, ending: str, taken: set[str]) -> Path:
    """The name of `path` with its old extension in it, and with a number where that is taken too."""
    stem = f"{path.stem}_{path.suffix[1:]}"
    numbers = chain([""], (f"_{number}" for number in count(2)))
    candidates = (path.with_name(stem + number + ending) for number in numbers)
    return next(name for name in candidates if _key(name) not in taken)


def _extension(path: Path, ext: Extension) -> str:
    if ext != "auto":
        return f".{ext}"
    return path.suffix if path.suffix.lower() in _KEPT_SUFFIXES else ".png"


def _key(name: Path) -> str:
    return name.as_posix().casefold()
