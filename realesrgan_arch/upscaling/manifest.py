"""`manifest.jsonl` beside the results: what was made of what, with which model and settings. A line is only ever added.

A result counts as finished because of its line, never because its file is there. Several processes may write at once:
each line is one write to the end of the file.
"""

import hashlib
import json
import os
import stat
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from realesrgan_arch.data.files import name_of
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.job import Job, JobResult
from realesrgan_arch.upscaling.manifest_lines import Begun, Line, add_line, read_lines, slim

MANIFEST = "manifest.jsonl"
_ROOT_DIGITS = 16
_RECENT_LINES = 20
_CLOCK_SLACK_NS = 2_000_000_000
"""The times of files are those of the file system, at worst in steps of two seconds."""


class Manifest:
    """What an output folder is known to hold, for a run with one model and one group of settings.

    Args:
        output: the output folder; it need not exist.
        root: the folder that the names of the pictures are relative to.
        model_sha256: of the weights.
        settings: all that changes a result, as JSON has it.

    Raises:
        OutputError: there is a manifest, but it cannot be read.
    """

    def __init__(self, output: Path, *, root: Path, model_sha256: str, settings: Mapping[str, Any]) -> None:
        self._path = output / MANIFEST
        self._output = output
        self._root = root
        self._root_id = root_id(root)
        self._model_sha256 = model_sha256
        self._settings = dict(settings)
        self._settings_sha256 = digest_of(settings)
        self._by_source: dict[str, Line] = {}
        self._by_target: dict[str, Line] = {}
        self._begun: dict[str, Begun] = {}
        """Results that have no line since."""
        self._recent: deque[tuple[int, float]] = deque(maxlen=_RECENT_LINES)
        """Pixels and seconds of the newest results with this model and these settings."""
        for line in read_lines(self._path):
            self._take_in(line)

    def is_finished(self, source: Path, *, verify: bool = False) -> bool:
        """Return whether the newest line of `source` is of this model and these settings, and still true.

        That is: input and result each have the size of the line, and its time or else its SHA-256. With `verify` both
        are hashed whatever their time. What cannot be read is not finished.
        """
        line = self._by_source.get(self._name(source))
        if line is None or not self._is_of_this_run(line):
            return False
        if self._by_target.get(line.target) is not line:  # Another picture's result stands there now.
            return False
        is_begun = line.target in self._begun  # Another may stand there.
        try:
            return _is_input(source, line, by_hash=verify) and _is_result(
                self._output / line.target, line, by_hash=verify or is_begun
            )
        except OSError:  # Whoever reads it to make it again says why it cannot be read.
            return False

    def is_ours(self, target: Path, source: Path) -> bool:
        """Return whether the file `target` was made, or begun, of this very `source`, and is unchanged since.

        The picture of this name in another input folder is another one.
        """
        name, mine = self._result_name(target), (self._name(source), self._root_id)
        begun, line = self._begun.get(name), self._by_target.get(name)
        try:
            return (begun is not None and (begun.source, begun.root) == mine and _is_what_was_begun(target, begun)) or (
                line is not None and (line.source, line.root) == mine and _is_result(target, line)
            )
        except OSError:  # a link to nowhere, or what may not be looked at
            return False

    def rate(self) -> float | None:
        """Return how many million pixels of results a second took, by the newest lines of this model and settings."""
        seconds = sum(seconds for _, seconds in self._recent)
        return sum(pixels for pixels, _ in self._recent) / 1e6 / seconds if seconds > 0 else None

    def begin(self, target: Path, source: Path, *, sha256: str | None = None) -> None:
        """Say, before `target` gets its name, that it will be ours, even if this process is killed before `record`.

        `sha256`: of the bytes that are about to be placed; without it, whatever comes after this moment is ours.

        Raises:
            OSError: the manifest cannot be written.
        """
        name = self._result_name(target)
        self._add(Begun(name, self._name(source), self._root_id, sha256 or "", time.time_ns()))

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
        width, height = job.output_size
        return Line(
            source=self._name(job.source),
            folder=name_of(self._root),
            root=self._root_id,
            input_sha256=result.input_sha256,
            input_bytes=job.num_bytes,
            input_mtime_ns=job.mtime_ns,
            target=self._result_name(target),
            output_sha256=result.output_sha256,
            output_bytes=result.output_bytes,
            output_mtime_ns=_mtime_ns(target),
            output_pixels=width * height,
            model_sha256=self._model_sha256,
            settings=self._settings,
            settings_sha256=self._settings_sha256,
            seconds=round(float(result.seconds), 3),
            warnings=list(result.warnings),
            time=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _add(self, line: Line | Begun) -> None:
        self._output.mkdir(parents=True, exist_ok=True)
        add_line(self._path, line)
        self._take_in(line if isinstance(line, Begun) else slim(line))

    def _take_in(self, line: Line | Begun) -> None:
        if isinstance(line, Begun):
            self._begun[line.begun] = line
            return
        self._begun.pop(line.target, None)
        self._by_source[line.source] = self._by_target[line.target] = line
        if self._is_of_this_run(line):
            self._recent.append((line.output_pixels, line.seconds))

    def _is_of_this_run(self, line: Line) -> bool:
        return (line.model_sha256, line.settings_sha256) == (self._model_sha256, self._settings_sha256)

    def _name(self, source: Path) -> str:
        return source.relative_to(self._root).as_posix()

    def _result_name(self, target: Path) -> str:
        return target.relative_to(self._output).as_posix()


def root_id(root: Path) -> str:
    """Return what tells an input folder from others of its name: of the SHA-256 of its real path the first digits."""
    return hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:_ROOT_DIGITS]


def digest_of(settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of settings, whatever the order of their names."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _is_input(source: Path, line: Line, *, by_hash: bool) -> bool:
    return _is_same(source, (line.input_bytes, line.input_mtime_ns), line.input_sha256, by_hash=by_hash)


def _is_result(target: Path, line: Line, *, by_hash: bool = False) -> bool:
    return _is_same(target, (line.output_bytes, line.output_mtime_ns), line.output_sha256, by_hash=by_hash)


def _is_same(path: Path, facts: tuple[int, int], sha256: str, *, by_hash: bool) -> bool:
    """Whether a file has the size and the time of `facts`, or else the size and the hash."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size != facts[0]:
        return False
    return (not by_hash and found.st_mtime_ns == facts[1]) or hash_file(path) == sha256


def _is_what_was_begun(target: Path, begun: Begun) -> bool:
    found = target.stat()
    if not stat.S_ISREG(found.st_mode):
        return False
    return hash_file(target) == begun.sha256 if begun.sha256 else found.st_mtime_ns >= begun.time_ns - _CLOCK_SLACK_NS


def _mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # It vanished: the next run finds that out.
        return 0
