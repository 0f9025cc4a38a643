"""The lines of `manifest.jsonl`: what is in them, and how they are read and added."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from errno import ENOSPC
from pathlib import Path
from sys import intern
from typing import Any, get_origin

from realesrgan_arch.data.files import is_below_root
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.output_place import OutputError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """A result and all that it was made of. Names have forward slashes; bytes that are no UTF-8 are escapes."""

    source: str
    """Relative to the input folder."""
    folder: str
    """The name of the input folder, for people."""
    root: str
    """Which input folder it was: see `manifest.root_id`."""
    input_sha256: str
    input_bytes: int
    input_mtime_ns: int
    target: str
    """Relative to the output folder."""
    output_sha256: str
    output_bytes: int
    output_mtime_ns: int
    output_pixels: int
    model_sha256: str
    settings: dict[str, Any]
    settings_sha256: str
    seconds: float
    warnings: list[str]
    time: str
    """When it was finished: ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A result that was about to be put in its place."""

    begun: str
    """Its name, relative to the output folder."""
    source: str
    root: str
    sha256: str
    """Of the result; empty where it was not known yet."""
    time_ns: int
    """Since 1970, UTC."""


_TYPES: dict[type, list[tuple[str, Any]]] = {
    kind: [(field.name, get_origin(field.type) or field.type) for field in fields(kind)] for kind in (Line, Begun)
}
_NO_SETTINGS: dict[str, Any] = {}
_NO_WARNINGS: list[str] = []


def read_lines(path: Path) -> Iterator[Line | Begun]:
    """Yield the lines of a manifest, each without what only people ask it; damaged ones are left out with a word.

    Raises:
        OutputError: there is a manifest, but it cannot be read.
    """
    num_damaged = 0
    try:
        with path.open("rb") as file:
            for text in file:
                line = _parse(text)
                if line is not None:
                    yield line
                elif text.strip():
                    num_damaged += 1
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(f"{shown(path)} cannot be read: {error.strerror}.") from error
    if num_damaged:
        damaged = count_of(num_damaged, "line is", "lines are")
        _log.warning("%s: %s damaged, most likely by a run that was killed, and left out.", shown(path), damaged)


def add_line(path: Path, line: Line | Begun) -> None:
    """Add `line` to the end of the file with one write, and flush it to the disk.

    Raises:
        OSError: that cannot be done.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        data = _after_torn_line(handle) + json.dumps(asdict(line), separators=(",", ":")).encode() + b"\n"
        if os.write(handle, data) < len(data):
            raise OSError(ENOSPC, os.strerror(ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)


def slim(line: Line) -> Line:
    """Return `line` without its settings, warnings and time, and with one copy of what is the same in many lines."""
    return replace(
        line, folder=intern(line.folder), root=intern(line.root), model_sha256=intern(line.model_sha256),
        settings=_NO_SETTINGS, settings_sha256=intern(line.settings_sha256), warnings=_NO_WARNINGS, time="",
    )  # fmt: skip


def _after_torn_line(handle: int) -> bytes:
    """What must stand before a new line: a line end where a killed process left half a line."""
    size = os.fstat(handle).st_size
    if size == 0:
        return b""
    os.lseek(handle, size - 1, os.SEEK_SET)
    return b"" if os.read(handle, 1) == b"\n" else b"\n"


def _parse(text: bytes) -> Line | Begun | None:
    try:
        values = json.loads(text)
        line = Begun(**values) if "begun" in values else Line(**values)
    except (ValueError, TypeError):  # not JSON, or other names than ours
        return None
    if not all(isinstance(getattr(line, name), kind) for name, kind in _TYPES[type(line)]):
        return None
    names = [line.begun] if isinstance(line, Begun) else [line.source, line.target]
    if not all(is_below_root(name) for name in names):
        return None
    return line if isinstance(line, Begun) else slim(line)
