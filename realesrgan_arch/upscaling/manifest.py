"""`manifest.jsonl` beside the results: what was made of what, with which model and settings. A line is only ever added.

A result counts as finished because of its line, never because its file is there. Several processes may write at once:
each line is one write to the end of the file.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from typing import Any

from realesrgan_arch.data.files import bytes_on_disk, is_below_root, name_of
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.job import Job, JobResult
from realesrgan_arch.upscaling.output_place import OutputError

MANIFEST = "manifest.jsonl"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """A result and all that it was made of. Names have forward slashes; bytes that are no UTF-8 are escapes."""

    source: str
    """Relative to the input folder."""
    folder: str
    """The name of the input folder, without the path to it, which may differ between machines."""
    input_sha256: str
    input_bytes: int
    input_mtime_ns: int
    target: str
    """Relative to the output folder."""
    output_sha256: str
    output_bytes: int
    model_sha256: str
    settings: dict[str, Any]
    settings_sha256: str
    seconds: float
    warnings: list[str]
    time: str
    """When it was finished: ISO 8601, UTC."""


@dataclass(frozen=True)
class Begun:
    """A result that a run over a folder of this name was about to put in its place."""

    begun: str
    """Its name, relative to the output folder."""
    folder: str


class Manifest:
    """What an output folder is known to hold, for a run with one model and one group of settings.

    Args:
        output: the output folder; it need not exist.
        root: the folder that the names of the pictures are relative to.
        model_sha256: of the weights.
        settings: all that changes a result's bytes, as JSON has it: not the device, not the tile.

    Raises:
        OutputError: there is a manifest, but it cannot be read.
    """

    def __init__(self, output: Path, *, root: Path, model_sha256: str, settings: Mapping[str, Any]) -> None:
        self._path = output / MANIFEST
        self._output = output
        self._root = root
        self._folder = name_of(root)
        self._model_sha256 = model_sha256
        self._settings = dict(settings)
        self._settings_sha256 = digest_of(settings)
        self._by_source: dict[str, Line] = {}
        self._by_target: dict[str, Line | Begun] = {}
        for line in _read(self._path):
            self._take_in(line)

    def is_finished(self, source: Path, *, verify: bool = False) -> bool:
        """Return whether the newest line of `source` is of this model and these settings, and still true.

        That is: the input has the size and the time that the line has, or else its SHA-256; and the result is there
        with its size. With `verify` both are hashed whatever their time. What cannot be read is not finished.
        """
        line = self._by_source.get(self._name(source))
        if line is None or (line.model_sha256, line.settings_sha256) != (self._model_sha256, self._settings_sha256):
            return False
        if self._by_target.get(line.target) is not line:  # Another picture's result stands there now.
            return False
        if bytes_on_disk(self._output / line.target) != line.output_bytes:
            return False
        try:
            return _is_same_input(source, line, verify=verify) and (
                not verify or hash_file(self._output / line.target) == line.output_sha256
            )
        except OSError:  # Whoever reads it to make it again says why it cannot be read.
            return False

    def is_ours(self, target: Path) -> bool:
        """Return whether the file `target` was made, or begun, by a run over a folder of the same name as this one's.

        A file that was changed since, so that its size differs, is somebody else's.
        """
        line = self._by_target.get(self._result_name(target))
        if line is None or line.folder != self._folder:
            return False
        return isinstance(line, Begun) or bytes_on_disk(target) == line.output_bytes

    def begin(self, target: Path) -> None:
        """Say, before `target` gets its name, that it will be ours, even if this process is killed before `record`.

        Raises:
            OSError: the manifest cannot be written.
        """
        self._add(Begun(self._result_name(target), self._folder))

    def record(self, result: JobResult) -> None:
        """Add the line of a result that is complete and in its place.

        Raises:
            ValueError: the job failed, so that there is no result.
            OSError: the manifest cannot be written.
        """
        if result.target is None:
            raise ValueError(f"{shown(result.job.source)} has no result to record.")
        self._add(self._line(result.job, result.target, result))

    def _line(self, job: Job, target: Path, result: JobResult) -> Line:
        return Line(
            source=self._name(job.source),
            folder=self._folder,
            input_sha256=result.input_sha256,
            input_bytes=job.num_bytes,
            input_mtime_ns=job.mtime_ns,
            target=self._result_name(target),
            output_sha256=result.output_sha256,
            output_bytes=result.output_bytes,
            model_sha256=self._model_sha256,
            settings=self._settings,
            settings_sha256=self._settings_sha256,
            seconds=round(result.seconds, 3),
            warnings=list(result.warnings),
            time=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _add(self, line: Line | Begun) -> None:
        self._output.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            data = _after_torn_line(handle) + json.dumps(asdict(line), separators=(",", ":")).encode() + b"\n"
            if os.write(handle, data) < len(data):
                raise OSError(ENOSPC, os.strerror(ENOSPC), str(self._path))
            os.fsync(handle)
        finally:
            os.close(handle)
        self._take_in(line)

    def _take_in(self, line: Line | Begun) -> None:
        if isinstance(line, Begun):
            self._by_target[line.begun] = line
        else:
            self._by_source[line.source] = self._by_target[line.target] = line

    def _name(self, source: Path) -> str:
        return source.relative_to(self._root).as_posix()

    def _result_name(self, target: Path) -> str:
        return target.relative_to(self._output).as_posix()


def digest_of(settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of settings, whatever the order of their names."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _is_same_input(source: Path, line: Line, *, verify: bool) -> bool:
    facts = source.stat()
    if not verify and (facts.st_size, facts.st_mtime_ns) == (line.input_bytes, line.input_mtime_ns):
        return True
    return hash_file(source) == line.input_sha256


def _after_torn_line(handle: int) -> bytes:
    """What must stand before a new line: a line end where a killed process left half a line."""
    size = os.fstat(handle).st_size
    if size == 0:
        return b""
    os.lseek(handle, size - 1, os.SEEK_SET)
    return b"" if os.read(handle, 1) == b"\n" else b"\n"


def _read(path: Path) -> Iterator[Line | Begun]:
    """The lines of a manifest; damaged ones are left out with a word."""
    try:
        texts = [text for text in path.read_bytes().split(b"\n") if text.strip()]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputError(f"{shown(path)} cannot be read: {error.strerror}.") from error
    lines = [line for text in texts if (line := _parse(text)) is not None]
    yield from lines
    if len(lines) < len(texts):
        damaged = count_of(len(texts) - len(lines), "line is", "lines are")
        _log.warning("%s: %s damaged, most likely by a run that was killed, and left out.", shown(path), damaged)


def _parse(text: bytes) -> Line | Begun | None:
    try:
        values = json.loads(text)
        line = Begun(**values) if "begun" in values else Line(**values)
        names = [line.begun] if isinstance(line, Begun) else [line.source, line.target]
        return line if all(is_below_root(name) for name in names) else None
    except (ValueError, TypeError, AttributeError):  # not JSON, or other names or types than ours
        return None
