"""`extends: parts/rrdbnet_x4.yml`: an option file that stands on others, so that what they share is written once.

The files that `extends` names, relative to the file that says it, are laid down first, in the order of the list; what
stands later lies on top. Mappings merge key by key, anything else replaces what was there, and `key: ~` removes it.
Where `type` decides which keys a section has (a network, the scheduler), one of another type replaces the section. A
file that is reached by several ways counts once, at the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.image_header import shown
from realesrgan_arch.options.problems import EXTENDS, has_kinds, value_at
from realesrgan_arch.options.yaml_dialect import Document, KeyPath, YamlError, read_document

MAX_DEPTH = 10
"""Files one above the other."""
MAX_FILES = 50


@dataclass(frozen=True)
class Place:
    """A line, from 1, of an option file."""

    path: Path
    line: int


@dataclass(frozen=True)
class LaidDocument:
    """The values of a file and of all that it extends, without the key `extends`; where each comes from; the files."""

    values: dict[str, object]
    places: Mapping[KeyPath, Place]
    files: tuple[Path, ...]
    """From the lowest to the one that was asked for."""


class ExtendsError(YamlError):
    """A file that cannot be read, or that cannot be extended; `place` is None where a whole file is meant."""

    def __init__(self, text: str, *, place: Place | None) -> None:
        super().__init__(text, line=place.line if place else None)
        self.place = place


def read_laid(path: Path) -> LaidDocument:
    """Read the option file `path` and what it extends.

    Raises:
        ExtendsError: one of the files is not the YAML of an option file, is missing, or extends itself.
    """
    stack = _Stack()
    stack.lay(path, asked=None, above=())
    values: dict[str, object] = {}
    places: dict[KeyPath, Place] = {}
    for index, (file, document) in enumerate(stack.layers):
        own = {key: item for key, item in document.values.items() if key != EXTENDS}
        lines = {key: Place(file, line) for key, line in document.lines.items() if key[0] != EXTENDS}
        places = _places_on_top(places, values, own, lines)
        values = _merged(values, own) if index else own
    return LaidDocument(values, places, tuple(file for file, _ in stack.layers))


class _Stack:
    """Collects the files in the order in which they are laid."""

    def __init__(self) -> None:
        self.layers: list[tuple[Path, Document]] = []
        self._laid: set[Path] = set()

    def lay(self, path: Path, *, asked: Place | None, above: Sequence[Path]) -> None:
        """Lay what `path` extends and then `path`; `asked` is where it is named, `above` the files that wait for it."""
        document = _read(path, asked)
        real = path.resolve()
        _check_no_circle(path, asked, above)
        if real in self._laid:
            return
        if len(above) >= MAX_DEPTH or len(self._laid) >= MAX_FILES:
            limit = f"{MAX_DEPTH} files one above the other" if len(above) >= MAX_DEPTH else f"{MAX_FILES} files"
            raise ExtendsError(f"extends: expected at most {limit}, got more", place=asked)
        for name, place in _names(path, document):
            self.lay(_beside(path, name), asked=place, above=(*above, path))
        self._laid.add(real)
        self.layers.append((path, document))


def _read(path: Path, asked: Place | None) -> Document:
    try:
        return read_document(path)
    except YamlError as error:
        if error.line is not None:
            raise ExtendsError(str(error), place=Place(path, error.line)) from None
        text = f"extends: {shown(path)}: {error}" if asked else str(error)
        raise ExtendsError(text, place=asked) from None


def _check_no_circle(path: Path, asked: Place | None, above: Sequence[Path]) -> None:
    real = [file.resolve() for file in above]
    if path.resolve() in real:
        circle = [*above[real.index(path.resolve()) :], path]
        way = " -> ".join(shown(file) for file in circle)
        raise ExtendsError(f"extends: expected files that do not extend themselves, got {way}", place=asked)


def _names(path: Path, document: Document) -> list[tuple[str, Place]]:
    """Return what `extends` names, and where."""
    given = document.values.get(EXTENDS)
    if given is None:
        return []
    place = Place(path, document.lines[EXTENDS,])
    names = given if isinstance(given, list) else [given]
    if not names:
        raise ExtendsError("extends: expected at least one file, got an empty list", place=place)
    named: list[tuple[str, Place]] = []
    for index, name in enumerate(names):
        here = Place(path, document.lines.get((EXTENDS, index), place.line))
        if not isinstance(name, str) or not name.strip():
            raise ExtendsError(f"extends: expected an option file or a list of them, got {name!r}", place=here)
        named.append((name, here))
    return named


def _beside(path: Path, name: str) -> Path:
    return path.parent / (Path(name).expanduser() if name.startswith("~/") else name)


def _merged(below: Mapping[str, object], top: Mapping[str, object], at: KeyPath = ()) -> dict[str, object]:
    merged = dict(below)
    for key, item in top.items():
        under = merged.get(key)
        if item is None:
            merged.pop(key, None)
        elif isinstance(item, Mapping) and isinstance(under, Mapping):
            path = (*at, key)
            merged[key] = _merged({} if _is_another_kind(under, item, path) else under, item, path)
        else:
            merged[key] = item
    return merged


def _is_another_kind(below: Mapping[str, object], top: Mapping[str, object], path: KeyPath) -> bool:
    return "type" in below and "type" in top and below["type"] != top["type"] and has_kinds(path)


def _places_on_top(
    below: Mapping[KeyPath, Place],
    laid: Mapping[str, object],
    values: Mapping[str, object],
    top: Mapping[KeyPath, Place],
) -> dict[KeyPath, Place]:
    """Return both, without what lies below a value of `top` that replaces a section or a list of `laid`."""

    def replaces(path: KeyPath) -> bool:
        under, item = value_at(laid, path), value_at(values, path)
        if isinstance(under, Mapping) and isinstance(item, Mapping):
            return _is_another_kind(under, item, path)
        return not isinstance(item, Mapping)

    replaced = {path for path in top if replaces(path)}
    kept = {
        path: place
        for path, place in below.items()
        if not any(path[:length] in replaced for length in range(1, len(path)))
    }
    return {**kept, **top}
