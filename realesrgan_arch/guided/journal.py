"""`guided.json`: which steps of a guided run are done, what they were made from, and what they found."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from realesrgan_arch import atomic
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.image_header import shown

FORMAT = 1
Facts = Mapping[str, Any]
"""What JSON can hold."""


@dataclass(frozen=True)
class Entry:
    """A step that is done."""

    inputs: str
    """Hash of all that its result depends on."""
    facts: Facts


@dataclass(frozen=True)
class _Contents:
    format: int = FORMAT
    steps: dict[str, Entry] = field(default_factory=dict)


class Journal:
    """The steps that are done; every change is on the disk before the next step begins.

    Raises:
        GuidedError: the file is damaged, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._steps = _read(path).steps

    def entry(self, step: str) -> Entry | None:
        """Return what is known of a step; None where it was never done."""
        return self._steps.get(step)

    def facts(self, step: str) -> Facts:
        """Return what a step that is done has found."""
        return self._steps[step].facts

    def add(self, step: str, entry: Entry) -> None:
        """Note that a step is done.

        Raises:
            GuidedError: the file cannot be written.
        """
        self._steps[step] = entry
        text = json.dumps(asdict(_Contents(steps=self._steps)), indent=1)
        try:
            atomic.write_text(self._path, text + "\n")
        except OSError as error:
            raise GuidedError(
                f"{shown(self._path)} cannot be written: {error.strerror}; mend that and run the same command again"
            ) from error


def _read(path: Path) -> _Contents:
    if not path.exists():
        return _Contents()
    try:
        contents = TypeAdapter(_Contents).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _not_ours(path) from error
    if contents.format != FORMAT:
        raise _not_ours(path)
    return contents


def _not_ours(path: Path) -> GuidedError:
    return GuidedError(
        f"{shown(path)} is none that this version of finetune.py wrote, or is damaged; without it nobody knows what "
        "is done and from what: bring it back from a copy, or choose another --name"
    )
